"""The original's generator: drawn sticks into a pix2pixHD body and a residual head."""

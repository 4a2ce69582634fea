"""Training of the 2D-to-3D pose lifter that ships."""

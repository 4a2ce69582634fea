"""The original method: sticks drawn from keypoints, pix2pixHD and a residual head network."""

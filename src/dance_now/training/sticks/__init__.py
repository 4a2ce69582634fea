"""Stick-figure baseline: "Everybody Dance Now" with pix2pixHD and a residual head network."""

"""Data sets from user media: images with OpenPose labels, and videos of a person."""

"""Pose estimators: one module each for every one that users can name, and what they are built from."""

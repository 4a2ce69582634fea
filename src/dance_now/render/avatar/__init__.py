"""Rigged avatars: loading, posing, expressions, gaze and their keypoints."""

"""Rigged avatars: loading, forward kinematics, expressions, gaze and keypoints."""

"""Data types of poses: keypoints, pose, skeleton, bone rule, detections. The base layer of ``pose``."""

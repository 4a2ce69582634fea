"""Data types of poses: keypoints, pose, skeleton, bone rule, detections. The lowest layer of ``pose``."""

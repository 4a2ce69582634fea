"""File formats of keypoints and motion: OpenPose JSON and YAML, CSV, BVH out, skeleton overlays."""

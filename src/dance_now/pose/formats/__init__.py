"""File formats of keypoints and motion: keypoint JSON and YAML, CSV, BVH out, skeleton overlays."""

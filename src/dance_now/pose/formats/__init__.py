"""File formats of keypoints and motion: keypoint JSON of OpenPose and others, YAML, CSV, BVH out, overlays."""

"""Motion retargeting: from a person's keypoints to a character's own body."""

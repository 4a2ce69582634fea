"""Face landmarks of an avatar: OpenPose's 70 points found on its mesh."""

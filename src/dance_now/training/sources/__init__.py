"""Data sets from what users bring: pictures with OpenPose labels, and videos of somebody."""

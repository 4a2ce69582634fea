"""Data sets that the studio did not make: pictures with OpenPose labels, and videos of somebody."""

"""Training of the 2D-to-3D lifter that ships."""

"""Training of the 2D-to-3D pose lifters that ship."""

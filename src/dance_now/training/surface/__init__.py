"""Surface characters built straight from avatars: rig, mesh and materials as arrays. Imports no torch."""

"""Readers of motion files: BVH, animations of glTF and VRMA, DeepMimic."""

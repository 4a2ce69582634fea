"""Readers of motion files: BVH, glTF and VRMA animations, DeepMimic."""

"""Readers of 3D files: glTF, VRM 0 and 1, their materials, textures, spring bones and motions.

Input is untrusted: every size is validated before use. Nothing here poses or renders.
"""

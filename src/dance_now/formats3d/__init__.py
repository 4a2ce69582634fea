"""Readers of 3D files: glTF, VRM 0 and 1, their materials, textures and spring bones.

Every size is checked before it is believed; nothing here poses or draws.
"""

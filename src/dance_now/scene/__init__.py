"""The scene around the character: matting, background, compositing.

Who is in the scene is for ``pose``.
"""

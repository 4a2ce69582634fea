"""Rendering of avatars: software rasteriser, toon shading, spring bones, camera (numba).

Which poses are rendered is for ``synthesis``.
"""

"""Scene processing: matting, background reconstruction, compositing.

People and their poses are for ``pose``.
"""

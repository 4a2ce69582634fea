"""Photos, videos, folders and raw streams as sources and sinks of frames.

The content of the frames is for ``pose`` and ``scene``.
"""

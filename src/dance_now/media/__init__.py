"""Photos, videos, folders and raw streams as sources and sinks of frames.

What is seen in the frames is for ``pose`` and ``scene``.
"""

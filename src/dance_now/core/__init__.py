"""Foundations: array types, errors, atomic files, profiling, the parallel pipeline.

Nothing here knows of poses, characters or videos.
"""

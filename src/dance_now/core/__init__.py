"""Foundations: array types, errors, atomic files, limits of files, profiling, the parallel pipeline.

Nothing here knows of poses, characters or videos.
"""

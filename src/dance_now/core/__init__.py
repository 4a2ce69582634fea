"""Foundations: array types, errors, atomic files, limits of untrusted files, profiling, the parallel pipeline.

Nothing here knows of poses, characters or videos.
"""

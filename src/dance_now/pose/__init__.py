"""Poses of people: estimation, tracking, retargeting to a character, file formats.

Nothing here draws or knows of characters beyond their skeleton.
"""

"""Poses to render: the motion library, motions from files, procedural poses, selection."""

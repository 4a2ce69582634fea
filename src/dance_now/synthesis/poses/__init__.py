"""Poses for rendering: motion library, motions from files, procedural poses, selection."""

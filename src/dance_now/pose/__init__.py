"""Poses: what one is, who finds it, how it moves to another body."""

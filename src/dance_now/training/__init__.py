"""Training of characters: networks, losses, loop, evaluation, export.

The only package that imports torch; nothing outside it may need it to draw.
"""

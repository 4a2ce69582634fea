"""Training of characters: data sets from user media, networks, losses, training loop, evaluation, export.

The only package that imports torch; inference does not need it.
"""

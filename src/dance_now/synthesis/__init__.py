"""Synthetic training data: data sets of an avatar rendered in many poses.

Networks that train on them are in ``training``.
"""

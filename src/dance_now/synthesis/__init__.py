"""Synthetic training data: data sets of an avatar in many poses.

Networks that learn from them are in ``training``.
"""

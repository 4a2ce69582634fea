"""Landmark networks for bodies, hands and faces (LiteRT), and the 2D-to-3D lifters.

Tracking over time is for ``pose.tracking``.
"""

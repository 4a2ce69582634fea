"""Neural networks that read bodies, hands and faces (LiteRT), and the 2D-to-3D lifter.

People over time are followed by ``pose.tracking``.
"""

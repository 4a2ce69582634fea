"""What a character file holds of a network."""

from __future__ import annotations

from typing import ClassVar

from torch import nn


class ExportedModule(nn.Module):
    """Keypoints (B, 137, 4) in canvas px -> straight RGBA in [0, 1], (B, 4, height, width).

    Attributes:
        draws_parts: whether it takes a canvas as well, of any numbers (height / 16, width / 16), and
            keypoints in pixels of that part of the canvas; else it draws all of it.
    """

    draws_parts: ClassVar[bool] = False

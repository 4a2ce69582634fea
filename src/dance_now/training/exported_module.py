"""Interface of networks that are exported to a character file."""

from __future__ import annotations

from typing import ClassVar

from torch import nn


class ExportedModule(nn.Module):
    """Keypoints (B, 137, 4) in canvas px -> straight RGBA in [0, 1], (B, 4, height, width).

    Attributes:
        draws_parts: whether it takes a second input ``canvas`` of any values (height / 16, width / 16), and
            keypoints in pixels of that canvas region; else it renders the whole canvas.
    """

    draws_parts: ClassVar[bool] = False

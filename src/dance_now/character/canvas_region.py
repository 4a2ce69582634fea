"""Canvas region: the rectangle of a canvas that a figure may touch and that has to be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dance_now.character.character_file import CANVAS
from dance_now.core.arrays import FloatArray

BLOCK: Final = 16
"""Pixels that corners are multiples of: the stride of the generators' coarsest feature map."""

SIDE_STEP: Final = 32
"""Pixels that sides are multiples of: few sizes, for each is checked and planned once."""

_MIN_SIDE: Final = 192  # pixels of a side: smaller ones would save little
_MARGIN: Final = 4.0  # pixels that a figure's soft edge spreads


@dataclass(frozen=True)
class CanvasRegion:
    """Rectangle of a canvas, pixels."""

    left: int
    top: int
    width: int
    height: int


WHOLE: Final = CanvasRegion(0, 0, CANVAS, CANVAS)


def canvas_region_around(lowest: FloatArray, highest: FloatArray, canvas: int = CANVAS) -> CanvasRegion:
    """Region of a canvas that covers a figure's bounding box, given by two corners (x, y), canvas px.

    Args:
        lowest: (2,) corner.
        highest: (2,) corner.
        canvas: side, px, a multiple of 32.
    """
    first = np.clip(np.floor((lowest - _MARGIN) / BLOCK) * BLOCK, 0, canvas - _MIN_SIDE)
    size = np.clip(np.ceil((highest + _MARGIN - first) / SIDE_STEP) * SIDE_STEP, _MIN_SIDE, canvas)
    left, top = np.minimum(first, canvas - size).astype(int).tolist()
    width, height = size.astype(int).tolist()
    return CanvasRegion(left, top, width, height)

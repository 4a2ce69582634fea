"""The part of a canvas that a figure may touch: all of it that has to be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dance_now.character.character_file import CANVAS
from dance_now.core.arrays import FloatArray

BLOCK: Final = 16
"""Pixels that corners are multiples of: a pixel of the coarsest map that generators work on."""

_SIZES: Final = 32  # that sides are multiples of: few sizes, for each is checked and planned once
_LEAST: Final = 192  # pixels of a side: smaller ones would save little
_BESIDE: Final = 4.0  # pixels that a figure's soft edge spreads


@dataclass(frozen=True)
class CanvasPart:
    """A rectangle of a canvas, pixels."""

    left: int
    top: int
    width: int
    height: int


WHOLE: Final = CanvasPart(0, 0, CANVAS, CANVAS)


def part_around(lowest: FloatArray, highest: FloatArray) -> CanvasPart:
    """The part of a canvas that a figure between two corners (x, y), canvas px, may touch."""
    first = np.clip(np.floor((lowest - _BESIDE) / BLOCK) * BLOCK, 0, CANVAS - _LEAST)
    size = np.clip(np.ceil((highest + _BESIDE - first) / _SIZES) * _SIZES, _LEAST, CANVAS)
    left, top = np.minimum(first, CANVAS - size).astype(int).tolist()
    width, height = size.astype(int).tolist()
    return CanvasPart(left, top, width, height)

"""The part of a canvas that a figure may touch: all of it that has to be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dance_now.arrays import FloatArray
from dance_now.character.file import CANVAS

BLOCK: Final = 16
"""Pixels that corners are multiples of: a pixel of the coarsest map that generators work on."""

_SIZES: Final = 64  # that sides are multiples of: few sizes, for each is checked and planned once
_BESIDE: Final = 8.0  # pixels that a figure's soft edge spreads


@dataclass(frozen=True)
class CanvasPart:
    """A rectangle of a canvas, pixels."""

    left: int
    top: int
    width: int
    height: int


WHOLE: Final = CanvasPart(0, 0, CANVAS, CANVAS)


def touched_part(points: FloatArray, reach: FloatArray) -> CanvasPart:
    """The part of a canvas that a figure may touch.

    Args:
        points: (n, 2) of the figure, canvas px; outside of the canvas as well.
        reach: (n,) pixels around each of them within which the figure lies.
    """
    far = (reach + _BESIDE)[:, None]
    lowest = np.floor((points - far).min(axis=0) / BLOCK) * BLOCK
    highest = (points + far).max(axis=0)
    lowest = np.clip(lowest, 0, CANVAS - _SIZES)
    size = np.clip(np.ceil((highest - lowest) / _SIZES) * _SIZES, _SIZES, CANVAS)
    left, top = np.minimum(lowest, CANVAS - size).astype(int).tolist()
    width, height = size.astype(int).tolist()
    return CanvasPart(left, top, width, height)

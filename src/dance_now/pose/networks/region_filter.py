"""A square that follows a part of the body without trembling."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.networks.litert import Region
from dance_now.pose.smoothing.one_euro import OneEuro

_FRAME_SECONDS: Final = 1 / 30  # the filter's clock: estimators are not told the time
_CUTOFF: Final = 1.0  # Hz at rest
_BETA: Final = 12.0  # Hz for a speed of one square a second
_SPEED_CUTOFF: Final = 3.0  # Hz


class SteadyRegion:
    """Smooths a square from frame to frame, relative to a point of the body that carries it.

    The points that a network finds tremble with the square that it is shown. Against lag, the square of the
    last frame is moved along with the body's own point of this one.
    """

    def __init__(self) -> None:
        self._filter: OneEuro | None = None
        self._frame_count = 0
        self._region: Region | None = None
        self._carrier: FloatArray | None = None

    def update(self, region: Region, carrier: FloatArray) -> None:
        """Takes the square measured in this frame, and the (2,) point that carries it, pixels."""
        if self._filter is None:
            self._filter = OneEuro(_CUTOFF, _BETA / region.size, _SPEED_CUTOFF)
        self._frame_count += 1
        up = np.array([np.sin(region.angle), -np.cos(region.angle)]) * region.size / 2
        centre = np.array([region.x, region.y]) - carrier
        centre, up = self._filter.filter(np.stack([centre, up]), self._frame_count * _FRAME_SECONDS)
        x, y = centre + carrier
        angle = float(np.arctan2(up[0], -up[1]))
        self._region = Region(float(x), float(y), 2 * float(np.hypot(*up)), angle)
        self._carrier = np.array(carrier, np.float32)

    def at(self, carrier: FloatArray) -> Region | None:
        """The square for this frame, whose carrying point is at ``carrier``; None before any update."""
        if self._region is None or self._carrier is None:
            return None
        x, y = np.array([self._region.x, self._region.y]) + carrier - self._carrier
        return replace(self._region, x=float(x), y=float(y))

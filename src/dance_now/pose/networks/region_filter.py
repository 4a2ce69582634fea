"""Region filter: One-Euro smoothing of a tracked region of interest."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.networks.litert import Region
from dance_now.pose.smoothing.one_euro import OneEuroFilter

_FRAME_SECONDS: Final = 1 / 30  # the filter's clock: estimators are not told the time
_CUTOFF: Final = 1.0  # Hz at rest
_BETA: Final = 12.0  # Hz for a speed of one square a second
_SPEED_CUTOFF: Final = 3.0  # Hz


class RegionFilter:
    """Smooths a region from frame to frame, relative to an anchor point on the body.

    Jitter of the region causes jitter of the network's landmarks. Against lag, the region of the last frame
    is moved along with the anchor of this one.
    """

    def __init__(self) -> None:
        self._filter: OneEuroFilter | None = None
        self._frame_count = 0
        self._region: Region | None = None
        self._anchor: FloatArray | None = None

    def update(self, region: Region, anchor: FloatArray) -> None:
        """Updates the filter with the region measured in this frame, and its (2,) anchor, pixels."""
        if self._filter is None:
            self._filter = OneEuroFilter(_CUTOFF, _BETA / region.size, _SPEED_CUTOFF)
        self._frame_count += 1
        up = np.array([np.sin(region.angle), -np.cos(region.angle)]) * region.size / 2
        centre = np.array([region.x, region.y]) - anchor
        centre, up = self._filter.filter(np.stack([centre, up]), self._frame_count * _FRAME_SECONDS)
        x, y = centre + anchor
        angle = float(np.arctan2(up[0], -up[1]))
        self._region = Region(float(x), float(y), 2 * float(np.hypot(*up)), angle)
        self._anchor = np.array(anchor, np.float32)

    def at(self, anchor: FloatArray) -> Region | None:
        """Region for this frame, whose anchor is at ``anchor``; None before any update."""
        if self._region is None or self._anchor is None:
            return None
        x, y = np.array([self._region.x, self._region.y]) + anchor - self._anchor
        return replace(self._region, x=float(x), y=float(y))

"""Boxes and dilation: image regions and their margins."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image


@dataclass(frozen=True)
class Box:
    """Box of rows ``top`` to ``bottom`` and columns ``left`` to ``right``, the ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index for an (H, W, ...) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    def __and__(self, other: Box) -> Box:
        """Intersection; empty, not negative, where the boxes do not overlap."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom, right = min(self.bottom, other.bottom), min(self.right, other.right)
        return Box(top, max(top, bottom), left, max(left, right))

    def within(self, other: Box) -> Box:
        """Box relative to the upper left corner of another box."""
        top, left = other.top, other.left
        return Box(self.top - top, self.bottom - top, self.left - left, self.right - left)


def bounding_box(mask: npt.NDArray[np.bool_], margin: float = 0.0, extra: int = 0) -> Box | None:
    """Bounding box of the set pixels of an (H, W) mask; None if there are none.

    ``margin`` widens it on each side by a share of its longer side, ``extra`` by pixels; it stays inside.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    more = extra + round(margin * max(bottom - top, right - left))
    height, width = mask.shape
    return Box(max(0, top - more), min(height, bottom + more), max(0, left - more), min(width, right + more))


def dilate(mask: Image, radius: float) -> Image:
    """Dilates a binary (h, w) uint8 mask by a square of the given radius."""
    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.dilate(mask, np.ones((side, side), np.uint8)), np.uint8)


def soft_dilate(mask: Image, full: float, fade: float) -> Image:
    """Dilates a binary mask with a soft rim.

    Args:
        mask: (h, w) uint8, 0 or 255.
        full: pixels around it that count as much as itself.
        fade: pixels over which the rest falls to 0.

    Returns:
        (h, w) uint8.
    """
    distance = cv2.distanceTransform(cv2.bitwise_not(mask), cv2.DIST_L2, 3)
    slope = 255 / fade
    widened = cv2.addWeighted(distance, -slope, distance, 0, 255 + full * slope, dtype=cv2.CV_8U)
    return np.asarray(widened, np.uint8)

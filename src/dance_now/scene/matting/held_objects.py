"""Held objects: foreground connected to a person, removed with the person or kept.

A thrown ball differs from the clean plate too, but is not connected to anybody while it flies. Cutting it
where it meets the person would leave half balls, and removing it only at times would flicker; so an object is
removed as a whole once it has touched the person, and tracked until it is lost from sight. If objects are
kept, what hands hold is told from what people wear.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import BoolArray, Image
from dance_now.scene.filters.region import Box, dilate

_NEAR: Final = 0.06  # of the person's size: around the mask, all foreground is the person
_LARGEST: Final = 0.2  # of the person's area: a larger component is another person
_MOVE: Final = 0.05  # of the person's size that a thing may move from frame to frame
_THIN: Final = 0.012  # of the person's size: what is thinner is a rim that the mask has missed


class HeldObjects:
    """Divides foreground into removed and kept parts; tracks objects that people let go."""

    def __init__(self, keep: bool = False) -> None:
        """``keep``: objects are kept, and only what is worn is removed."""
        self._keep = keep
        self._before: Image | None = None

    def reset(self) -> None:
        """Resets the tracked objects."""
        self._before = None

    def mask_of_last_frame(self, like: Image) -> BoolArray:
        """Mask of what was removed with the people in the last frame; of the shape of ``like``."""
        if self._before is None or self._before.shape != like.shape:
            return np.zeros(like.shape, np.bool_)
        return self._before > 0

    def __call__(
        self, differs: Image, person: Image, hands: Image, box: Box, shape: tuple[int, ...], size: float
    ) -> tuple[Image, Image]:
        """Divides the foreground.

        Args:
            differs: (box.height, box.width) uint8, 255 on people and what else differs from the clean plate.
            person: of the same shape, 255 on the people to remove.
            hands: of the same shape, 255 on and around their hands.
            box: the part of the image that is processed.
            shape: (h, w) of the whole image.
            size: how tall the people are in pixels.

        Returns:
            Two uint8 of 0 and 255, inside the box: what is removed with the people, and what is kept.
        """
        area = float(np.count_nonzero(person))
        near = dilate(person, _NEAR * size)
        attached = _touching(differs, person)
        # What extends beyond the person's surroundings is removed as a whole or not at all.
        removed = (attached & near) | _smaller(attached & ~near, _LARGEST * area)
        if self._keep:
            removed &= ~_held_by_hands(attached & ~person, hands, size)
            return removed, _without_specks(differs & ~removed)
        if self._before is not None and self._before.shape == shape:
            followed = _touching(differs & ~attached, dilate(self._before[box.slices], _MOVE * size))
            removed |= _smaller(followed, _LARGEST * area)
        self._before = np.zeros(shape, np.uint8)
        self._before[box.slices] = removed
        return removed, _without_specks(differs & ~removed)


def _held_by_hands(beside: Image, hands: Image, size: float) -> Image:
    """Parts of the foreground beside people that are too thick for a rim and touch their hands."""
    thin = max(1, round(_THIN * size))
    square = np.ones((2 * thin + 1, 2 * thin + 1), np.uint8)
    thick = np.asarray(cv2.morphologyEx(beside, cv2.MORPH_OPEN, square), np.uint8)
    return dilate(_touching(thick, hands), thin) & beside


def _without_specks(mask: Image) -> Image:
    """Removes specks from a mask by morphological opening."""
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)


def _touching(mask: Image, others: Image) -> Image:
    """Selects connected components of a mask that touch ``others``."""
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    touching = np.zeros(count, np.uint8)
    touching[labels[others > 0]] = 255
    touching[0] = 0
    return np.asarray(touching[labels], np.uint8)


def _smaller(mask: Image, area: float) -> Image:
    """Selects connected components of a mask of at most ``area`` pixels."""
    left, top, width, height = cv2.boundingRect(mask)
    part = slice(top, top + height), slice(left, left + width)
    kept = np.zeros_like(mask)
    if width:
        _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask[part], connectivity=8)
        keep = np.where(statistics[:, cv2.CC_STAT_AREA] <= area, 255, 0).astype(np.uint8)
        keep[0] = 0
        kept[part] = keep[labels]
    return kept

"""What goes with a person: all that differs from the empty scene and hangs together with them.

A ball that is thrown differs from the scene too, but hangs together with nobody while it flies. Cutting it
where it meets the person would leave half balls, and letting it come and go would flicker; so a thing goes as
a whole once it has touched the person, and stays with them until it is lost from sight. Or things are left in
the picture: then what hands hold is told from what people wear.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import BoolArray, Image
from dance_now.scene.filters.region import Box, dilated

_NEAR: Final = 0.06  # of the person's size: around the mask, all that differs is the person
_LARGEST: Final = 0.2  # of the person's area: more is not a thing but somebody else
_MOVE: Final = 0.05  # of the person's size that a thing may move from frame to frame
_THIN: Final = 0.012  # of the person's size: what is thinner is a rim that the mask has missed


class HeldObjects:
    """Tells what belongs to the people who leave from what stays; remembers things that they let go."""

    def __init__(self, keep: bool = False) -> None:
        """``keep``: things stay, and only what is worn goes."""
        self._keep = keep
        self._before: Image | None = None

    def reset(self) -> None:
        """Resets the tracked objects."""
        self._before = None

    def held(self, like: Image) -> BoolArray:
        """Where something was in the picture before that went with the people; of the shape of ``like``."""
        if self._before is None or self._before.shape != like.shape:
            return np.zeros(like.shape, np.bool_)
        return self._before > 0

    def __call__(
        self, differs: Image, person: Image, hands: Image, box: Box, shape: tuple[int, ...], size: float
    ) -> tuple[Image, Image]:
        """Divides what differs from the empty scene.

        Args:
            differs: (box.height, box.width) uint8, 255 on people and what else differs from the scene.
            person: of the same shape, 255 on the people who leave.
            hands: of the same shape, 255 on and around their hands.
            box: the part of the picture looked at.
            shape: (h, w) of the whole picture.
            size: how tall the people are in pixels.

        Returns:
            Two uint8 of 0 and 255, inside the box: what goes with the people, and what stays.
        """
        area = float(np.count_nonzero(person))
        near = dilated(person, _NEAR * size)
        attached = _touching(differs, person)
        # What sticks out of the person's surroundings goes as a whole or not at all.
        goes = (attached & near) | _smaller(attached & ~near, _LARGEST * area)
        if self._keep:
            goes &= ~_held(attached & ~person, hands, size)
            return goes, _solid(differs & ~goes)
        if self._before is not None and self._before.shape == shape:
            followed = _touching(differs & ~attached, dilated(self._before[box.slices], _MOVE * size))
            goes |= _smaller(followed, _LARGEST * area)
        self._before = np.zeros(shape, np.uint8)
        self._before[box.slices] = goes
        return goes, _solid(differs & ~goes)


def _held(beside: Image, hands: Image, size: float) -> Image:
    """Of what is beside people, the parts that are too thick for a rim and meet their hands."""
    thin = max(1, round(_THIN * size))
    square = np.ones((2 * thin + 1, 2 * thin + 1), np.uint8)
    thick = np.asarray(cv2.morphologyEx(beside, cv2.MORPH_OPEN, square), np.uint8)
    return dilated(_touching(thick, hands), thin) & beside


def _solid(mask: Image) -> Image:
    """A mask without its specks."""
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)


def _touching(mask: Image, others: Image) -> Image:
    """The connected parts of a mask that touch ``others``."""
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    touching = np.zeros(count, np.uint8)
    touching[labels[others > 0]] = 255
    touching[0] = 0
    return np.asarray(touching[labels], np.uint8)


def _smaller(mask: Image, area: float) -> Image:
    """The connected parts of a mask that cover at most ``area`` pixels."""
    left, top, width, height = cv2.boundingRect(mask)
    part = slice(top, top + height), slice(left, left + width)
    kept = np.zeros_like(mask)
    if width:
        _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask[part], connectivity=8)
        keep = np.where(statistics[:, cv2.CC_STAT_AREA] <= area, 255, 0).astype(np.uint8)
        keep[0] = 0
        kept[part] = keep[labels]
    return kept

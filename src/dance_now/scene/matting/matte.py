"""The person's matte, and the hole that is to be filled when the person goes.

A pose network's mask is completed by what the pose knows of hands and feet, and pulled onto the picture's
edges. Where the scene without people is known, the difference between picture and scene says more: all that
differs and hangs together with the person goes too, be it hair, a shoe, a ball or a shadow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.detection import Detection
from dance_now.pose.tracking.limb_mask import coarse_mask, hand_regions
from dance_now.scene.background.camera_view import Cutout, View, difference, reduced
from dance_now.scene.background.clean_background import Background
from dance_now.scene.filters.guided_filter import refine
from dance_now.scene.filters.region import Box, bounding_box, dilated, margin
from dance_now.scene.matting.cast_shadow import cast_shadow
from dance_now.scene.matting.closed_form_matting import closed_form
from dance_now.scene.matting.held_objects import HeldObjects

_KEEP: Final = 0.6  # share of the matte before, where the picture has not changed
_STEADY, _MOVED = 4.0, 14.0  # grey levels between two frames: less is noise, more is movement
_KEEPS: Final = (_KEEP * np.clip((_MOVED - np.arange(256)) / (_MOVED - _STEADY), 0, 1)).astype(np.float32)
_DOUBT: Final = 0.05  # coarse mask: below, nobody is there
_PERSON: Final = 0.3  # coarse mask: from here a pixel may well be the person
_SURE: Final = 0.9  # coarse mask: from here it is
_SOME: Final = 0.12  # matte: less is no more than doubt
_AROUND: Final = 0.3  # of the person's size: as far around them belongings are looked for
_TALL: Final = 2.2  # a standing person's height over the root of the area
_FULL, _FADE = 0.011, 0.012  # of the longer side: around the person all is filled, then less and less
_TIGHT: Final = 0.005  # of the longer side: where the fill is invented, as little as possible


class Matte:
    """Cuts people out of one picture after the other of the same source.

    Args:
        background: the source's, which knows the scene behind people or does not.
        best: take more time for hair where the scene behind is not known.
        keep_objects: what people hold stays in the picture, as far as the scene behind them is known.

    Example:
        >>> matte = Matte(unknown_background())  # doctest: +SKIP
        >>> clean = background.fill(image, matte(image, [detection]))  # doctest: +SKIP
    """

    def __init__(self, background: Background, *, best: bool = False, keep_objects: bool = False) -> None:
        self._background = background
        self._best = best
        self._belongings = HeldObjects(keep_objects)
        self._before: tuple[Image, FloatArray] | None = None

    def reset(self) -> None:
        """Resets the temporal state: call it before an unrelated image."""
        self._belongings.reset()
        self._before = None

    def __call__(
        self, image: Image, leaving: Sequence[Detection], staying: Sequence[Detection] = ()
    ) -> Cutout:
        """Cuts people out of a picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            leaving: the people who are replaced.
            staying: other people, who are left as they are.
        """
        picture, scale = reduced(image)
        height, width = picture.shape[:2]
        coarse = coarse_mask(leaving, height, width, scale)
        others = coarse_mask(staying, height, width, scale)
        view = self._background.view(picture, np.maximum(coarse, others) if staying else coarse, scale)
        refined = refine(coarse, picture)
        if self._best and view is None:  # else the scene behind tells more
            refined = closed_form(refined, coarse, picture)
        alpha = self._steady(picture, refined)
        size = _TALL * (float(np.count_nonzero(coarse > 0.5)) / max(1, len(leaving))) ** 0.5
        hole = np.zeros((height, width), np.uint8)
        box = bounding_box((coarse > _DOUBT) | self._belongings.held(hole), extra=round(_AROUND * size))
        if box is not None:
            person = _binary(alpha[box.slices], _SOME) | _binary(coarse[box.slices], _PERSON)
            stands = _binary(others[box.slices], 0.5) & ~_binary(coarse[box.slices], _SURE)
            if view is None:
                part = margin(person, _FULL * max(height, width), 1.5)
            else:
                differs = (view.differing(picture, box) | person) & ~stands
                hands = hand_regions(leaving, height, width, scale)[box.slices]
                things = self._belongings(differs, person, hands, box, hole.shape, size)
                part = self._around(*things, view, box)
                part = np.maximum(part, cast_shadow(leaving, picture, view, size, scale)[box.slices])
            hole[box.slices] = part & ~stands
        full = cv2.resize(hole, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
        return Cutout(alpha, np.asarray(full, np.uint8), view)

    def _around(self, goes: Image, stays: Image, view: View, box: Box) -> Image:
        """The hole: wide where the scene behind is known, as small as can be where it is invented."""
        longer = max(view.known.shape)
        wide = margin(goes, _FULL * longer, _FADE * longer)
        hole = np.where(view.known[box.slices] > 0, wide, dilated(goes, _TIGHT * longer))
        return hole & ~(dilated(stays, 2) & ~goes)

    def _steady(self, picture: Image, alpha: FloatArray) -> FloatArray:
        """Averages the matte with the one before where the picture has not changed."""
        box = bounding_box(alpha > 0)
        if box is not None and self._before is not None and self._before[0].shape == picture.shape:
            before, matte = self._before[0][box.slices], self._before[1][box.slices]
            change = cv2.blur(difference(picture[box.slices], before), (3, 3))
            keep = cv2.LUT(change, _KEEPS)
            alpha[box.slices] += (matte - alpha[box.slices]) * keep
        self._before = picture, alpha
        return alpha


def _binary(mask: FloatArray, threshold: float) -> Image:
    """(h, w) uint8: 255 where the mask is above a threshold."""
    return np.asarray(cv2.threshold(mask, threshold, 255, cv2.THRESH_BINARY)[1], np.uint8)

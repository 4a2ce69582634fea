"""Person matting: alpha of the people to remove, and the hole to fill behind them.

A pose network's mask is completed by hands and feet from the pose, and refined along image edges. Where a
clean plate is known, background subtraction is more precise: everything that differs and is connected to
the person is removed too, be it hair, a shoe, a ball or a shadow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.detection import Detection
from dance_now.pose.tracking.limb_mask import coarse_mask, hand_regions
from dance_now.scene.background.camera_view import Cutout, PlateView, max_channel_difference, to_work_size
from dance_now.scene.background.clean_background import Background
from dance_now.scene.filters.guided_filter import refine_mask
from dance_now.scene.filters.region import Box, bounding_box, dilate, soft_dilate
from dance_now.scene.matting.cast_shadow import cast_shadow
from dance_now.scene.matting.closed_form_matting import closed_form
from dance_now.scene.matting.held_objects import HeldObjects
from dance_now.scene.matting.loose_parts import loose_parts

_KEEP: Final = 0.6  # share of the matte before, where the image has not changed
_STEADY, _MOVED = 4.0, 14.0  # grey levels between two frames: less is noise, more is movement
_KEEPS: Final = (_KEEP * np.clip((_MOVED - np.arange(256)) / (_MOVED - _STEADY), 0, 1)).astype(np.float32)
_DOUBT: Final = 0.05  # coarse mask: below, nobody is there
_PERSON: Final = 0.3  # coarse mask: from here a pixel may well be the person
_SURE: Final = 0.9  # coarse mask: from here it is
_SOME: Final = 0.12  # matte: less is no more than doubt
_AROUND: Final = 0.3  # of the person's size: search range of held objects
_TALL: Final = 2.2  # a standing person's height over the root of the area
_FULL, _FADE = 0.011, 0.012  # of the longer side: margin around the person that is filled, and its fade
_EDGE: Final = 1  # pixels of the work size: blur of an edge that hides people
_TIGHT: Final = 0.005  # of the longer side: margin where the fill is inpainted, as small as possible


class PersonMatting:
    """Cuts people out of the frames of one source.

    Args:
        background: model of the source's background, which may be empty.
        best: spend more time on hair where the scene behind is not known.
        keep_objects: keep held objects in the image, where the scene behind them is known.

    Example:
        >>> matte = PersonMatting(inpainted_background())  # doctest: +SKIP
        >>> clean = background.fill(image, matte(image, [detection]))  # doctest: +SKIP
    """

    def __init__(self, background: Background, *, best: bool = False, keep_objects: bool = False) -> None:
        self._background = background
        self._best = best
        self._held_objects = HeldObjects(keep_objects)
        self._before: tuple[Image, FloatArray] | None = None

    def reset(self) -> None:
        """Resets the temporal state: call it before an unrelated image."""
        self._held_objects.reset()
        self._before = None

    def __call__(self, image: Image, removed: Sequence[Detection], kept: Sequence[Detection] = ()) -> Cutout:
        """Cuts people out of a frame.

        Args:
            image: (H, W, 3) uint8 RGB.
            removed: the people to remove.
            kept: other people.
        """
        small_image, scale = to_work_size(image, self._background.work_size)
        height, width = small_image.shape[:2]
        coarse = coarse_mask(removed, height, width, scale)
        others = coarse_mask(kept, height, width, scale)
        view = self._background.view(small_image, np.maximum(coarse, others) if kept else coarse, scale)
        refined = refine_mask(coarse, small_image)
        if self._best and view is None:  # else background subtraction is more precise
            refined = closed_form(refined, coarse, small_image)
        alpha = self._smooth_over_time(small_image, refined)
        size = _TALL * (float(np.count_nonzero(coarse > 0.5)) / max(1, len(removed))) ** 0.5
        hole = np.zeros((height, width), np.uint8)
        box = bounding_box(
            (coarse > _DOUBT) | self._held_objects.mask_of_last_frame(hole), extra=round(_AROUND * size)
        )
        if box is not None:
            person = _binary(alpha[box.slices], _SOME) | _binary(coarse[box.slices], _PERSON)
            stands = _binary(others[box.slices], 0.5) & ~_binary(coarse[box.slices], _SURE)
            if view is None:
                person |= loose_parts(coarse, small_image, size)[box.slices] & ~stands
                part = soft_dilate(person, _FULL * max(height, width), 1.5)
            else:
                differs = (view.foreground_mask(small_image, box) | person) & ~stands
                hands = hand_regions(removed, height, width, scale)[box.slices]
                things = self._held_objects(differs, person, hands, box, hole.shape, size)
                part = self._hole_mask(*things, view, box)
                part = np.maximum(part, cast_shadow(removed, small_image, view, size, scale)[box.slices])
            hole[box.slices] = part & ~stands
            hole[_hidden_from(removed, scale, height) :] = 0
        full = cv2.resize(hole, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
        return Cutout(alpha, np.asarray(full, np.uint8), view)

    def _hole_mask(self, removed: Image, stays: Image, view: PlateView, box: Box) -> Image:
        """Hole to fill: wide where the scene behind is known, minimal where it is inpainted."""
        longer = max(view.known.shape)
        wide = soft_dilate(removed, _FULL * longer, _FADE * longer)
        hole = np.where(view.known[box.slices] > 0, wide, dilate(removed, _TIGHT * longer))
        return hole & ~(dilate(stays, 2) & ~removed)

    def _smooth_over_time(self, small_image: Image, alpha: FloatArray) -> FloatArray:
        """Averages the matte with the previous one where the image has not changed."""
        box = bounding_box(alpha > 0)
        if box is not None and self._before is not None and self._before[0].shape == small_image.shape:
            before, matte = self._before[0][box.slices], self._before[1][box.slices]
            change = cv2.blur(max_channel_difference(small_image[box.slices], before), (3, 3))
            keep = cv2.LUT(change, _KEEPS)
            alpha[box.slices] += (matte - alpha[box.slices]) * keep
        self._before = small_image, alpha
        return alpha


def _hidden_from(people: Sequence[Detection], scale: float, height: int) -> int:
    """First row at the work size in which furniture hides all of the people; else the height."""
    lowest = max((person.pose.hidden_below * scale for person in people), default=np.inf)
    return int(min(round(min(lowest, height)) + _EDGE, height))


def _binary(mask: FloatArray, threshold: float) -> Image:
    """Binarises a mask: (h, w) uint8, 255 above a threshold."""
    return np.asarray(cv2.threshold(mask, threshold, 255, cv2.THRESH_BINARY)[1], np.uint8)

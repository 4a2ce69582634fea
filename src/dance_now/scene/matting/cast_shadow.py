"""Cast shadow detection: ground that is darker than the clean plate, but of the same color."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.detection import Detection
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.scene.background.camera_view import PlateView
from dance_now.scene.filters.region import Box, bounding_box

_STEP: Final = 4  # shadows are soft: a quarter of the work size shows them
_FEET: Final = tuple(
    BODY_INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("heel", "big_toe")
)
_SEEN: Final = 0.3
_REACH: Final = (0.5, 0.3)  # of the person's size: half axes of the ground around a foot
_FAINT, _CLEAR = 0.015, 0.05  # share of the light that is missing
_COLOR: Final = 0.12  # greatest difference of the channels' losses
_DARK: Final = 12.0  # grey levels: darker ground shows no shadow


def cast_shadow(
    people: Sequence[Detection], small_image: Image, view: PlateView, size: float, scale: float
) -> Image:
    """Detects the people's shadows near their feet.

    Args:
        people: who casts them.
        small_image: (h, w, 3) uint8 RGB at the work size.
        view: of the clean plate.
        size: how tall the people are in pixels of ``small_image``.
        scale: from the detections' pixels to those of ``small_image``.

    Returns:
        (h, w) uint8: 0 no shadow, 255 a clear one.
    """
    height, width = view.known.shape
    shade = np.zeros((height, width), np.uint8)
    ground = _ground_mask(people, (height // _STEP + 1, width // _STEP + 1), size / _STEP, scale / _STEP)
    box = bounding_box(ground > 0)
    if box is None:
        return shade
    part = slice(box.top * _STEP, box.bottom * _STEP), slice(box.left * _STEP, box.right * _STEP)
    before, after, ground = _soft(view.small[part], box), _soft(small_image[part], box), ground[box.slices]
    # What a shadow takes from each channel, as a share of what was there.
    lost = cv2.split(cv2.divide(cv2.subtract(before, after), before))
    most = cv2.max(cv2.max(lost[0], lost[1]), lost[2])
    least = cv2.min(cv2.min(lost[0], lost[1]), lost[2])
    share = np.clip((least + most - 2 * _FAINT) * np.float32(0.5 / (_CLEAR - _FAINT)), 0, 1)
    share[most - least > _COLOR] = 0
    dark = cv2.blur(cv2.dilate((share * ground).astype(np.uint8), np.ones((3, 3), np.uint8)), (3, 3))
    rows, columns = shade[part].shape
    shade[part] = cv2.resize(dark, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return shade & view.known


def _ground_mask(people: Sequence[Detection], shape: tuple[int, int], size: float, scale: float) -> Image:
    """Mask (h, w) uint8 of the ground: 255 around the feet, falling to 0."""
    ground = np.zeros(shape, np.uint8)
    for person in people:
        for x, y, confidence in person.pose.points[list(_FEET)].tolist():
            if confidence >= _SEEN and abs(x) < 1e5 and abs(y) < 1e5:
                axes = (round(_REACH[0] * size), round(_REACH[1] * size))
                cv2.ellipse(ground, (round(x * scale), round(y * scale)), axes, 0, 0, 360, 255, -1)
    side = 2 * round(0.12 * size) + 1
    return np.asarray(cv2.blur(ground, (side, side)), np.uint8)


def _soft(small_image: Image, box: Box) -> FloatArray:
    """Reduces a part of an image to the size of ``box``, blurred, with dark values lifted."""
    small = cv2.resize(small_image, (box.width, box.height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.blur(small, (3, 3)), np.float32) + np.float32(_DARK)

"""Keypoints drawn as sticks, a channel for each limb: the input of the ``sticks`` template's networks.

A pixel's value falls with its squared distance from the line. Lines to missing points are not drawn.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.keypoints import BODY_LIMBS, FACE, HAND_LIMBS, LEFT_HAND, RIGHT_HAND

Channel = tuple[tuple[int, int], ...]  # the lines of one channel, each from one keypoint to another

RADIUS: Final = 2.0
"""Half a line's width, in pixels of the picture."""
SOFTNESS: Final = 0.5
"""Added to the squared radius: where the edge's ramp begins."""
SHORTEST: Final = 1e-6
"""Least squared length that a line is reckoned with, in pixels."""

_FINGER_BONES: Final = 4


def _fingers(hand: slice) -> list[Channel]:
    limbs = [(hand.start + start, hand.start + end) for start, end in HAND_LIMBS]
    return [tuple(limbs[finger : finger + _FINGER_BONES]) for finger in range(0, len(limbs), _FINGER_BONES)]


def _chain(*rows: int, closed: bool = False) -> Channel:
    places = [FACE.start + row for row in rows]
    return tuple(zip(places, places[1:] + places[:1] if closed else places[1:], strict=False))


BODY_CHANNELS: Final[tuple[Channel, ...]] = (
    *((limb,) for limb in BODY_LIMBS),
    *_fingers(LEFT_HAND),
    *_fingers(RIGHT_HAND),
)
HEAD_CHANNELS: Final[tuple[Channel, ...]] = (
    _chain(*range(9)),
    _chain(*range(8, 17)),
    _chain(*range(17, 22)),
    _chain(*range(22, 27)),
    _chain(*range(27, 31)),
    _chain(*range(31, 36)),
    _chain(*range(36, 42), closed=True),
    _chain(*range(42, 48), closed=True),
    _chain(*range(48, 55)),
    _chain(*range(54, 60), 48),
    _chain(*range(60, 65)),
    _chain(*range(64, 68), 60),
    _chain(68, 68),
    _chain(69, 69),
)


def draw_sticks(
    keypoints: FloatArray, channels: tuple[Channel, ...], side: int, reduction: int = 1
) -> FloatArray:
    """Draws the lines of each channel; the last channel is what no line covers.

    Args:
        keypoints: (137, 4) float32 x, y, depth and confidence in pixels of the picture.
        channels: what is drawn into each channel but the last.
        side: of the picture, pixels.
        reduction: 2 draws at half the size and doubles, for less work; the lines are soft anyway.

    Returns:
        (len(channels) + 1, side, side) float32 in [0, 1].
    """
    drawn = np.zeros((len(channels) + 1, side, side), np.float32)
    small = np.empty((side // reduction, side // reduction), np.float32)
    for picture, lines in zip(drawn, channels, strict=False):
        shown = [line for line in lines if keypoints[list(line), 3].min() > 0]
        if not shown:
            continue
        small[:] = 0
        for start, end in shown:
            _draw_line(small, keypoints[start, :2], keypoints[end, :2], reduction)
        cv2.resize(small, (side, side), dst=picture, interpolation=cv2.INTER_LINEAR)
    drawn[-1] = 1 - drawn[:-1].max(axis=0)
    return drawn


def _draw_line(picture: FloatArray, start: FloatArray, end: FloatArray, reduction: int) -> None:
    """Draws one line, wherever it is brighter than what is there.

    Computed around the line only, in double precision: far from its start, the distance from a line is a
    small difference of large products.
    """
    origin, along = start.astype(np.float64) / reduction, (end.astype(np.float64) - start) / reduction
    squared = float(along @ along)
    radius = (RADIUS / reduction) ** 2 + SOFTNESS
    sides = np.array(picture.shape[::-1])
    low, high = np.minimum(origin, origin + along), np.maximum(origin, origin + along)
    if squared < SHORTEST:  # a line without direction covers everything, as it does in training
        low, high = np.zeros(2), sides
    reach = math.sqrt(radius) + 1
    left, top = np.clip(np.floor(low - reach), 0, sides).astype(int)
    right, bottom = np.clip(np.ceil(high + reach), 0, sides).astype(int)
    if left >= right or top >= bottom:
        return
    length = math.sqrt(max(squared, SHORTEST))
    unit = along / length
    x = (np.arange(left, right) + 0.5 - origin[0])[None]
    y = (np.arange(top, bottom) + 0.5 - origin[1])[:, None]
    place = x * unit[0] + y * unit[1]
    beyond = place - np.clip(place, 0, length)
    beside = y * unit[0] - x * unit[1]
    part = picture[top:bottom, left:right]
    np.maximum(part, np.clip(radius - beyond * beyond - beside * beside, 0, 1), out=part, casting="same_kind")

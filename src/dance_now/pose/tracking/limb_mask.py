"""Limb masks: shoes, hands and the top of the head from keypoints, to complete a pose network's mask.

A network's 256x256 mask stops at the ankles of a fast foot and between the fingers of a hand, which the
keypoints still locate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.pose.model.keypoints import BODY_INDEX, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.limb_hull import standing_height

POSE_ONLY_ALPHA: Final = 0.6  # alpha of a limb known from the pose alone: image edges decide

_SEEN: Final = 0.3  # confidence from which a point is drawn
_SHIFT: Final = 4  # OpenCV takes coordinates in 1 / 2**shift pixels
# (start, end, how far beyond the end, radius), the latter two as shares of the standing height
_FEET: Final = tuple(
    (BODY_INDEX[f"{side}_{start}"], BODY_INDEX[f"{side}_{end}"], beyond, radius)
    for side in ("left", "right")
    for start, end, beyond, radius in (
        ("heel", "big_toe", 0.012, 0.026),
        ("ankle", "heel", 0.0, 0.026),
        ("ankle", "big_toe", 0.0, 0.02),
    )
)
_FOREARMS: Final = tuple(
    (BODY_INDEX[f"{side}_elbow"], BODY_INDEX[f"{side}_wrist"]) for side in ("left", "right")
)
_HAND_LENGTH: Final = 0.075
_HAND_RADIUS: Final = 0.024
_FINGER_RADIUS: Final = 0.01
_GRASP_RADIUS: Final = 0.07  # around the palm: where held objects begin
_EARS: Final = (BODY_INDEX["right_ear"], BODY_INDEX["left_ear"])
_NECK: Final = BODY_INDEX["neck"]
_HEAD_RADIUS: Final = 0.062
_HEAD_LIFT: Final = 0.022  # the middle of a head lies above the ears


def coarse_mask(people: Sequence[Detection], height: int, width: int, scale: float = 1.0) -> FloatArray:
    """Coarse alpha of people, accurate to a few pixels.

    Args:
        people: any number.
        height: rows of the result.
        width: columns of the result.
        scale: of the result's pixels to the pixels that the detections are given in.

    Returns:
        (height, width) float32 in [0, 1]: the networks' masks, ``POSE_ONLY_ALPHA`` where only the pose has
        a limb.
    """
    total = np.zeros((height, width), np.float32)
    for person in people:
        mask = PersonMask(person.mask.alpha, person.mask.to_image * np.float32(scale))
        limbs = extremities(person.pose, height, width, scale)
        cv2.max(total, mask.alpha_in(height, width), dst=total)
        cv2.max(total, limbs.astype(np.float32) * np.float32(POSE_ONLY_ALPHA / 255), dst=total)
    return total


def extremities(pose: Pose, height: int, width: int, scale: float = 1.0) -> Image:
    """Mask (height, width) uint8, 255 on feet, hands and head by the pose."""
    canvas = np.zeros((height, width), np.uint8)
    shown = pose.points[:, 2] >= _SEEN
    if not shown[:25].any():
        return canvas
    tall = standing_height(pose, shown) * scale
    points = pose.points[:, :2].astype(np.float64) * scale
    for start, end, beyond, radius in _FEET:
        if shown[start] and shown[end]:
            _capsule(canvas, points[start], _beyond(points[start], points[end], beyond * tall), radius * tall)
    for (elbow, wrist), hand in zip(_FOREARMS, (LEFT_HAND, RIGHT_HAND), strict=True):
        if shown[hand].all():
            outline = cv2.convexHull(_fixed(points[hand]).astype(np.int32))
            cv2.fillConvexPoly(canvas, outline, 255, cv2.LINE_8, _SHIFT)
            edge = max(1, round(2 * _FINGER_RADIUS * tall))
            cv2.polylines(canvas, [outline], True, 255, edge, cv2.LINE_8, _SHIFT)
        elif shown[elbow] and shown[wrist]:
            tip = _beyond(points[elbow], points[wrist], _HAND_LENGTH * tall)
            _capsule(canvas, points[wrist], tip, _HAND_RADIUS * tall)
    if shown[list(_EARS)].all() and shown[_NECK]:
        ears = points[list(_EARS)].mean(axis=0)
        centre = _beyond(points[_NECK], ears, _HEAD_LIFT * tall)
        _capsule(canvas, centre, centre, _HEAD_RADIUS * tall)
    return canvas


def hand_regions(people: Sequence[Detection], height: int, width: int, scale: float = 1.0) -> Image:
    """Mask (height, width) uint8, 255 on and around people's hands, where held objects begin."""
    canvas = np.zeros((height, width), np.uint8)
    for person in people:
        shown = person.pose.points[:, 2] >= _SEEN
        if not shown[:25].any():
            continue
        tall = standing_height(person.pose, shown) * scale
        points = person.pose.points[:, :2].astype(np.float64) * scale
        for elbow, wrist in _FOREARMS:
            if shown[elbow] and shown[wrist]:
                palm = _beyond(points[elbow], points[wrist], _HAND_LENGTH / 2 * tall)
                _capsule(canvas, palm, palm, _GRASP_RADIUS * tall)
    return canvas


def _beyond(
    start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], more: float
) -> npt.NDArray[np.float64]:
    along = end - start
    return end + along * (more / max(float(np.hypot(*along)), 1e-6))


def _fixed(places: npt.NDArray[np.float64]) -> npt.NDArray[np.int_]:
    return np.rint(np.minimum(np.maximum(places - 0.5, -1e5), 1e5) * (1 << _SHIFT)).astype(int)


def _capsule(
    canvas: Image, start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], radius: float
) -> None:
    thickness = min(max(round(2 * radius), 1), 255)
    first, last = _fixed(start).tolist(), _fixed(end).tolist()
    cv2.line(canvas, tuple(first), tuple(last), 255, thickness, cv2.LINE_8, _SHIFT)

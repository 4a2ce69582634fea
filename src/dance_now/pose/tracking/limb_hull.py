"""Limb hull: an approximate person mask from keypoints alone, capsules around limbs and a trunk polygon."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.body_scale import SEGMENT_RATIOS, SEGMENTS
from dance_now.pose.model.detection import PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.vectors import quantile

_SIDE: Final = 256  # pixels of the mask
_SHIFT: Final = 4  # OpenCV takes coordinates in 1 / 2**shift pixels
_TRUSTED: Final = 0.05  # confidence from which a point counts
_HEIGHT_QUANTILE: Final = 0.7  # limbs look shortened, never longer
_MARGIN: Final = 0.16  # of the standing height, around the points: hair and clothes
_BLUR: Final = 0.01  # of the standing height
# (start, end, half width as a share of the standing height), clothes included
_CAPSULES: Final = (
    *((5, 6, 0.042), (6, 7, 0.036), (2, 3, 0.042), (3, 4, 0.036)),
    *((12, 13, 0.062), (13, 14, 0.046), (9, 10, 0.062), (10, 11, 0.046)),
    *((14, 19, 0.034), (14, 21, 0.034), (11, 22, 0.034), (11, 24, 0.034)),
    *((1, 8, 0.07), (1, 0, 0.045), (2, 5, 0.04), (9, 12, 0.06)),
)
_TRUNK: Final = (2, 5, 12, 9)
_TRUNK_WIDTH: Final = 0.03
_HEAD: Final = (0, 15, 16, 17, 18)
_NECK: Final = 1
_HEAD_RADIUS: Final = 0.085
_HEAD_LIFT: Final = 0.03  # the middle of a head with its hair lies above that of the face
_WRISTS: Final = ((3, 4), (6, 7))  # from the elbow
_HAND_LENGTH: Final = 0.07
_HAND_RADIUS: Final = 0.04


def hull_mask(pose: Pose) -> PersonMask:
    """Draws a person mask from the pose, where no segmentation network has found the person.

    Args:
        pose: at least one point, in pixels of an image.

    Returns:
        A (256, 256) mask in an upright square around the person; empty for a pose without points.
    """
    shown = pose.points[:, 2] >= _TRUSTED
    if not shown.any():
        shown = pose.visible
    if not shown.any():
        return PersonMask(np.zeros((_SIDE, _SIDE), np.float32), np.eye(2, 3, dtype=np.float32))
    height = standing_height(pose, shown)
    corners = pose.points[shown, :2].astype(np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = float((high - low).max()) + 2 * _MARGIN * height
    corner = (low + high - size) / 2
    scale = _SIDE / size
    points = (pose.points[:, :2] - corner) * scale
    alpha = _drawn(points, shown, height * scale)
    to_picture = np.array([[1 / scale, 0, corner[0]], [0, 1 / scale, corner[1]]], np.float32)
    return PersonMask(alpha, to_picture)


def standing_height(pose: Pose, shown: npt.NDArray[np.bool_]) -> float:
    """Standing height in pixels from the least foreshortened limbs, or from the extent of the points."""
    ends = pose.points[SEGMENTS, :2].astype(np.float64)  # (19, 2, 2)
    measured = shown[SEGMENTS].all(axis=1) & (SEGMENT_RATIOS > 0.1)
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)[measured] / SEGMENT_RATIOS[measured]
    reach = float(np.ptp(pose.points[shown, :2], axis=0).max())
    found = quantile(lengths, _HEIGHT_QUANTILE) if lengths.size else 2 * reach
    return max(found, 0.5 * reach, 8.0)


def _drawn(points: npt.NDArray[np.float64], shown: npt.NDArray[np.bool_], height: float) -> FloatArray:
    """Rasterises the figure to (256, 256) in [0, 1]; ``height``: standing height in mask pixels."""
    canvas = np.zeros((_SIDE, _SIDE), np.uint8)

    def fixed(places: npt.NDArray[np.float64]) -> npt.NDArray[np.int_]:
        return np.round((places - 0.5) * (1 << _SHIFT)).astype(int)

    def capsule(start: npt.NDArray[np.int_], end: npt.NDArray[np.int_], radius: float) -> None:
        thickness = max(1, round(2 * radius * height))
        cv2.line(canvas, tuple(start.tolist()), tuple(end.tolist()), 255, thickness, cv2.LINE_AA, _SHIFT)

    pixels = fixed(points)
    for start, end, radius in _CAPSULES:
        if shown[start] and shown[end]:
            capsule(pixels[start], pixels[end], radius)
    if shown[list(_TRUNK)].all():
        cv2.fillConvexPoly(
            canvas, cv2.convexHull(pixels[list(_TRUNK)].astype(np.int32)), 255, cv2.LINE_AA, _SHIFT
        )
        for start, end in ((2, 9), (5, 12)):
            capsule(pixels[start], pixels[end], _TRUNK_WIDTH)
    for elbow, wrist in _WRISTS:
        if shown[wrist]:
            along = points[wrist] - points[elbow] if shown[elbow] else np.zeros(2)
            tip = points[wrist] + along / max(float(np.hypot(*along)), 1e-6) * _HAND_LENGTH * height
            capsule(pixels[wrist], fixed(tip), _HAND_RADIUS)
    head = [row for row in _HEAD if shown[row]]
    if head:
        face = points[head].mean(axis=0)
        up = face - points[_NECK] if shown[_NECK] else np.array([0.0, -1.0])
        centre = face + up / max(float(np.hypot(*up)), 1e-6) * _HEAD_LIFT * height
        capsule(fixed(centre), fixed(centre), _HEAD_RADIUS)
    for row in np.flatnonzero(shown[:25]).tolist():
        capsule(pixels[row], pixels[row], 0.03)
    soft = cv2.GaussianBlur(canvas, (0, 0), max(0.8, _BLUR * height))
    return np.asarray(soft, np.float32) / np.float32(255)

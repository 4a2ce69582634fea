"""Body keypoint layouts of other models, converted to BODY_25.

Sources: OpenPose, ``poseParameters.cpp``: COCO_18, BODY_19, BODY_23, BODY_25 and BODY_25B; COCO: 17
points; COCO-WholeBody: 133 points; Halpe-FullBody (AlphaPose): 26 and 136 points.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.keypoints import BODY_INDEX, BODY_NAMES, FACE, LEFT_HAND, RIGHT_HAND

_COCO_18: Final = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow"),
    *("left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
)
_COCO_17: Final = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee"),
    *("right_knee", "left_ankle", "right_ankle"),
)
_FEET: Final = (
    *("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"),
)
_HEAD_TOP: Final = ""  # BODY_25 has no such point
_HALPE_26: Final = (
    *(*_COCO_17, _HEAD_TOP, "neck", "mid_hip", "left_big_toe", "right_big_toe", "left_small_toe"),
    *("right_small_toe", "left_heel", "right_heel"),
)
_BODY_25B: Final = (*_COCO_17, "", _HEAD_TOP, *_FEET)  # the upper neck is no BODY_25 neck either
_BODY_23: Final = tuple(name for name in BODY_NAMES if name not in ("neck", "mid_hip"))
_MIDPOINTS: Final = {
    "neck": ("left_shoulder", "right_shoulder"),
    "mid_hip": ("left_hip", "right_hip"),
}
# points in a file -> their names, "" for what BODY_25 lacks
BODY_LAYOUTS: Final = {
    len(names): names for names in (_COCO_17, _COCO_18, BODY_NAMES[:19], _BODY_23, BODY_NAMES, _HALPE_26)
}
COCO_18_ROWS: Final = tuple(BODY_INDEX[name] for name in _COCO_18)
COCO_WHOLEBODY_BODY: Final = (*_COCO_17, *_FEET)
COCO_WHOLEBODY_ROWS: Final = np.array(
    [
        *(BODY_INDEX[name] for name in COCO_WHOLEBODY_BODY),
        *range(FACE.start, FACE.start + 68),
        *range(LEFT_HAND.start, LEFT_HAND.stop),
        *range(RIGHT_HAND.start, RIGHT_HAND.stop),
    ]
)
"""Rows of COCO-WholeBody's 133 points: 17 of the body, 6 of the feet, 68 of the face, 21 of each hand."""


def as_body_25(points: FloatArray) -> FloatArray:
    """Converts (n, 3) points of one of the layouts to (25, 3); a missing neck or mid-hip becomes a midpoint.

    Args:
        points: x, y, confidence; n is one of ``BODY_LAYOUTS``.
    """
    return points.copy() if len(points) == len(BODY_NAMES) else _by_name(points, BODY_LAYOUTS[len(points)])


def from_body_25b(points: FloatArray) -> FloatArray:
    """Converts (25, 3) points in the order of BODY_25B to (25, 3) in that of BODY_25."""
    return _by_name(points, _BODY_25B)


def _by_name(points: FloatArray, names: tuple[str, ...]) -> FloatArray:
    body = np.zeros((len(BODY_NAMES), 3), np.float32)
    for point, name in zip(points, names, strict=True):
        if name:
            body[BODY_INDEX[name]] = point
    return with_midpoints(body)


def with_midpoints(body: FloatArray) -> FloatArray:
    """Fills a missing neck and mid-hip of a body (25, 3) with midpoints of shoulders and hips, if known."""
    body = body.copy()
    for name, ends in _MIDPOINTS.items():
        middle, (first, second) = BODY_INDEX[name], (body[BODY_INDEX[end]] for end in ends)
        if body[middle, 2] <= 0 < min(first[2], second[2]):
            body[middle] = [*((first + second)[:2] / 2), min(first[2], second[2])]
    return body

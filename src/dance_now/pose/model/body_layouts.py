"""Body keypoint layouts of OpenPose's models, converted to BODY_25.

Source: OpenPose, ``poseParameters.cpp``: COCO_18, BODY_19, BODY_23 and BODY_25.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.keypoints import BODY_INDEX, BODY_NAMES

_COCO_18: Final = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow"),
    *("left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
)
_BODY_23: Final = tuple(name for name in BODY_NAMES if name not in ("neck", "mid_hip"))
_MIDPOINTS: Final = {
    "neck": ("left_shoulder", "right_shoulder"),
    "mid_hip": ("left_hip", "right_hip"),
}
# points in a file -> their rows in BODY_25
BODY_LAYOUTS: Final = {
    len(names): tuple(BODY_INDEX[name] for name in names)
    for names in (_COCO_18, BODY_NAMES[:19], _BODY_23, BODY_NAMES)
}


def as_body_25(points: FloatArray) -> FloatArray:
    """Converts (n, 3) points of one of the layouts to (25, 3); a missing neck or mid-hip becomes a midpoint.

    Args:
        points: x, y, confidence; n is one of ``BODY_LAYOUTS``.
    """
    body = np.zeros((len(BODY_NAMES), 3), np.float32)
    body[list(BODY_LAYOUTS[len(points)])] = points
    return body if len(points) == len(BODY_NAMES) else with_midpoints(body)


def with_midpoints(body: FloatArray) -> FloatArray:
    """Fills a missing neck and mid-hip of a body (25, 3) with midpoints of shoulders and hips, if known."""
    body = body.copy()
    for name, ends in _MIDPOINTS.items():
        middle, (first, second) = BODY_INDEX[name], (body[BODY_INDEX[end]] for end in ends)
        if body[middle, 2] <= 0 < min(first[2], second[2]):
            body[middle] = [*((first + second)[:2] / 2), min(first[2], second[2])]
    return body

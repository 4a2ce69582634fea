"""Interpolation of hands that were read in every second frame of a clip only.

An estimator that reads hands in turns moves the one that is not read along with its wrist. Once the whole
clip is known, such a hand is better taken from between its neighbours in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from dance_now.pose.model.detection import HandSide
from dance_now.pose.model.keypoints import BODY_INDEX, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose

_HANDS: Final[tuple[tuple[HandSide, slice, int], ...]] = (
    ("left", LEFT_HAND, BODY_INDEX["left_wrist"]),
    ("right", RIGHT_HAND, BODY_INDEX["right_wrist"]),
)


def interpolate_carried_hands(
    poses: Sequence[Pose | None], carried: Sequence[frozenset[HandSide]]
) -> list[Pose | None]:
    """Replaces each carried hand by the average, about the wrist, of the readings before and after it.

    Args:
        poses: one person's in all frames of a clip; None where the person was not found.
        carried: of the same frames: the hands that were not read.

    Returns:
        As many poses; they stay as they are where not both neighbours have a hand that was read.
    """
    result = list(poses)
    for index in range(1, len(poses) - 1):
        for side, rows, wrist in _HANDS:
            around = (index - 1, index + 1)
            if side in carried[index] and all(side not in carried[each] for each in around):
                before, pose, after = poses[index - 1], result[index], poses[index + 1]
                if before is not None and pose is not None and after is not None:
                    result[index] = _between(before, pose, after, rows, wrist)
    return result


def _between(before: Pose, pose: Pose, after: Pose, rows: slice, wrist: int) -> Pose:
    """Sets one hand of a pose between its neighbours'; as it was where one of them lacks points."""
    around = (before, after)
    if not all(each.has_depth[rows].all() and each.points[wrist, 2] > 0 for each in around):
        return pose
    points, depth = pose.points.copy(), pose.depth.copy()
    reach = np.mean([each.points[rows, :2] - each.points[wrist, :2] for each in around], axis=0)
    points[rows, :2] = points[wrist, :2] + reach
    points[rows, 2] = np.min([each.points[rows, 2] for each in around], axis=0)
    depth[rows] = depth[wrist] + np.mean([each.depth[rows] - each.depth[wrist] for each in around], axis=0)
    return replace(pose, points=points, depth=depth)

"""Interpolation of hands and faces that were read in some frames of a clip only.

An estimator that reads them in turns moves what is not read along with its wrist or nose. Once the whole clip
is known, it is better taken from between its neighbours in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.detection import PosePart
from dance_now.pose.model.keypoints import BODY_INDEX, FACE, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose

# Rows of a part, and the body's point that it moves with.
_PARTS: Final[dict[PosePart, tuple[slice, int]]] = {
    "left_hand": (LEFT_HAND, BODY_INDEX["left_wrist"]),
    "right_hand": (RIGHT_HAND, BODY_INDEX["right_wrist"]),
    "face": (FACE, BODY_INDEX["nose"]),
}
_FARTHEST: Final = 4  # frames from one reading to the next


def interpolate_carried(
    poses: Sequence[Pose | None], carried: Sequence[frozenset[PosePart]]
) -> list[Pose | None]:
    """Interpolates each carried part, about its wrist or nose, from the readings before and after it.

    Args:
        poses: one person's in all frames of a clip; None where the person was not found.
        carried: of the same frames: what was not read.

    Returns:
        As many poses; they stay as they are where not both readings have the part.
    """
    result = list(poses)
    for part, (rows, anchor) in _PARTS.items():
        latest: int | None = None
        for index, pose in enumerate(poses):
            if pose is None:
                latest = None
            elif part not in carried[index]:
                if latest is not None and 1 < index - latest <= _FARTHEST:
                    _fill(result, latest, index, rows, anchor)
                latest = index
    return result


def _fill(poses: list[Pose | None], first: int, last: int, rows: slice, anchor: int) -> None:
    """Sets a part of the poses between two readings, as long as both have all of its points."""
    before, after = poses[first], poses[last]
    if before is None or after is None:
        return
    if not all(each.has_depth[rows].all() and each.points[anchor, 2] > 0 for each in (before, after)):
        return
    for index in range(first + 1, last):
        pose = poses[index]
        if pose is None:
            continue
        share = (index - first) / (last - first)
        points, depth, has_depth = pose.points.copy(), pose.depth.copy(), pose.has_depth.copy()
        points[rows, :2] = points[anchor, :2] + _mixed(
            before.points[rows, :2] - before.points[anchor, :2],
            after.points[rows, :2] - after.points[anchor, :2],
            share,
        )
        points[rows, 2] = np.minimum(before.points[rows, 2], after.points[rows, 2])
        depth[rows] = depth[anchor] + _mixed(
            before.depth[rows] - before.depth[anchor], after.depth[rows] - after.depth[anchor], share
        )
        has_depth[rows] = True
        poses[index] = replace(pose, points=points, depth=depth, has_depth=has_depth)


def _mixed(before: FloatArray, after: FloatArray, share: float) -> FloatArray:
    return (1 - share) * before + share * after

"""BODY_25B, which has as many points as BODY_25 in another order: told apart by where the points lie.

Source: OpenPose, ``poseParameters.cpp``. Points 1 to 4 are eyes and ears in BODY_25B, but neck and right arm
in BODY_25, whose eyes and ears are points 15 to 18.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.body_layouts import from_body_25b
from dance_now.pose.model.keypoints import BODY
from dance_now.pose.model.pose import Pose

# Points that lie about in the middle of two others, in each order: neck of shoulders, mid-hip of hips, nose
# of eyes and of ears; nose of eyes and of ears, upper neck of shoulders.
_MIDDLES_25: Final = ((1, 2, 5), (8, 9, 12), (0, 15, 16), (0, 17, 18))
_MIDDLES_25B: Final = ((0, 1, 2), (0, 3, 4), (17, 5, 6))
_FEWEST: Final = 2  # of these, in both orders
_BETTER: Final = 0.7  # ratio of the distances
_NEAR: Final = 0.15  # of the person's extent


def is_body_25b(pose: Pose) -> bool | None:
    """Tests whether the body of a pose, read as BODY_25, is in BODY_25B's order; None: cannot be told."""
    first = _distances(pose.body, _MIDDLES_25)
    second = _distances(pose.body, _MIDDLES_25B)
    if min(len(first), len(second)) < _FEWEST:
        return None
    extent = float(np.ptp(pose.body[pose.body[:, 2] > 0, :2], axis=0).max())
    off = float(np.mean(second))
    return off < _NEAR * extent and off < _BETTER * float(np.mean(first))


def body_25b_share(poses: Iterable[Pose]) -> float:
    """Share of some poses that are in BODY_25B's order; where all are in profile, by their heads."""
    chosen = list(poses)
    for test in (is_body_25b, _has_head_of_25b):
        votes = [vote for vote in map(test, chosen) if vote is not None]
        if votes:
            return sum(votes) / len(votes)
    return 0.0


def _has_head_of_25b(pose: Pose) -> bool | None:
    """Tests which of the points that may be eyes and ears are nearer to the nose."""
    body = pose.body
    known = body[:, 2] > 0
    away = np.linalg.norm(body[:, :2] - body[0, :2], axis=1)
    first, second = away[1:5][known[1:5]], away[15:19][known[15:19]]
    if not known[0] or min(len(first), len(second)) < _FEWEST:
        return None
    return float(np.median(first)) < _BETTER * float(np.median(second))


def reordered(pose: Pose) -> Pose:
    """Converts the body of a pose from the order of BODY_25B."""
    points = pose.points.copy()
    points[BODY] = from_body_25b(pose.body)
    return Pose(points)  # depth is ours, and never comes in this order


def _distances(body: FloatArray, middles: tuple[tuple[int, int, int], ...]) -> list[float]:
    """Distances of points from the middles of two others, where all three are known."""
    return [
        float(np.linalg.norm(body[middle, :2] - (body[one, :2] + body[other, :2]) / 2))
        for middle, one, other in middles
        if (body[[middle, one, other], 2] > 0).all()
    ]

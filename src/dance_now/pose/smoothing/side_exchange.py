"""Left/right exchanges of whole bodies in a clip, found by a hidden Markov model and undone.

Estimators of single frames sometimes take a body for one seen from behind: all its left points are then at
the right ones, for a moment or for half a second. From frame to frame points move little, so a frame in which
left and right change places gives itself away, and so does the one that changes them back. Arms and legs are
judged apart, and exchanged only together: legs that cross, or arms that swing past each other, are no
exchange.

Source: the forward-backward algorithm (Baum et al., "A Maximization Technique Occurring in the Statistical
Analysis of Probabilistic Functions of Markov Chains", 1970) over the states "as read" and "exchanged".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.keypoints import BODY_INDEX, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose

Array = npt.NDArray[np.float64]

_GAP_SECONDS: Final = 0.5  # after which a frame tells nothing of the next
_ERROR: Final = 0.04  # of the person's size: how far points are from where they were
_RARELY: Final = 1e-3  # probability of an exchange between two frames
_MOSTLY_RIGHT: Final = np.exp(0.05)  # odds that a frame is as read
_SUREST: Final = 20.0  # log odds that one pair of frames can give
_LEAST: Final = 1e-3  # probability that no state falls below
_SMALLEST: Final = 20.0  # pixels


def _pairs(*names: str) -> npt.NDArray[np.intp]:
    """Rows (n, 2) of right and left body points."""
    return np.array([[BODY_INDEX[f"{side}_{name}"] for side in ("right", "left")] for name in names])


_GROUPS: Final = (
    _pairs("shoulder", "elbow", "wrist"),
    _pairs("hip", "knee", "ankle", "heel", "big_toe", "small_toe"),
)
_HEAD: Final = _pairs("eye", "ear")


def _exchanged_rows() -> npt.NDArray[np.intp]:
    """For each of the 137 points of an exchanged body, which point it is; the face's points stay."""
    rows = np.arange(137)
    for right, left in np.concatenate([*_GROUPS, _HEAD]):
        rows[right], rows[left] = left, right
    rows[LEFT_HAND], rows[RIGHT_HAND] = np.arange(137)[RIGHT_HAND], np.arange(137)[LEFT_HAND]
    return rows


_EXCHANGED: Final = _exchanged_rows()


def undo_side_exchanges(poses: Sequence[Pose | None], times: Sequence[float]) -> list[Pose | None]:
    """Gives back their sides to bodies whose left and right were exchanged for a while.

    Args:
        poses: one person's, frame by frame; None where the person was not found.
        times: seconds, rising.

    Returns:
        As many poses; those that are right are the same objects.

    Example:
        >>> undo_side_exchanges([None], [0.0])
        [None]
    """
    frames = [(pose, time) for pose, time in zip(poses, times, strict=True) if pose is not None]
    if len(frames) < 2:
        return list(poses)
    points = np.stack([pose.body for pose, _ in frames]).astype(np.float64)
    steps = np.diff([time for _, time in frames])
    exchanged = iter(
        np.all([_is_exchanged(points[:, pairs], _sizes(points), steps) for pairs in _GROUPS], axis=0)
    )
    return [
        pose
        if pose is None or not next(exchanged)
        else Pose(
            pose.points[_EXCHANGED], pose.depth[_EXCHANGED], pose.has_depth[_EXCHANGED], pose.hidden_below
        )
        for pose in poses
    ]


def _sizes(points: Array) -> Array:
    """Height or width (n,) of what is seen of each body (n, 25, 3), pixels."""
    seen = points[..., 2:] > 0
    low = np.where(seen, points[..., :2], np.inf).min(axis=1)
    high = np.where(seen, points[..., :2], -np.inf).max(axis=1)
    sizes: Array = np.maximum((high - low).max(axis=1), _SMALLEST)
    return sizes


def _is_exchanged(pairs: Array, sizes: Array, steps: Array) -> npt.NDArray[np.bool_]:
    """Whether each frame (n,) more likely has its sides exchanged, by one group's points (n, P, 2, 3)."""
    places, trust = pairs[..., :2], pairs[..., 2].min(axis=2)  # (n, P, 2, 2), (n, P)
    kept = np.linalg.norm(places[1:] - places[:-1], axis=3).sum(axis=2)
    crossed = np.linalg.norm(places[1:] - places[:-1, :, ::-1], axis=3).sum(axis=2)
    both = np.minimum(trust[1:], trust[:-1])
    log_odds = (both * (kept - crossed)).sum(axis=1) / (_ERROR * sizes[1:])
    change = _RARELY * np.exp(np.clip(log_odds, -_SUREST, _SUREST))
    change /= 1 - _RARELY + change
    change[steps > _GAP_SECONDS] = 0.5
    matrices = np.moveaxis(np.array([[1 - change, change], [change, 1 - change]]), 2, 0)  # (n - 1, 2, 2)
    evidence = np.array([_MOSTLY_RIGHT, 1.0])
    forward, backward = np.ones((len(pairs), 2)), np.ones((len(pairs), 2))
    forward[0] = _normalised(evidence)
    for index, matrix in enumerate(matrices):
        forward[index + 1] = _normalised(forward[index] @ matrix * evidence)
    for index in range(len(matrices) - 1, -1, -1):
        backward[index] = _normalised(matrices[index] @ (evidence * backward[index + 1]))
    likely = forward * backward
    result: npt.NDArray[np.bool_] = likely[:, 1] > likely[:, 0]
    return result


def _normalised(states: Array) -> Array:
    bounded: Array = np.maximum(states / states.sum(), _LEAST)
    return bounded / bounded.sum()

"""Left/right exchanges of whole bodies in a clip, found by a hidden Markov model and undone.

Estimators of single frames sometimes take a body for one seen from behind: all its left points are then at
the right ones, for a moment or for half a second. From frame to frame points move little, so a frame in which
left and right change places gives itself away, and so does the one that changes them back. Shoulders decide:
arms swing past each other and legs cross, but the line of the shoulders turns over only where a body turns
round, and then slowly. The upper body is exchanged where shoulders and arms agree; thighs and feet are, each,
where they agree with it: a network may exchange the one without the other.

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
_BELIEF_RATE: Final = 3.0  # log odds a second that a body is as read, while it comes
_TOGETHER: Final = np.exp(
    8.0
)  # odds in each frame that legs are exchanged if, and only if, the upper body is
_SUREST: Final = 20.0  # log odds that one pair of frames can give
_LEAST: Final = 1e-8  # probability that no state falls below
_SMALLEST: Final = 20.0  # pixels


def _pairs(*names: str) -> npt.NDArray[np.intp]:
    """Rows (n, 2) of right and left body points."""
    return np.array([[BODY_INDEX[f"{side}_{name}"] for side in ("right", "left")] for name in names])


_SHOULDERS: Final = _pairs("shoulder")
_ARMS: Final = _pairs("shoulder", "elbow", "wrist")
_HEAD: Final = _pairs("eye", "ear")
_THIGHS: Final = _pairs("hip", "knee")
_FEET: Final = _pairs("ankle", "heel", "big_toe", "small_toe")


def _upper_rows() -> npt.NDArray[np.intp]:
    """Rows (n, 2) of right and left points of the upper body, hands among them; the face's points stay."""
    hands = np.column_stack([np.arange(137)[RIGHT_HAND], np.arange(137)[LEFT_HAND]])
    return np.concatenate([_ARMS, _HEAD, hands])


_GROUPS: Final = (_SHOULDERS, _ARMS, _THIGHS, _FEET)
_PARTS: Final = (_upper_rows(), _THIGHS, _FEET)


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
    sizes = _sizes(points)
    alike = np.tile([_MOSTLY_RIGHT, 1.0], (len(points), 1))
    upper = _is_exchanged(points[:, _SHOULDERS], sizes, steps, alike)
    upper &= _is_exchanged(points[:, _ARMS], sizes, steps, alike)
    together = np.where(upper[:, None], [1.0, _TOGETHER], [_TOGETHER, 1.0])
    lower = [upper & _is_exchanged(points[:, pairs], sizes, steps, together) for pairs in (_THIGHS, _FEET)]
    parts = iter(np.stack([upper, *lower], axis=1))
    return [None if pose is None else _with_sides(pose, next(parts)) for pose in poses]


class SideFilter:
    """Gives back their sides to bodies as they come: the forward pass alone.

    The first frame is believed, and a body that stays as read is believed again after some seconds.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the person."""
        self._last: Array | None = None
        self._time = -np.inf
        self._states = np.tile(_normalised(np.array([1.0, 0.0])), (len(_GROUPS), 1))

    def __call__(self, pose: Pose, time: float) -> Pose:
        """The pose with its own sides; ``time`` in seconds, rising."""
        points = pose.body.astype(np.float64)
        if self._last is not None:
            step = time - self._time
            both, sizes = np.stack([self._last, points]), _sizes(np.stack([self._last, points]))
            alike = np.array([np.exp(_BELIEF_RATE * min(step, _GAP_SECONDS)), 1.0])
            for index, pairs in enumerate(_GROUPS):
                matrix = _transitions(both[:, pairs], sizes, np.array([step]))[0]
                evidence = alike
                if pairs is _THIGHS or pairs is _FEET:
                    evidence = np.array([1.0, _TOGETHER] if self._upper else [_TOGETHER, 1.0])
                self._states[index] = _normalised(self._states[index] @ matrix * evidence)
        self._last, self._time = points, time
        exchanged = self._states[:, 1] > self._states[:, 0]
        return _with_sides(pose, np.array([self._upper, *(self._upper & exchanged[2:])]))

    @property
    def _upper(self) -> bool:
        return bool((self._states[:2, 1] > self._states[:2, 0]).all())


def _with_sides(pose: Pose, parts: npt.NDArray[np.bool_]) -> Pose:
    """The pose with those of _PARTS exchanged."""
    if not parts.any():
        return pose
    rows = np.arange(137)
    for pairs in (pairs for pairs, exchanged in zip(_PARTS, parts, strict=True) if exchanged):
        rows[pairs] = pairs[:, ::-1]
    return Pose(pose.points[rows], pose.depth[rows], pose.has_depth[rows], pose.hidden_below)


def _sizes(points: Array) -> Array:
    """Height or width (n,) of what is seen of each body (n, 25, 3), pixels."""
    seen = points[..., 2:] > 0
    low = np.where(seen, points[..., :2], np.inf).min(axis=1)
    high = np.where(seen, points[..., :2], -np.inf).max(axis=1)
    sizes: Array = np.maximum((high - low).max(axis=1), _SMALLEST)
    return sizes


def _is_exchanged(pairs: Array, sizes: Array, steps: Array, evidence: Array) -> npt.NDArray[np.bool_]:
    """Whether each frame (n,) more likely has its sides exchanged.

    Args:
        pairs: (n, P, 2, 3) points of one group.
        sizes: (n,) of the bodies.
        steps: (n - 1,) seconds between frames.
        evidence: (n, 2) of each frame alone, for "as read" and for "exchanged".
    """
    matrices = _transitions(pairs, sizes, steps)
    forward, backward = np.ones((len(pairs), 2)), np.ones((len(pairs), 2))
    forward[0] = _normalised(evidence[0])
    for index, matrix in enumerate(matrices):
        forward[index + 1] = _normalised(forward[index] @ matrix * evidence[index + 1])
    for index in range(len(matrices) - 1, -1, -1):
        backward[index] = _normalised(matrices[index] @ (evidence[index + 1] * backward[index + 1]))
    likely = forward * backward
    result: npt.NDArray[np.bool_] = likely[:, 1] > likely[:, 0]
    return result


def _transitions(pairs: Array, sizes: Array, steps: Array) -> Array:
    """Probabilities (n - 1, 2, 2) of each state after each, by one group's points (n, P, 2, 3)."""
    places, trust = pairs[..., :2], pairs[..., 2].min(axis=2)  # (n, P, 2, 2), (n, P)
    kept = np.linalg.norm(places[1:] - places[:-1], axis=3).sum(axis=2)
    crossed = np.linalg.norm(places[1:] - places[:-1, :, ::-1], axis=3).sum(axis=2)
    both = np.minimum(trust[1:], trust[:-1])
    log_odds = (both * (kept - crossed)).sum(axis=1) / (_ERROR * sizes[1:])
    change = _RARELY * np.exp(np.clip(log_odds, -_SUREST, _SUREST))
    change /= 1 - _RARELY + change
    change[steps > _GAP_SECONDS] = 0.5
    return np.moveaxis(np.array([[1 - change, change], [change, 1 - change]]), 2, 0)


def _normalised(states: Array) -> Array:
    bounded: Array = np.maximum(states / states.sum(), _LEAST)
    return bounded / bounded.sum()

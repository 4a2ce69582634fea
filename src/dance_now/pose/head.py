"""How a head is turned, from ears, eyes and nose."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.person import EAR_DISTANCE

Array = npt.NDArray[np.float64]

HEAD_POINTS: Final = np.array([0, 15, 16, 17, 18])  # nose, right and left eye, right and left ear

# An average adult's head that looks straight ahead, in ear distances (x to its left, y up, z to the front),
# where pose estimators put the points: the ear on the tragus, the nose on its tip. The face is as far in front
# of the ears, and the nose as far below them, as in head and face anthropometry (tragion to pronasale).
_TEMPLATE: Final = EAR_DISTANCE * np.array(
    [
        [0.0, -0.22, 0.82],
        [-0.22, 0.18, 0.62],
        [0.22, 0.18, 0.62],
        [-0.5, 0.0, 0.0],
        [0.5, 0.0, 0.0],
    ]
)
_IMPORTANCE: Final = np.array([1.0, 0.6, 0.6, 1.0, 1.0])
_HIDDEN_EAR: Final = 0.4  # of the way from the seen ear to the nose
_LIMITS: Final = np.radians([[-80.0, 80.0], [-50.0, 50.0], [-40.0, 40.0]])


def head_rotation(points: Array, depth_known: bool, weights: Array) -> tuple[Array, float]:
    """The rotation that takes a head looking at the viewer to the one seen.

    With depth it is the best rigid fit (Kabsch, "A solution for the best rotation to relate two sets of
    vectors", 1976); without, the best fit of a parallel projection.

    Args:
        points: (5, 3) HEAD_POINTS in the view frame, one unit for all axes.
        depth_known: whether the third coordinates mean anything.
        weights: (5,) trust in each in [0, 1].

    Returns:
        (3, 3) rotation and the trust in it in [0, 1]; the identity where the points say nothing.
    """
    points, weights = _with_hidden_ear(points, weights)
    trust = float(min(weights[0] + 0.5 * (weights[1] + weights[2]), weights[3] + weights[4], 1.0))
    use = weights * _IMPORTANCE
    if trust <= 0 or use.sum() <= 1e-6:
        return np.eye(3), 0.0
    share = (use / use.sum())[:, None]
    seen = points - (points * share).sum(axis=0)
    template = _TEMPLATE - (_TEMPLATE * share).sum(axis=0)
    if float(np.abs(seen[:, :2]).max()) < 1e-6:
        return np.eye(3), 0.0
    if depth_known:
        left, _, right = np.linalg.svd((seen * share).T @ template)
        turned = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
        return (left * turned) @ right, trust
    spread = (template * share).T @ template
    flat = (seen[:, :2] * share).T @ template @ np.linalg.inv(spread + np.eye(3) * 1e-2 * np.trace(spread))
    left, _, right = np.linalg.svd(flat, full_matrices=False)
    rows = left @ right
    return np.vstack([rows, np.cross(rows[0], rows[1])]), trust


def limited_head(head: Array, chest: Array) -> Array:
    """The head's rotation with its turn, nod and tilt against the chest kept possible.

    Source: ranges of an adult's neck, 80 degrees of turn, 50 of nod and 40 of tilt each way.
    """
    relative = chest.T @ head
    forward = relative[:, 2]
    turn = np.arctan2(forward[0], forward[2])
    nod = np.arcsin(np.clip(-forward[1], -1.0, 1.0))
    tilt = np.arctan2(relative[1, 0], relative[1, 1])
    angles = np.array([turn, nod, tilt])
    kept = np.clip(angles, _LIMITS[:, 0], _LIMITS[:, 1])
    return head if np.array_equal(angles, kept) else chest @ _turn_nod_tilt(kept)


def _turn_nod_tilt(angles: Array) -> Array:
    (sy, sx, sz), (cy, cx, cz) = np.sin(angles), np.cos(angles)
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    tilt = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return turn @ nod @ tilt


def _with_hidden_ear(points: Array, weights: Array) -> tuple[Array, Array]:
    """Guesses an ear that the head hides, as detectors without occluded points leave it out."""
    hidden = weights[3:] <= 0
    if hidden.sum() != 1 or weights[0] <= 0:
        return points, weights
    seen, lost = (4, 3) if hidden[0] else (3, 4)
    points, weights = points.copy(), weights.copy()
    points[lost] = points[seen] + _HIDDEN_EAR * (points[0] - points[seen])
    weights[lost] = 0.5 * min(weights[seen], weights[0])
    return points, weights

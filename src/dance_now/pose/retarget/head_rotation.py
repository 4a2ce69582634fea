"""Head rotation from ears, eyes and nose: scaled orthographic fit of an average head.

Source: DeMenthon and Davis, "Model-based object pose in 25 lines of code", 1995.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.body_scale import EAR_DISTANCE
from dance_now.pose.model.vectors import cross

Array = npt.NDArray[np.float64]

HEAD_POINTS: Final = np.array([0, 15, 16, 17, 18])  # nose, right and left eye, right and left ear

# A head that looks straight ahead, in ear distances (x to its left, y up, z to the front), where pose
# estimators mark it: ears high, near the temples, nose above its tip. Anatomy would put the ears lower
# and the nose farther to the front, and heads fitted to that look up.
_TEMPLATE: Final = EAR_DISTANCE * np.array(
    [
        [0.0, -0.21, 0.6],
        [-0.24, 0.05, 0.43],
        [0.24, 0.05, 0.43],
        [-0.5, 0.0, 0.0],
        [0.5, 0.0, 0.0],
    ]
)
_IMPORTANCE: Final = np.array([1.0, 0.6, 0.6, 1.0, 1.0])
_HIDDEN_EAR: Final = 0.4  # of the way from the seen ear to the nose
_LIMITS: Final = np.radians([[-80.0, 80.0], [-50.0, 50.0], [-40.0, 40.0]])


def fit_head(points: Array, weights: Array) -> tuple[Array, float, float]:
    """Fits the rotation and the scale of an average head to its keypoints.

    It is the best fit of a parallel projection of an average head (scaled orthography, as in DeMenthon and
    Davis, "Model-based object pose in 25 lines of code", 1995). The depth of estimators is not used: within a
    head it is exaggerated more than elsewhere, which lifts the chin.

    Args:
        points: (5, 2) HEAD_POINTS in the view frame.
        weights: (5,) trust in each in [0, 1].

    Returns:
        (3, 3) rotation from a head that looks at the viewer, the standing height in pixels of an adult with
        such a head, and the trust in both in [0, 1]; the identity and 0 where the points do not suffice.
    """
    points, weights = _with_hidden_ear(points, weights)
    trust = float(min(weights[0] + 0.5 * (weights[1] + weights[2]), weights[3] + weights[4], 1.0))
    use = weights * _IMPORTANCE
    if trust <= 0 or use.sum() <= 1e-6:
        return np.eye(3), 0.0, 0.0
    share = (use / use.sum())[:, None]
    seen = points - (points * share).sum(axis=0)
    template = _TEMPLATE - (_TEMPLATE * share).sum(axis=0)
    size = float(np.abs(seen).max())
    if size < 1e-3:
        return np.eye(3), 0.0, 0.0
    spread = (template * share).T @ template
    fit = (seen * share).T @ template @ np.linalg.inv(spread + np.eye(3) * 1e-3 * np.trace(spread)) / size
    left, scales, right = np.linalg.svd(fit, full_matrices=False)
    if scales[1] < 1e-3 * scales[0]:
        return np.eye(3), 0.0, 0.0
    rows = left @ right
    return np.vstack([rows, cross(rows[0], rows[1])]), float(scales[0]) * size, trust


def clamp_head(head: Array, chest: Array) -> Array:
    """Clamps the head's yaw, pitch and roll against the chest to anatomical limits.

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
    """Imputes an ear that the head hides, as detectors without occluded points leave it out."""
    hidden = weights[3:] <= 0
    if hidden.sum() != 1 or weights[0] <= 0:
        return points, weights
    seen, lost = (4, 3) if hidden[0] else (3, 4)
    points, weights = points.copy(), weights.copy()
    points[lost] = points[seen] + _HIDDEN_EAR * (points[0] - points[seen])
    weights[lost] = 0.5 * min(weights[seen], weights[0])
    return points, weights

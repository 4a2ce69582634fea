"""Head shape and rotations from 2D views: orthographic structure from motion.

Rotations and shape are estimated alternately by least squares, initialised with an average adult's head, with
the scale of each view known (Tomasi and Kanade, "Shape and motion from image streams under orthography",
1992).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.keypoints import FACE
from dance_now.pose.retarget.head_rotation import HEAD_POINTS

Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

HEAD_ROWS: Final = np.array([*HEAD_POINTS.tolist(), *range(FACE.start, FACE.stop)])
_ANCHORS: Final = len(HEAD_POINTS)
_ROUNDS: Final = 12
_FEWEST_VIEWS: Final = 8
_FACE_SHARE: Final = 0.06  # weight of a face point against nose, eyes and ears: expressions move it
_RIDGE: Final = 1e-2
_MIRRORED: Final = np.array(
    [
        *(0, 2, 1, 4, 3),  # nose, eyes, ears
        *(_ANCHORS + row for row in (*range(16, -1, -1), *range(26, 16, -1), *range(27, 31))),
        *(_ANCHORS + row for row in (*range(35, 30, -1), 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40)),
        *(_ANCHORS + row for row in (54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55)),
        *(_ANCHORS + row for row in (64, 63, 62, 61, 60, 67, 66, 65, 69, 68)),
    ]
)


def head_turn(shape: Array, known: BoolArray, points: Array, seen: BoolArray) -> tuple[Array, Array] | None:
    """Rotation of a head of known shape in a view.

    Args:
        shape: (75, 3) HEAD_ROWS at rest, about any origin, metres.
        known: (75,) which of them are known.
        points: (75, 2) view frame, metres at the view's scale.
        seen: (75,).

    Returns:
        (3, 3) rotation from rest and (2,) position of the shape's origin, or None if too little is visible.
    """
    weights = np.where(known & seen, _FACE_SHARE, 0.0)
    weights[:_ANCHORS] = (known & seen)[:_ANCHORS]
    if weights[1:_ANCHORS].sum() < 2 or weights.sum() < 3 - _FACE_SHARE:
        return None
    share = (weights / weights.sum())[:, None]
    middle, origin = (points * share).sum(axis=0), (shape * share).sum(axis=0)
    drawn, solid = points - middle, shape - origin
    spread = (solid * share).T @ solid
    fit = (drawn * share).T @ solid @ np.linalg.inv(spread + np.eye(3) * _RIDGE * np.trace(spread))
    left, scales, right = np.linalg.svd(fit, full_matrices=False)
    if scales[1] < 1e-3 * max(float(scales[0]), 1e-9):
        return None
    rows = left @ right
    rotation = np.vstack([rows, np.cross(rows[0], rows[1])])
    return rotation, middle - rows @ origin


def head_shape(template: Array, points: Array, seen: BoolArray) -> tuple[Array, BoolArray]:
    """Rest shape of a head from many views.

    Args:
        template: (5, 3) HEAD_POINTS of a similar head, the ears' middle at the origin, metres.
        points: (n, 75, 2) HEAD_ROWS in each view, view frame, metres at the view's scale.
        seen: (n, 75).

    Returns:
        (75, 3) the symmetric shape, aligned with the template; and (75,) which points were visible often
        enough. The template alone if there are too few views.
    """
    shape, known = np.zeros((len(HEAD_ROWS), 3)), np.zeros(len(HEAD_ROWS), np.bool_)
    shape[:_ANCHORS], known[:_ANCHORS] = template, True
    for _ in range(_ROUNDS):
        found = [
            (turn, view)
            for view in range(len(points))
            if (turn := head_turn(shape, known, points[view], seen[view]))
        ]
        if len(found) < _FEWEST_VIEWS:
            return shape, known
        rows = np.array([turn[0][:2] for turn, _ in found])  # (m, 2, 3)
        views = [view for _, view in found]
        drawn = points[views] - np.array([turn[1] for turn, _ in found])[:, None]
        use = seen[views].astype(np.float64)
        normal = np.einsum("mij,mik,mp->pjk", rows, rows, use)
        right = np.einsum("mij,mpi,mp->pj", rows, np.where(seen[views][..., None], drawn, 0.0), use)
        counts = use.sum(axis=0)
        # Depth that no view determines stays close to the middle of the face.
        prior = np.where(known[:, None], shape, [0.0, 0.0, float(template[0, 2]) * 0.7])
        ridge = 0.02 * counts[:, None, None] + 1e-6
        shape = np.linalg.solve(normal + ridge * np.eye(3), (right + ridge[..., 0] * prior)[..., None])[
            ..., 0
        ]
        known = counts >= _FEWEST_VIEWS
        known[:_ANCHORS] = True
        shape = _aligned((shape + shape[_MIRRORED] * [-1, 1, 1]) / 2, template)
    return shape, known & known[_MIRRORED]


def _aligned(shape: Array, template: Array) -> Array:
    """Aligns the shape with the template by a rotation about x, the ears' middle at the origin."""
    shape = shape - shape[3:_ANCHORS].mean(axis=0)
    nose, eyes = shape[0], shape[1:3].mean(axis=0)
    have = np.array([nose[1:], eyes[1:]])
    want = np.array([template[0, 1:], template[1:3, 1:].mean(axis=0)])
    across = have[:, 0] * want[:, 1] - have[:, 1] * want[:, 0]
    angle = float(np.arctan2(across.sum(), (have * want).sum()))
    sine, cosine = np.sin(angle), np.cos(angle)
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    result: Array = shape @ turn.T
    return result

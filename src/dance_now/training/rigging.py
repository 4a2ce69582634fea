"""What is worked out of a figure once, before training: control points, and how faces are read."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dance_now.arrays import FloatArray
from dance_now.pose.bones import BONE_INDEX, SWING_LEVELS
from dance_now.pose.skeleton import Skeleton
from dance_now.studio.points import MeshPoints

_BONE_DISTANCE = 0.3  # metres that points on different bones count as apart
_CARRIED = 0.05  # weight from which a bone moves a point noticeably
_BESIDE = 0.04  # metres by which outlines, patches and correctives stand out of the points
_STARTS = {
    **{swing.name: swing.start for level in SWING_LEVELS for swing in level},
    "hips": 8,
    "spine": 8,
    "chest": 1,
    "neck": 1,
    "head": 0,
    "leftHand": 7,
    "rightHand": 4,
}  # the keypoint that moves with each bone, near its pivot
_OPPOSITE = -0.8  # cosine of two expressions' effects from which one undoes the other


def control_points(
    position: FloatArray, skin: FloatArray, count: int
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """(N, 3) which of ``count`` control points lie nearest to each point, and (N, 3) shares summing to 1.

    Control points are points as far apart as can be (Gonzalez 1985), what hangs on other bones being further.
    """
    places = np.concatenate([position, _BONE_DISTANCE * skin], axis=1)
    chosen = [0]
    distance = np.linalg.norm(places - places[0], axis=1)
    while len(chosen) < min(count, len(places)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(places - places[chosen[-1]], axis=1))
    apart = np.stack([np.linalg.norm(places - places[row], axis=1) for row in chosen], axis=1)
    near = np.argsort(apart, axis=1, kind="stable")[:, :3]
    closeness = 1 / (np.take_along_axis(apart, near, axis=1) + 1e-3)
    return near, (closeness / closeness.sum(axis=1, keepdims=True)).astype(np.float32)


def solve_expressions(basis: FloatArray) -> FloatArray:
    """(E, M) map from the face points' departure to weights of E expressions that each move them by (M,).

    By ridge regression: expressions that move the same points share the evidence instead of fighting. Those
    that undo each other, a look to the left and one to the right, are never on together and share nothing.
    """
    gram = basis @ basis.T
    size = np.linalg.norm(basis, axis=1)
    alike = gram / np.maximum(np.outer(size, size), 1e-12)
    gram += (1e-3 * np.trace(gram) / len(basis) + 1e-9) * np.eye(len(basis), dtype=np.float32)
    solve = np.zeros_like(basis)
    for row in range(len(basis)):
        kept = np.flatnonzero(alike[row] > _OPPOSITE)
        solve[row] = np.linalg.solve(gram[np.ix_(kept, kept)], basis[kept])[kept == row][0]
    return solve


def figure_reach(skeleton: Skeleton, mesh: MeshPoints) -> FloatArray:
    """(137,) metres around each keypoint within which the figure lies, together, however it is posed.

    What hangs on a bone keeps its distance to the keypoint in which the bone starts, and what hangs on
    several lies between the places where each of them would carry it.
    """
    reach = np.zeros(len(skeleton.rest), np.float32)
    for bone, start in _STARTS.items():
        share = (mesh.weights * (mesh.bones == BONE_INDEX[bone])).sum(axis=1)
        carried = (mesh.position)[share > _CARRIED]
        if len(carried) and skeleton.known[start]:
            away = np.linalg.norm(carried - skeleton.rest[start], axis=1).max()
            reach[start] = max(reach[start], float(away) + _BESIDE)
    return reach

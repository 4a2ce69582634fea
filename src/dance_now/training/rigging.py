"""What is worked out of a figure once, before training: control points, and how faces are read."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dance_now.arrays import FloatArray
from dance_now.character.extent import TRUNK, FigureExtent, in_trunk_frame
from dance_now.pose.bones import BONE_INDEX, SWING_LEVELS
from dance_now.pose.skeleton import Skeleton
from dance_now.studio.points import MeshPoints

_BONE_DISTANCE = 0.3  # metres that points on different bones count as apart
_CARRIED = 0.05  # weight from which a bone moves a point noticeably
_BESIDE = 0.02  # metres by which outlines, patches and correctives stand out of the points
# The keypoints that move with each bone that is not of the trunk.
_MOVING = {
    **{swing.name: (swing.start, swing.end) for level in SWING_LEVELS for swing in level},
    "spine": (8,),
    "neck": (1,),
    "leftHand": (7, 100, 104, 108, 112),
    "rightHand": (4, 121, 125, 129, 133),
}
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


def figure_extent(skeleton: Skeleton, mesh: MeshPoints) -> FigureExtent:
    """How far a figure reaches around its keypoints, however it is posed.

    What hangs on a bone keeps its place in the bone's frame, and its distances to the keypoints that move
    with it; what hangs on several lies between the places where each of them would carry it.
    """
    boxes = np.zeros((len(TRUNK), 2, 3), np.float32)
    for row, bone in enumerate(TRUNK):
        local = in_trunk_frame(bone, skeleton.rest, mesh.position[_carried(mesh, bone)])
        if len(local):
            boxes[row] = local.min(axis=0) - _BESIDE, local.max(axis=0) + _BESIDE
    reach = np.zeros(len(skeleton.rest), np.float32)
    for bone, moving in _MOVING.items():
        known = [point for point in moving if skeleton.known[point]]
        carried = mesh.position[_carried(mesh, bone)]
        if len(carried) and known:
            away = np.linalg.norm(carried[:, None] - skeleton.rest[known], axis=2)
            nearest = np.array(known)[away.argmin(axis=1)]
            np.maximum.at(reach, nearest, away.min(axis=1) + _BESIDE)
    return FigureExtent(boxes, reach)


def _carried(mesh: MeshPoints, bone: str) -> npt.NDArray[np.bool_]:
    """(N,) which points a bone moves noticeably."""
    return np.asarray((mesh.weights * (mesh.bones == BONE_INDEX[bone])).sum(axis=1) > _CARRIED)

"""Rig data computed before training: expression solver and figure bounds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dance_now.character.figure_bounds import TRUNK, FigureBounds, in_trunk_frame
from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BONE_INDEX, SWING_LEVELS
from dance_now.pose.model.skeleton import Skeleton
from dance_now.synthesis.surface.surface_points import MeshPoints

_CARRIED = 0.05  # weight from which a bone moves a point noticeably
_BESIDE = 0.02  # metres by which outlines and patches extend beyond the points
_SWING = 2.5  # times the usual weight of a corrective shape
# The keypoints that move with each bone that is not of the trunk.
_MOVING = {
    **{swing.name: (swing.start, swing.end) for level in SWING_LEVELS for swing in level},
    "spine": (8,),
    "neck": (1,),
    "leftHand": (7, 100, 104, 108, 112),
    "rightHand": (4, 121, 125, 129, 133),
}
_OPPOSITE = -0.8  # cosine of two expressions' effects from which one undoes the other


def solve_expressions(basis: FloatArray) -> FloatArray:
    """Expression solver (E, M): linear map from landmark displacement to weights of E expressions (E, M).

    By ridge regression, so that expressions that move the same points share the evidence. Opposite
    expressions, a gaze to the left and one to the right, are never active together and are solved
    independently.
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


def figure_bounds(skeleton: Skeleton, mesh: MeshPoints) -> FigureBounds:
    """Bounds of a figure around its keypoints, for any pose.

    A point skinned to one bone is rigid in the bone's frame and keeps its distances to the keypoints that
    move with it; a point skinned to several lies between the positions that each of them gives.
    """
    shapes = mesh.morphs[:, len(mesh.face_basis) :]
    beside = _BESIDE + _SWING * np.sqrt(np.square(shapes).sum(axis=(1, 2)))  # (N,)
    boxes = np.zeros((len(TRUNK), 2, 3), np.float32)
    for row, bone in enumerate(TRUNK):
        carried = _carried(mesh, bone)
        local, around = in_trunk_frame(bone, skeleton.rest, mesh.position[carried]), beside[carried, None]
        if len(local):
            boxes[row] = (local - around).min(axis=0), (local + around).max(axis=0)
    reach = np.zeros(len(skeleton.rest), np.float32)
    for bone, moving in _MOVING.items():
        known = [point for point in moving if skeleton.known[point]]
        carried = _carried(mesh, bone)
        if carried.any() and known:
            away = np.linalg.norm(mesh.position[carried, None] - skeleton.rest[known], axis=2)
            nearest = np.array(known)[away.argmin(axis=1)]
            np.maximum.at(reach, nearest, away.min(axis=1) + beside[carried])
    return FigureBounds(boxes, reach)


def _carried(mesh: MeshPoints, bone: str) -> npt.NDArray[np.bool_]:
    """Mask (N,) of points that a bone moves noticeably."""
    return np.asarray((mesh.weights * (mesh.bones == BONE_INDEX[bone])).sum(axis=1) > _CARRIED)

"""Corrective shapes: where a posed avatar's surface lies beside where its bones alone would carry it.

Hair and skirts hang on springs, helper bones share a twist out. Keypoints tell none of that directly, but
nearly all of it follows linearly from where gravity pulls and limbs point as the bones beside them see it,
and a few shapes hold it (pose blend shapes: Loper et al. 2015, SMPL).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_keypoints import place_keypoints
from dance_now.render.face.face_points import FaceLandmarks
from dance_now.render.springs import STILL_STEPS, Springs
from dance_now.synthesis.poses.avatar_poser import AvatarPoser, SolvedPoses
from dance_now.synthesis.surface.surface_samples import Piece, SurfaceSamples, edge_shares, gathered_corners

GRAVITY_BONES: Final = tuple(BONE_INDEX[name] for name in ("head", "chest", "hips"))
"""Bones whose upright direction tells how what they carry hangs."""
LIMBS: Final = tuple(
    BONE_INDEX[side + limb] for limb in ("UpperArm", "UpperLeg") for side in ("left", "right")
)
"""Bones whose direction shifts what is beside them."""
LIMB_PARENTS: Final = tuple(BONE_INDEX[name] for name in ("chest", "chest", "hips", "hips"))
"""The bone in whose frame each of LIMBS is seen."""
POSE_FEATURES: Final = 3 * (len(GRAVITY_BONES) + len(LIMBS)) + 1
"""Numbers that the shapes depend on; the last is always 1."""

_POSES: Final = 300
_MOST_SHAPES: Final = 8
_LEAST_SHAPE: Final = 5e-5  # metres a shape moves the surface in the mean
_LEAST_MOVE: Final = 2e-4  # metres all shapes move a point in the mean, else it is left alone
_EXPLAINED: Final = 0.5  # of a point's mean square move, else something moves it that poses do not tell
_COLLAPSED: Final = 0.5  # volume
_RIDGE: Final = 0.01  # poses' worth of features that move nothing


def pose_features(rig: BoneRig, rotations: FloatArray) -> FloatArray:
    """(n, POSE_FEATURES) of the rotations (n, 47, 3, 3) of a pose's bones; all but the last are 0 at rest."""
    gravity = rotations[:, GRAVITY_BONES, 1] - np.array([0, 1, 0], np.float32)
    rest = rig.rest_directions[list(LIMBS)]
    turned = np.einsum("nkij,kj->nki", rotations[:, LIMBS], rest)
    limbs = np.einsum("nkji,nkj->nki", rotations[:, LIMB_PARENTS], turned) - rest
    count = len(rotations)
    ones = np.ones((count, 1), np.float32)
    return np.concatenate([gravity.reshape(count, -1), limbs.reshape(count, -1), ones], axis=1)


def fit_correctives(
    avatar: Avatar,
    rig: BoneRig,
    face: FaceLandmarks | None,
    surface: PosedSurface,
    poses: SolvedPoses,
    generator: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Finds the shapes that explain how points on an avatar depart from its bones in given poses.

    Gravity pulls them down the y axis. Where a camera looks up or down, the same keypoints mean a figure that
    leans; shapes fitted to such views as well would know them better, and level ones less well.

    Args:
        avatar: whose surface.
        rig: of its skeleton.
        face: its face points.
        surface: N points on it.
        poses: that it can take; some of them are looked at.
        generator: picks these.

    Returns:
        (POSE_FEATURES, K) what makes weights of K shapes out of a pose's features, and (N, 3, K, 3) metres by
        which each shape at weight 1 moves a point at rest and the ends of its two tangents. In the poses,
        weights have a mean square of 1.
    """
    rows = generator.permutation(len(poses.points))[:_POSES]
    features = pose_features(rig, poses.rotations[rows])
    moment = np.zeros((POSE_FEATURES, surface.rest.size), np.float32)
    square = np.zeros(len(surface.rest), np.float32)
    found = departures(avatar, rig, face, surface, poses, rows)
    for feature, (_, departure) in zip(features, found, strict=True):
        moment += feature[:, None] * departure.reshape(-1)
        square += np.square(departure[:, 0]).sum(axis=1)
    count = np.float32(len(rows))
    basis, shapes = _shapes(features, moment.reshape(POSE_FEATURES, -1, 9) / count, square / count)
    return basis, shapes.reshape(len(shapes), *surface.rest.shape).transpose(1, 2, 0, 3)


def departures(
    avatar: Avatar,
    rig: BoneRig,
    face: FaceLandmarks | None,
    surface: PosedSurface,
    poses: SolvedPoses,
    rows: npt.NDArray[np.int64],
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Of each of some rows of poses: (47, 3, 3) rotations, and (N, 3, 3) how far from rest points would lie.

    They would if linear blend skinning were to carry them to where the avatar has them once its hair hangs.
    """
    poser, springs = AvatarPoser(avatar), Springs(avatar)
    for row in rows:
        points, rotations = poses.points[row], poses.rotations[row]
        posed = poser.world(points, rotations)
        keypoints = place_keypoints(avatar, posed, points, face, {}).astype(np.float32)
        moved = surface.moved(avatar, springs.settle(posed, STILL_STEPS))
        unposed, sound = _unposed(rig, surface.weights, moved, keypoints, rotations)
        yield rotations, np.where(sound[:, None, None], unposed - surface.rest, 0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class PosedSurface:
    """Points on an avatar's mesh, to be found again when it is posed.

    Attributes:
        samples: N points.
        pieces: numbers of the primitives that they lie on.
        along: (N, 3, 3) their places, and their tangents, as sums of their triangles' corners.
        rest: (N, 3, 3) the same at rest, metres.
        weights: (N, 47) of the bones.
    """

    samples: SurfaceSamples
    pieces: Sequence[int]
    along: FloatArray
    rest: FloatArray
    weights: FloatArray

    @classmethod
    def of(
        cls, samples: SurfaceSamples, pieces: list[Piece], tangents: FloatArray, weights: FloatArray
    ) -> PosedSurface:
        """Points with ``tangents`` (N, 2, 3), in metres, on some pieces."""
        edges = edge_shares(samples, pieces, tangents)  # (N, 2 edges, 2 tangents)
        along = np.concatenate([-edges.sum(axis=1, keepdims=True), edges], axis=1).transpose(0, 2, 1)
        along = np.concatenate([samples.shares[:, None], along], axis=1).astype(np.float32)
        rest = along @ gathered_corners(samples, [piece.positions for piece in pieces])
        return cls(samples, [piece.number for piece in pieces], along, rest, weights)

    def moved(self, avatar: Avatar, world: npt.NDArray[np.float64]) -> FloatArray:
        """(N, 3, 3) places and tangents where nodes are transformed by ``world``."""
        surfaces = avatar.mesh_points(world)
        result: FloatArray = self.along @ gathered_corners(
            self.samples, [surfaces[n][0] for n in self.pieces]
        )
        return result


def _unposed(
    rig: BoneRig, weights: FloatArray, moved: FloatArray, keypoints: FloatArray, rotations: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """(N, 3, 3) what linear blend skinning by ``weights`` (N, 47) carries to ``moved`` (N, 3, 3).

    And (N,) whether that is so: between bones turned far against each other it collapses the surface.
    """
    anchors = rig.anchors(keypoints, rotations, np.ones((), np.float32))
    shift = anchors - np.einsum("bij,bj->bi", rotations, rig.pivots)
    linear = (weights @ rotations.reshape(len(rotations), 9)).reshape(-1, 3, 3)
    first, second, third = linear[:, 0], linear[:, 1], linear[:, 2]
    adjugate = np.stack([np.cross(second, third), np.cross(third, first), np.cross(first, second)], axis=1)
    determinant = (first * adjugate[:, 0]).sum(axis=1)
    moved = moved.copy()
    moved[:, 0] -= weights @ shift
    found: FloatArray = moved @ adjugate / np.maximum(determinant, _COLLAPSED)[:, None, None]
    return found, determinant > _COLLAPSED


def _shapes(features: FloatArray, moment: FloatArray, square: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Principal components of what a linear regression predicts of where points move.

    Args:
        features: (n, F).
        moment: (F, N, 9) mean product of feature and move, of which the first three numbers are the place's.
        square: (N,) mean square of the place's move.

    Returns:
        (F, K) features to weights, and (K, N, 9) the shapes.
    """
    gram = features.T.astype(np.float64) @ features / len(features)
    gram += _RIDGE / len(features) * np.eye(len(moment))
    values, axes = np.linalg.eigh(gram)
    whiten: npt.NDArray[np.float64] = axes / np.sqrt(values)  # features @ whiten have a mean square of 1 each
    predicted = np.tensordot(whiten.T.astype(np.float32), moment, axes=1)
    explained = np.square(predicted[:, :, :3]).sum(axis=(0, 2))
    predicted[:, (explained < _LEAST_MOVE**2) | (explained < _EXPLAINED * square)] = 0
    places = predicted[:, :, :3].reshape(len(moment), -1).astype(np.float64)
    energy, turns = np.linalg.eigh(places @ places.T / moment.shape[1])
    kept = np.flatnonzero(energy > _LEAST_SHAPE**2)[::-1][:_MOST_SHAPES]
    turns = turns[:, kept]
    return (whiten @ turns).astype(np.float32), np.tensordot(turns.T.astype(np.float32), predicted, axes=1)

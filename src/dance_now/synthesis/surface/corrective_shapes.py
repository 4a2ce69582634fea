"""Corrective blend shapes: the residual of a posed avatar's surface against linear blend skinning.

Hair and skirts hang on springs, helper bones distribute a twist. Keypoints do not hold any of that directly,
but nearly all of it is linear in the directions of gravity and limbs in the frames of nearby bones, and a few
shapes explain it (pose blend shapes: Loper et al. 2015, SMPL).
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
from dance_now.synthesis.surface.surface_samples import (
    MeshPiece,
    SurfaceSamples,
    edge_coordinates,
    gather_corners,
)

GRAVITY_BONES: Final = tuple(BONE_INDEX[name] for name in ("head", "chest", "hips"))
"""Bones whose up vector gives the direction of gravity for what hangs on them."""
LIMBS: Final = tuple(
    BONE_INDEX[side + limb] for limb in ("UpperArm", "UpperLeg") for side in ("left", "right")
)
"""Bones whose direction displaces the surface near them."""
LIMB_PARENTS: Final = tuple(BONE_INDEX[name] for name in ("chest", "chest", "hips", "hips"))
"""Parent bones, in whose frames the directions of LIMBS are expressed."""
POSE_FEATURES: Final = 3 * (len(GRAVITY_BONES) + len(LIMBS)) + 1
"""Number of pose features; the last is the constant 1."""

_POSES: Final = 300
_MOST_SHAPES: Final = 8
_LEAST_SHAPE: Final = 5e-5  # metres, rms displacement of the surface by a shape
_LEAST_MOVE: Final = 2e-4  # metres, rms displacement of a point by all shapes, below which it gets none
_EXPLAINED: Final = 0.5  # explained variance of a point's displacement, below which it gets none
_COLLAPSED: Final = 0.5  # determinant
_RIDGE: Final = 0.01  # ridge regularisation, in poses


def pose_features(rig: BoneRig, rotations: FloatArray) -> FloatArray:
    """Pose features (n, POSE_FEATURES) of bone rotations (n, 47, 3, 3); all but the last are 0 at rest."""
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
    surface: SurfaceBinding,
    poses: SolvedPoses,
    generator: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Fits corrective shapes to the skinning residuals of points on an avatar in given poses.

    Gravity is along the y axis. Where a camera looks up or down, the same keypoints mean a leaning figure;
    shapes fitted to such views as well would fit them better, and level views less well.

    Args:
        avatar: whose surface.
        rig: of its skeleton.
        face: its face landmarks.
        surface: N points on it.
        poses: that it can take; a random subset of them is used.
        generator: random generator for the subset.

    Returns:
        (POSE_FEATURES, K) linear map from pose features to weights of K shapes, and (N, 3, K, 3) displacement
        in metres by each shape at weight 1 of a point at rest and of the ends of its two tangents. Over the
        poses, weights have a mean square of 1.
    """
    rows = generator.permutation(len(poses.points))[:_POSES]
    features = pose_features(rig, poses.rotations[rows])
    moment = np.zeros((POSE_FEATURES, surface.rest.size), np.float32)
    square = np.zeros(len(surface.rest), np.float32)
    found = residual_offsets(avatar, rig, face, surface, poses, rows)
    for feature, (_, departure) in zip(features, found, strict=True):
        moment += feature[:, None] * departure.reshape(-1)
        square += np.square(departure[:, 0]).sum(axis=1)
    count = np.float32(len(rows))
    basis, shapes = _shapes(features, moment.reshape(POSE_FEATURES, -1, 9) / count, square / count)
    return basis, shapes.reshape(len(shapes), *surface.rest.shape).transpose(1, 2, 0, 3)


def residual_offsets(
    avatar: Avatar,
    rig: BoneRig,
    face: FaceLandmarks | None,
    surface: SurfaceBinding,
    poses: SolvedPoses,
    rows: npt.NDArray[np.int64],
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Skinning residuals, pose by pose: (47, 3, 3) rotations and (N, 3, 3) offsets from rest, metres.

    Offsets are those in the rest pose that linear blend skinning takes to the avatar's settled surface.
    """
    poser, springs = AvatarPoser(avatar), Springs(avatar)
    for row in rows:
        points, rotations = poses.points[row], poses.rotations[row]
        posed = poser.world(points, rotations)
        keypoints = place_keypoints(avatar, posed, points, face, {}).astype(np.float32)
        moved = surface.moved(avatar, springs.settle(posed, STILL_STEPS))
        unposed, sound = _inverse_skinning(rig, surface.weights, moved, keypoints, rotations)
        yield rotations, np.where(sound[:, None, None], unposed - surface.rest, 0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class SurfaceBinding:
    """Points on an avatar's mesh bound to its triangles, so that they can be posed.

    Attributes:
        samples: N points.
        pieces: indices of the primitives that they lie on.
        along: (N, 3, 3) coefficients of their triangles' corners for position and two tangents.
        rest: (N, 3, 3) position and tangents at rest, metres.
        weights: (N, 47) of the bones.
    """

    samples: SurfaceSamples
    pieces: Sequence[int]
    along: FloatArray
    rest: FloatArray
    weights: FloatArray

    @classmethod
    def of(
        cls, samples: SurfaceSamples, pieces: list[MeshPiece], tangents: FloatArray, weights: FloatArray
    ) -> SurfaceBinding:
        """Binds points with ``tangents`` (N, 2, 3), in metres, on some primitives."""
        edges = edge_coordinates(samples, pieces, tangents)  # (N, 2 edges, 2 tangents)
        along = np.concatenate([-edges.sum(axis=1, keepdims=True), edges], axis=1).transpose(0, 2, 1)
        along = np.concatenate([samples.barycentric[:, None], along], axis=1).astype(np.float32)
        rest = along @ gather_corners(samples, [piece.positions for piece in pieces])
        return cls(samples, [piece.number for piece in pieces], along, rest, weights)

    def moved(self, avatar: Avatar, world: npt.NDArray[np.float64]) -> FloatArray:
        """Positions and tangents (N, 3, 3) for node transforms ``world``."""
        surfaces = avatar.mesh_points(world)
        result: FloatArray = self.along @ gather_corners(self.samples, [surfaces[n][0] for n in self.pieces])
        return result


def _inverse_skinning(
    rig: BoneRig, weights: FloatArray, moved: FloatArray, keypoints: FloatArray, rotations: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Inverse linear blend skinning by ``weights`` (N, 47): ``moved`` (N, 3, 3) -> rest pose (N, 3, 3).

    Also returns (N,) validity: between bones rotated far against each other skinning collapses the surface.
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
    """Principal components of a linear regression of displacements on pose features.

    Args:
        features: (n, F).
        moment: (F, N, 9) mean product of feature and displacement, the first three of the position.
        square: (N,) mean square of the position's displacement.

    Returns:
        (F, K) map from features to weights, and (K, N, 9) the shapes.
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

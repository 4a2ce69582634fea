"""Placement of surface points by Poisson-disk sampling, and their skin weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.bone_rule import BONE_NAMES
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.face.face_points import FaceLandmarks, expression_names
from dance_now.synthesis.poses.avatar_poser import avatar_bones
from dance_now.synthesis.surface.corrective_shapes import SurfaceBinding
from dance_now.synthesis.surface.point_density import PointDensity, visibility_weights
from dance_now.synthesis.surface.surface_patches import tangents
from dance_now.synthesis.surface.surface_samples import (
    IntArray,
    MeshPiece,
    SurfaceSamples,
    interpolate,
    scatter_samples,
)

INFLUENCES: Final = 8  # three corners of a triangle have more bones than one vertex
_OVERSAMPLING: Final = 8
_PATCH_REACH: Final = 1.55  # half a patch's edge, in distances to the next point


@dataclass(frozen=True, eq=False)
class PlacedPoints:
    """Placed points on an avatar's mesh, with skin weights.

    Attributes:
        samples: N points.
        pieces: primitives on which they lie.
        reach: (N,) half the edge of a point's patch, metres.
        bones: (N, INFLUENCES) rows of BONE_NAMES.
        weights: (N, INFLUENCES), rows sum to 1, strongest first.
    """

    samples: SurfaceSamples
    pieces: list[MeshPiece]
    reach: FloatArray
    bones: IntArray
    weights: FloatArray

    @property
    def axes(self) -> FloatArray:
        """Half axes (N, 2, 3) of each point's patch, metres."""
        return self.reach[:, None, None] * tangents(self.samples.normal)

    @property
    def surface(self) -> SurfaceBinding:
        """The points bound to the mesh, for posing."""
        skin = np.zeros((len(self.bones), len(BONE_NAMES)), np.float32)
        np.put_along_axis(skin, self.bones, self.weights, axis=1)
        return SurfaceBinding.of(self.samples, self.pieces, self.axes, skin)


def place_points(
    avatar: Avatar,
    count: int,
    generator: np.random.Generator,
    hide: tuple[str, ...] = (),
    face: FaceLandmarks | None = None,
) -> PlacedPoints:
    """Places points, the first half of ``sample_points`` (before it sorts them).

    Raises:
        DanceNowError: no opaque surface.
    """
    names = expression_names(avatar) if face is not None else ()
    density = PointDensity(
        None if face is None else face.positions(avatar, avatar.rest_world).astype(np.float32)
    )
    pieces = _pieces(avatar, hide, names, density)
    total = sum(float(piece.importance.sum()) for piece in pieces)
    if not total > 0:
        raise DanceNowError(f"{avatar.name} has no surface to put points on.")
    pool = scatter_samples(generator, pieces, _OVERSAMPLING * count)
    if not len(pool):
        raise DanceNowError(f"{avatar.name} has no opaque surface to put points on.")
    wanted_here = density(pool.position, interpolate(pool, [piece.weights for piece in pieces]))
    wanted_here *= visibility_weights(pool.position, pool.normal)
    spacing = np.sqrt(total / count / wanted_here)
    # Points on different primitives, and on the two sides of thin surfaces, do not compete.
    place = np.concatenate(
        [pool.position, 0.8 * spacing[:, None] * pool.normal, 100.0 * pool.layer[:, None]], axis=1
    )
    order, radius = poisson_disk(generator, place, spacing, min(count, len(pool)))
    chosen = pool.rows(order)
    weights = interpolate(chosen, [piece.weights for piece in pieces])
    strongest = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    kept = np.take_along_axis(weights, strongest, axis=1)
    kept /= kept.sum(axis=1, keepdims=True)
    reach = (_PATCH_REACH * radius * spacing[order]).astype(np.float32)
    return PlacedPoints(chosen, pieces, reach, strongest.astype(np.int64), kept)


def _pieces(
    avatar: Avatar, hide: tuple[str, ...], names: tuple[str, ...], density: PointDensity
) -> list[MeshPiece]:
    """Visible primitives of an avatar at rest, and their displacements by expressions."""
    mapping = avatar_bones(avatar.bones)
    rest = avatar.mesh_points(avatar.rest_world)
    moved = [avatar.mesh_points(avatar.rest_world, {name: 1.0}) for name in names]
    pieces = []
    for number in avatar.shown_primitives(hide):
        moves = np.zeros((len(rest[number][0]), len(names), 3), np.float32)
        for expression, surfaces in enumerate(moved):
            moves[:, expression] = surfaces[number][0] - rest[number][0]
        pieces.append(MeshPiece.of(avatar, number, rest[number], moves, mapping, density))
    return pieces


def poisson_disk(
    generator: np.random.Generator, place: FloatArray, spacing: FloatArray, count: int
) -> tuple[IntArray, float]:
    """Poisson-disk sampling of ``count`` rows, with the largest radius that a binary search finds.

    Args:
        generator: of everything random.
        place: (n, d) candidates; those far from each other in any dimension do not compete.
        spacing: (n,) relative distance of each to its neighbours, in the unit of ``place``; radii are
            searched up to 1 of it.
        count: of rows to choose, at most n.

    Returns:
        The rows in order, and the radius, in spacings.
    """
    pairs = cKDTree(place).query_pairs(float(spacing.max()), output_type="ndarray")
    distance = np.linalg.norm(place[pairs[:, 0]] - place[pairs[:, 1]], axis=1)
    distance /= (spacing[pairs[:, 0]] + spacing[pairs[:, 1]]) / 2
    priority = generator.permutation(len(spacing))
    low, high = 0.0, 1.0
    chosen = np.arange(len(spacing))
    for _ in range(10):
        radius = (low + high) / 2
        kept = _independent(pairs[distance < radius], priority)
        if len(kept) >= count:
            low, chosen = radius, kept
        else:
            high = radius
    surplus = generator.permutation(chosen)[:count]
    return np.sort(surplus), max(low, 0.1)


def _independent(pairs: IntArray, priority: IntArray) -> IntArray:
    """Maximal independent set: rows of which no two form a pair, lower priority values first."""
    first, second = pairs[:, 0], pairs[:, 1]
    better = np.where(priority[first] < priority[second], first, second)
    worse = first + second - better
    undecided = np.ones(len(priority), np.bool_)
    kept = np.zeros(len(priority), np.bool_)
    while undecided.any():
        blocked = np.zeros(len(priority), np.bool_)
        blocked[worse] = True
        winners = undecided & ~blocked
        kept |= winners
        undecided &= ~winners
        undecided[worse[winners[better]]] = False
        alive = undecided[better] & undecided[worse]
        better, worse = better[alive], worse[alive]
    return np.flatnonzero(kept)

"""Where on an avatar's mesh points lie, and which bones carry them."""

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
from dance_now.synthesis.surface.corrective_shapes import PosedSurface
from dance_now.synthesis.surface.point_density import PointDensity, shown_density
from dance_now.synthesis.surface.surface_patches import tangents
from dance_now.synthesis.surface.surface_samples import IntArray, Piece, SurfaceSamples, gathered, scatter

INFLUENCES: Final = 8  # three corners of a triangle hang on more bones than one vertex
_OVERSAMPLING: Final = 8
_PATCH_REACH: Final = 1.55  # half a patch's edge, in distances to the next point


@dataclass(frozen=True, eq=False)
class PlacedPoints:
    """Where points lie on an avatar's mesh, and what carries them.

    Attributes:
        samples: N places.
        pieces: of the mesh, on which they lie.
        reach: (N,) half the edge of a point's patch, metres.
        bones: (N, INFLUENCES) rows of BONE_NAMES.
        weights: (N, INFLUENCES), rows sum to 1, strongest first.
    """

    samples: SurfaceSamples
    pieces: list[Piece]
    reach: FloatArray
    bones: IntArray
    weights: FloatArray

    @property
    def axes(self) -> FloatArray:
        """(N, 2, 3) from each point to two edges of its patch, metres."""
        return self.reach[:, None, None] * tangents(self.samples.normal)

    @property
    def surface(self) -> PosedSurface:
        """The same, to be found again when the avatar is posed."""
        skin = np.zeros((len(self.bones), len(BONE_NAMES)), np.float32)
        np.put_along_axis(skin, self.bones, self.weights, axis=1)
        return PosedSurface.of(self.samples, self.pieces, self.axes, skin)


def place_points(
    avatar: Avatar,
    count: int,
    generator: np.random.Generator,
    hide: tuple[str, ...] = (),
    face: FaceLandmarks | None = None,
) -> PlacedPoints:
    """The first half of ``sample_points``, in whose order the points are not yet.

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
    pool = scatter(generator, pieces, _OVERSAMPLING * count)
    if not len(pool):
        raise DanceNowError(f"{avatar.name} has no opaque surface to put points on.")
    wanted_here = density(pool.position, gathered(pool, [piece.weights for piece in pieces]))
    wanted_here *= shown_density(pool.position, pool.normal)
    spacing = np.sqrt(total / count / wanted_here)
    order, radius = _spread(generator, pool, spacing, min(count, len(pool)))
    chosen = pool.rows(order)
    weights = gathered(chosen, [piece.weights for piece in pieces])
    strongest = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    kept = np.take_along_axis(weights, strongest, axis=1)
    kept /= kept.sum(axis=1, keepdims=True)
    reach = (_PATCH_REACH * radius * spacing[order]).astype(np.float32)
    return PlacedPoints(chosen, pieces, reach, strongest.astype(np.int64), kept)


def _pieces(
    avatar: Avatar, hide: tuple[str, ...], names: tuple[str, ...], density: PointDensity
) -> list[Piece]:
    """What shows of an avatar's mesh at rest, and how expressions of these names move it."""
    mapping = avatar_bones(avatar.bones)
    rest = avatar.mesh_points(avatar.rest_world)
    moved = [avatar.mesh_points(avatar.rest_world, {name: 1.0}) for name in names]
    pieces = []
    for number in avatar.shown_primitives(hide):
        moves = np.zeros((len(rest[number][0]), len(names), 3), np.float32)
        for expression, surfaces in enumerate(moved):
            moves[:, expression] = surfaces[number][0] - rest[number][0]
        pieces.append(Piece.of(avatar, number, rest[number], moves, mapping, density))
    return pieces


def _spread(
    generator: np.random.Generator, pool: SurfaceSamples, spacing: FloatArray, count: int
) -> tuple[IntArray, float]:
    """Rows of ``count`` points as far apart as a search over one radius can make them (Poisson disks).

    Points on different pieces of the mesh, and on the two sides of something thin, do not compete. Returned
    beside the rows: the radius, in spacings.
    """
    place = np.concatenate(
        [pool.position, 0.8 * spacing[:, None] * pool.normal, 100.0 * pool.layer[:, None]], axis=1
    )
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
    """Rows of a maximal set in which no two form a pair, lower priority values first."""
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

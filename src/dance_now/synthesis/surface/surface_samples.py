"""Area-weighted random samples of an avatar's surface, and interpolation of vertex attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.formats3d.meshes import Primitive
from dance_now.pose.model.bone_rule import BONE_INDEX, BONE_NAMES, unit
from dance_now.render.avatar.avatar import Avatar
from dance_now.synthesis.surface.point_density import PointDensity

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class SurfaceSamples:
    """Samples of an avatar's surface at rest.

    Attributes:
        layer: (n,) int64 index of the primitive.
        corners: (n, 3) int64 vertices of the triangle.
        barycentric: (n, 3) barycentric coordinates.
        position: (n, 3) metres.
        normal: (n, 3) unit normals.
        color: (n, 3) sRGB in [0, 1].
    """

    layer: IntArray
    corners: IntArray
    barycentric: FloatArray
    position: FloatArray
    normal: FloatArray
    color: FloatArray

    def __len__(self) -> int:
        return len(self.layer)

    def rows(self, rows: IntArray) -> SurfaceSamples:
        """Selects rows."""
        return SurfaceSamples(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True, eq=False)
class MeshPiece:
    """Primitive of an avatar's mesh at rest, ready for sampling.

    Attributes:
        number: index among the avatar's primitives.
        primitive: the primitive.
        positions: (V, 3) of its vertices, metres.
        normals: (V, 3).
        moves: (V, E, 3) displacement of a vertex by each expression.
        weights: (V, 47) skin weights.
        importance: (T,) area of its triangles times the density of points.
    """

    number: int
    primitive: Primitive
    positions: FloatArray
    normals: FloatArray
    moves: FloatArray
    weights: FloatArray
    importance: FloatArray

    @classmethod
    def of(
        cls,
        avatar: Avatar,
        number: int,
        surface: tuple[FloatArray, FloatArray],
        moves: FloatArray,
        mapping: Mapping[str, str],
        density: PointDensity,
    ) -> MeshPiece:
        """Prepares a primitive; ``surface``: positions, normals; ``mapping``: humanoid bone -> BONE_NAMES."""
        primitive = avatar.primitives[number]
        weights = np.zeros((len(surface[0]), len(BONE_NAMES)), np.float32)
        rows = np.arange(len(weights))
        for node in np.unique(primitive.joints):
            owner = avatar.humanoid_owner(int(node))
            bone = BONE_INDEX[mapping[owner] if owner else "hips"]
            for influence in range(primitive.joints.shape[1]):
                here = primitive.joints[:, influence] == node
                weights[rows[here], bone] += primitive.weights[here, influence]
        a, b, c = (surface[0][primitive.triangles[:, corner]].astype(np.float64) for corner in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
        dense = density(surface[0], weights)
        importance = area * dense[primitive.triangles].mean(axis=1)
        return cls(number, primitive, *surface, moves, weights, importance)

    def sample(self, generator: np.random.Generator, count: int) -> tuple[IntArray, FloatArray]:
        """Stratified samples by importance: corners (n, 3) and barycentric coordinates (n, 3)."""
        share = self.importance / self.importance.sum()
        cumulative = np.cumsum(share)
        levels = (np.arange(count) + generator.random(count)) / count * cumulative[-1]
        corners = self.primitive.triangles[np.minimum(np.searchsorted(cumulative, levels), len(share) - 1)]
        root, along = np.sqrt(generator.random(count)), generator.random(count)
        barycentric = np.stack([1 - root, root * (1 - along), root * along], axis=1).astype(np.float32)
        return corners.astype(np.int64), barycentric


def scatter_samples(generator: np.random.Generator, pieces: list[MeshPiece], count: int) -> SurfaceSamples:
    """Draws about ``count`` samples from all primitives by importance, without transparent texels."""
    total = sum(float(piece.importance.sum()) for piece in pieces)
    parts = []
    for layer, piece in enumerate(pieces):
        wanted = round(count * float(piece.importance.sum()) / total)
        if not wanted:
            continue
        corners, barycentric = piece.sample(generator, wanted)
        color = piece.primitive.material.sample(_interpolate(piece.primitive.uv, corners, barycentric))
        opaque = color[:, 3] >= 0.5
        corners, barycentric = corners[opaque], barycentric[opaque]
        parts.append(
            SurfaceSamples(
                layer=np.full(len(corners), layer),
                corners=corners,
                barycentric=barycentric,
                position=_interpolate(piece.positions, corners, barycentric),
                normal=unit(_interpolate(piece.normals, corners, barycentric)),
                color=np.clip(color[opaque, :3], 0, 1).astype(np.float32),
            )
        )
    names = [field.name for field in fields(SurfaceSamples)]
    return SurfaceSamples(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def interpolate(samples: SurfaceSamples, values: list[FloatArray]) -> FloatArray:
    """Interpolates vertex attributes of each primitive at the samples, (n, ...)."""
    result: FloatArray = np.einsum("nk,nk...->n...", samples.barycentric, gather_corners(samples, values))
    return result


def morph_differences(samples: SurfaceSamples, pieces: list[MeshPiece], steps: FloatArray) -> FloatArray:
    """Change (n, k, E, 3) of the expressions' displacements over ``steps`` (n, k, 3) on the surface, metres.

    Linear over the triangle of a sample.
    """
    moves = gather_corners(samples, [piece.moves for piece in pieces])
    change = np.einsum(
        "nik,niec->nkec", edge_coordinates(samples, pieces, steps), moves[:, 1:] - moves[:, :1]
    )
    return np.asarray(change, np.float32)


def edge_coordinates(
    samples: SurfaceSamples, pieces: list[MeshPiece], steps: FloatArray
) -> npt.NDArray[np.float64]:
    """Coordinates (n, 2, k) of steps (n, k, 3) in the two edges of a sample's triangle (least squares)."""
    corners = gather_corners(samples, [piece.positions for piece in pieces]).astype(np.float64)
    edges = corners[:, 1:] - corners[:, :1]  # (n, 2, 3)
    metric = np.einsum("nic,njc->nij", edges, edges)
    metric += 1e-9 * np.trace(metric, axis1=1, axis2=2)[:, None, None] * np.eye(2) + 1e-18 * np.eye(2)
    across = np.einsum("nic,nkc->nik", edges, steps)
    return np.linalg.solve(metric, across)


def gather_corners(samples: SurfaceSamples, values: list[FloatArray]) -> FloatArray:
    """Gathers vertex attributes (n, 3, ...) at the corners of the samples' triangles."""
    result = np.zeros((len(samples), 3, *values[0].shape[1:]), np.float32)
    for layer, of_vertices in enumerate(values):
        here = samples.layer == layer
        result[here] = of_vertices[samples.corners[here]]
    return result


def _interpolate(values: FloatArray, corners: IntArray, barycentric: FloatArray) -> FloatArray:
    result: FloatArray = np.einsum("nk,nk...->n...", barycentric, values[corners])
    return result

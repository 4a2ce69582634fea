"""Random places on an avatar's surface, and what its vertices say there."""

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
    """Places on an avatar's surface at rest.

    Attributes:
        layer: (n,) int64 on which piece of the mesh.
        corners: (n, 3) int64 vertices of the triangle it lies in.
        shares: (n, 3) of these corners, summing to 1.
        position: (n, 3) metres.
        normal: (n, 3) unit normals.
        color: (n, 3) sRGB in [0, 1].
    """

    layer: IntArray
    corners: IntArray
    shares: FloatArray
    position: FloatArray
    normal: FloatArray
    color: FloatArray

    def __len__(self) -> int:
        return len(self.layer)

    def rows(self, rows: IntArray) -> SurfaceSamples:
        """Some of them."""
        return SurfaceSamples(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of an avatar's mesh at rest.

    Attributes:
        number: of the avatar's primitives.
        primitive: the piece.
        positions: (V, 3) of its vertices, metres.
        normals: (V, 3).
        moves: (V, E, 3) how far each expression moves a vertex.
        weights: (V, 47) of the bones.
        importance: (T,) area of its triangles times the density of points there.
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
    ) -> Piece:
        """A primitive and its ``surface``: positions and normals; ``mapping`` names bones."""
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

    def places(self, generator: np.random.Generator, count: int) -> tuple[IntArray, FloatArray]:
        """Random places by importance: corners (n, 3) of their triangles and shares (n, 3) of each."""
        share = self.importance / self.importance.sum()
        cumulative = np.cumsum(share)
        levels = (np.arange(count) + generator.random(count)) / count * cumulative[-1]
        corners = self.primitive.triangles[np.minimum(np.searchsorted(cumulative, levels), len(share) - 1)]
        root, along = np.sqrt(generator.random(count)), generator.random(count)
        shares = np.stack([1 - root, root * (1 - along), root * along], axis=1).astype(np.float32)
        return corners.astype(np.int64), shares


def scatter(generator: np.random.Generator, pieces: list[Piece], count: int) -> SurfaceSamples:
    """About ``count`` random places on all pieces, by importance, those on transparent texels dropped."""
    total = sum(float(piece.importance.sum()) for piece in pieces)
    parts = []
    for layer, piece in enumerate(pieces):
        wanted = round(count * float(piece.importance.sum()) / total)
        if not wanted:
            continue
        corners, shares = piece.places(generator, wanted)
        color = piece.primitive.material.sample(_mixed(piece.primitive.uv, corners, shares))
        opaque = color[:, 3] >= 0.5
        corners, shares = corners[opaque], shares[opaque]
        parts.append(
            SurfaceSamples(
                layer=np.full(len(corners), layer),
                corners=corners,
                shares=shares,
                position=_mixed(piece.positions, corners, shares),
                normal=unit(_mixed(piece.normals, corners, shares)),
                color=np.clip(color[opaque, :3], 0, 1).astype(np.float32),
            )
        )
    names = [field.name for field in fields(SurfaceSamples)]
    return SurfaceSamples(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def gathered(samples: SurfaceSamples, values: list[FloatArray]) -> FloatArray:
    """(n, ...) what the vertices of each piece have, at places on all of them."""
    result: FloatArray = np.einsum("nk,nk...->n...", samples.shares, gathered_corners(samples, values))
    return result


def changes_along(samples: SurfaceSamples, pieces: list[Piece], steps: FloatArray) -> FloatArray:
    """(n, k, E, 3) how the expressions' moves change over ``steps`` (n, k, 3) along the surface, metres.

    Linear over the triangle in which a place lies.
    """
    moves = gathered_corners(samples, [piece.moves for piece in pieces])
    change = np.einsum("nik,niec->nkec", edge_shares(samples, pieces, steps), moves[:, 1:] - moves[:, :1])
    return np.asarray(change, np.float32)


def edge_shares(samples: SurfaceSamples, pieces: list[Piece], steps: FloatArray) -> npt.NDArray[np.float64]:
    """(n, 2, k) how much of two edges of the triangle in which a place lies add up to steps (n, k, 3)."""
    corners = gathered_corners(samples, [piece.positions for piece in pieces]).astype(np.float64)
    edges = corners[:, 1:] - corners[:, :1]  # (n, 2, 3)
    metric = np.einsum("nic,njc->nij", edges, edges)
    metric += 1e-9 * np.trace(metric, axis1=1, axis2=2)[:, None, None] * np.eye(2) + 1e-18 * np.eye(2)
    across = np.einsum("nic,nkc->nik", edges, steps)
    return np.linalg.solve(metric, across)


def gathered_corners(samples: SurfaceSamples, values: list[FloatArray]) -> FloatArray:
    """(n, 3, ...) what the corners have of the triangles in which places on all pieces lie."""
    result = np.zeros((len(samples), 3, *values[0].shape[1:]), np.float32)
    for layer, of_vertices in enumerate(values):
        here = samples.layer == layer
        result[here] = of_vertices[samples.corners[here]]
    return result


def _mixed(values: FloatArray, corners: IntArray, shares: FloatArray) -> FloatArray:
    result: FloatArray = np.einsum("nk,nk...->n...", shares, values[corners])
    return result

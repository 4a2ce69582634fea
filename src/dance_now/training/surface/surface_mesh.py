"""An avatar's mesh as one set of arrays that the bone rule can carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.formats3d.materials import Material
from dance_now.formats3d.meshes import Primitive
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.renderer import drawing_order, welded_normals

_IntArray = npt.NDArray[np.int64]
_Doubles = npt.NDArray[np.float64]

# Numbers are rounded so that their last bytes are 0, which deflate packs well. No picture shows it.
_POSITION_STEP: Final = 2.0**-16  # metres
_UV_STEP: Final = 2.0**-15
_NORMAL_STEP: Final = 2.0**-9
_OFFSET_STEP: Final = 2.0**-16  # metres
_STILL: Final = 2.0**-17  # metres; a vertex that an expression moves by less stays


@dataclass(frozen=True, eq=False)
class Moves:
    """What an expression moves.

    Attributes:
        vertices: (k,) rows of the mesh, ascending.
        offsets: (k, 3) metres at weight 1, at rest.
        normals: (k, 3) change of the normal at weight 1.
    """

    vertices: _IntArray
    offsets: FloatArray
    normals: FloatArray


@dataclass(frozen=True, eq=False)
class SurfaceMesh:
    """What shows of an avatar at rest, character frame, metres: V vertices, T triangles.

    Attributes:
        sources: (V, 2) the avatar's primitive, and the vertex of it.
        positions: (V, 3).
        normals: (V, 3) unit; 0 where the file has none.
        outline_normals: (V, 3) unit: along them an outline's hull is pushed. (0, 0, 1) where there is none.
        uv: (V, 2).
        joints: (V, 4) what carries a vertex, see ``SurfaceRig``, strongest first.
        weights: (V, 4), rows sum to 1.
        triangles: (T, 3), sorted by surface.
        counts: triangles of each surface.
        materials: of each surface, in drawing order.
        moves: of each expression.
    """

    sources: _IntArray
    positions: FloatArray
    normals: FloatArray
    outline_normals: FloatArray
    uv: FloatArray
    joints: _IntArray
    weights: FloatArray
    triangles: _IntArray
    counts: tuple[int, ...]
    materials: tuple[Material, ...]
    moves: tuple[Moves, ...]

    @classmethod
    def of(
        cls, avatar: Avatar, carriers: _IntArray, names: Sequence[str], hide: tuple[str, ...] = ()
    ) -> SurfaceMesh:
        """The mesh of an avatar.

        Args:
            avatar: whose.
            carriers: (N,) what carries each of its nodes, see ``SurfaceRig``.
            names: expressions to follow.
            hide: names of parts to leave out.
        """
        groups = _surfaces(avatar, hide)
        order = [number for group in groups for number in group]
        pieces = [_Piece.of(avatar, number, carriers, names) for number in order]
        first = dict(zip(order, np.cumsum([0, *(len(piece.sources) for piece in pieces)]), strict=False))
        triangles = [
            np.concatenate([avatar.primitives[number].triangles + first[number] for number in group])
            for group in groups
        ]
        rows, corners = _by_first_use(np.concatenate(triangles).astype(np.int64))
        new_row = np.empty(len(rows), np.int64)
        new_row[rows] = np.arange(len(rows))

        def joined(name: str) -> npt.NDArray[Any]:
            return np.concatenate([getattr(piece, name) for piece in pieces])[rows]

        return cls(
            sources=joined("sources"),
            positions=joined("positions"),
            normals=joined("normals"),
            outline_normals=joined("outline_normals"),
            uv=joined("uv"),
            joints=joined("joints"),
            weights=joined("weights"),
            triangles=corners,
            counts=tuple(len(each) for each in triangles),
            materials=tuple(avatar.primitives[group[0]].material for group in groups),
            moves=tuple(_joined(pieces, expression, new_row) for expression in range(len(names))),
        )


def has_outline(material: Material) -> bool:
    """Whether a hull is drawn around a surface."""
    return material.outline_mode != "none" and material.outline_width > 0


@dataclass(frozen=True, eq=False)
class _Piece:
    """One primitive's share of a ``SurfaceMesh``, every vertex of it; ``moves`` as (V, 3) pairs or None."""

    sources: _IntArray
    positions: FloatArray
    normals: FloatArray
    outline_normals: FloatArray
    uv: FloatArray
    joints: _IntArray
    weights: FloatArray
    moves: tuple[tuple[_Doubles, _Doubles] | None, ...]

    @classmethod
    def of(cls, avatar: Avatar, number: int, carriers: _IntArray, names: Sequence[str]) -> _Piece:
        primitive = avatar.primitives[number]
        count = len(primitive.positions)
        to_rest = _to_rest(avatar, primitive)
        linear = to_rest[:, :, :3]
        turned = _apply(linear, primitive.normals)
        length = np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
        outline = np.tile(np.array([0.0, 0.0, 1.0]), (count, 1))
        if has_outline(primitive.material):
            outline = _unit(_apply(linear, welded_normals(primitive)))
        moves: list[tuple[_Doubles, _Doubles] | None] = []
        for name in names:
            found = _dense_moves(primitive, avatar.morph_weights({name: 1.0}))
            if found is not None:
                found = (_apply(linear, found[0]), _apply(linear, found[1]) / length)
            moves.append(found)
        joints, weights = _merged(carriers[primitive.joints], primitive.weights)
        return cls(
            sources=np.stack([np.full(count, number), np.arange(count)], axis=1),
            positions=_rounded(_apply(linear, primitive.positions) + to_rest[:, :, 3], _POSITION_STEP),
            normals=_rounded(turned / length, _NORMAL_STEP),
            outline_normals=_rounded(outline, _NORMAL_STEP),
            uv=_rounded(primitive.uv, _UV_STEP),
            joints=joints,
            weights=weights,
            moves=tuple(moves),
        )


def _surfaces(avatar: Avatar, hide: tuple[str, ...]) -> list[list[int]]:
    """Primitives that show, in drawing order; those of one material are one surface.

    What is blended shows what was drawn before it: of those only neighbours are joined.
    """
    shown = sorted(
        avatar.shown_primitives(hide), key=lambda number: drawing_order(avatar.primitives[number].material)
    )
    groups: list[list[int]] = []
    for number in shown:
        material = avatar.primitives[number].material
        candidates = groups[-1:] if material.alpha_mode == "BLEND" else groups
        for group in candidates:
            if avatar.primitives[group[0]].material is material:
                group.append(number)
                break
        else:
            groups.append([number])
    return groups


def _to_rest(avatar: Avatar, primitive: Primitive) -> _Doubles:
    """(V, 3, 4) what takes each vertex of a primitive from the bind pose to the rest pose.

    A bone moves what it carries by the same motion from either pose, so for a vertex of one bone, and for one
    whose bones leave the bind pose together, posing from here is exact. Files in which bones bend between
    bind and rest pose are rare; there vertices between two bones come out a little otherwise.
    """
    palette = (avatar.rest_world[avatar.palette_nodes] @ avatar.palette_inverse_bind)[:, :3]
    return np.einsum("vk,vkij->vij", primitive.weights, palette[primitive.slots])


def _dense_moves(
    primitive: Primitive, weights: Mapping[tuple[int, int], float]
) -> tuple[_Doubles, _Doubles] | None:
    """(V, 3) offsets and changes of normals in the bind pose; None where nothing moves."""
    offsets, normals = np.zeros((2, len(primitive.positions), 3))
    for number, target in enumerate(primitive.targets):
        weight = weights.get((primitive.mesh, number), 0.0)
        if target is not None and weight != 0:
            offsets[target.vertices] += weight * target.offsets
            normals[target.vertices] += weight * target.normal_offsets
    return (offsets, normals) if offsets.any() or normals.any() else None


def _merged(joints: _IntArray, weights: FloatArray) -> tuple[_IntArray, FloatArray]:
    """(V, 4) each: every carrier once, strongest first; unused places name the strongest, with weight 0."""
    merged = weights.astype(np.float64)
    for first in range(4):
        for second in range(first + 1, 4):
            same = joints[:, first] == joints[:, second]
            merged[:, first] += np.where(same, merged[:, second], 0)
            merged[:, second] = np.where(same, 0, merged[:, second])
    order = np.argsort(-merged, axis=1, kind="stable")
    merged, joints = np.take_along_axis(merged, order, axis=1), np.take_along_axis(joints, order, axis=1)
    merged /= merged.sum(axis=1, keepdims=True)
    return np.where(merged > 0, joints, joints[:, :1]), merged.astype(np.float32)


def _by_first_use(triangles: _IntArray) -> tuple[_IntArray, _IntArray]:
    """Vertices in the order in which triangles (T, 3) name them, and the triangles of those."""
    used, first, inverse = np.unique(triangles.ravel(), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return used[order], rank[inverse].reshape(-1, 3)


def _joined(pieces: Sequence[_Piece], expression: int, new_row: _IntArray) -> Moves:
    """What an expression moves, in rows of the mesh."""
    start = 0
    vertices, offsets, normals = [np.zeros(0, np.int64)], [np.zeros((0, 3))], [np.zeros((0, 3))]
    for piece in pieces:
        found = piece.moves[expression]
        if found is not None:
            moved = np.flatnonzero(
                (np.abs(found[0]) > _STILL).any(axis=1) | (np.abs(found[1]) > _NORMAL_STEP / 2).any(axis=1)
            )
            vertices.append(new_row[start + moved])
            offsets.append(found[0][moved])
            normals.append(found[1][moved])
        start += len(piece.sources)
    joined = np.concatenate(vertices)
    order = np.argsort(joined)
    return Moves(
        joined[order],
        _rounded(np.concatenate(offsets)[order], _OFFSET_STEP),
        _rounded(np.concatenate(normals)[order], _NORMAL_STEP),
    )


def _apply(linear: _Doubles, vectors: npt.ArrayLike) -> _Doubles:
    """(V, 3) of (V, 3, 3) and (V, 3)."""
    turned: _Doubles = np.einsum("vij,vj->vi", linear, np.asarray(vectors, np.float64))
    return turned


def _unit(vectors: _Doubles) -> _Doubles:
    length: _Doubles = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(length, 1e-9)


def _rounded(values: npt.ArrayLike, step: float) -> FloatArray:
    """Nearest multiples of ``step``, a power of 2."""
    # Adding 0 makes -0 a 0, which is another byte.
    return (np.round(np.asarray(values, np.float64) / step) * step + 0.0).astype(np.float32)

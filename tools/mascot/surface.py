"""Skinned meshes with morph targets, and the curves, grids and normals that all parts share.

The character frame is that of the file (VRM 1.0): x to the character's left, y up, z to its front, metres.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

Points: TypeAlias = npt.NDArray[np.float64]
Triangles: TypeAlias = npt.NDArray[np.int64]
Indices: TypeAlias = npt.NDArray[np.int64]
Skin: TypeAlias = dict[str, Points]
"""Bone or spring joint -> (V,) weight."""

_MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Surface:
    """Skinned mesh in the rest pose.

    Attributes:
        positions: (V, 3) metres.
        normals: (V, 3) unit vectors.
        uv: (V, 2) texture coordinates, v down.
        triangles: (T, 3) counter-clockwise from outside.
        skin: skin weights.
        morphs: morph targets, expression -> (V, 3) displacement.
    """

    positions: Points
    normals: Points
    uv: Points
    triangles: Triangles
    skin: Skin
    morphs: dict[str, Points] = field(default_factory=dict)

    def mirrored(self) -> Surface:
        """Mirror image, on the character's other side: x, triangles, sides in names, all turned over."""
        return Surface(
            positions=self.positions * _MIRROR,
            normals=self.normals * _MIRROR,
            uv=self.uv,
            triangles=self.triangles[:, ::-1],
            skin={other_side(name): weight for name, weight in self.skin.items()},
            morphs={other_side(name): moved * _MIRROR for name, moved in self.morphs.items()},
        )

    def with_skin(self, skin: Skin) -> Surface:
        """Copy with other skin weights."""
        return replace(self, skin=skin)

    def on(self, bone: str) -> Surface:
        """Copy moved by one bone alone."""
        return self.with_skin({bone: np.ones(len(self.positions))})


def other_side(name: str) -> str:
    """Mirrored name: ``leftHand`` for ``rightHand``, ``blinkLeft`` for ``blinkRight``; others unchanged."""
    for left, right in (("left", "right"), ("Left", "Right")):
        if left in name:
            return name.replace(left, right)
        if right in name:
            return name.replace(right, left)
    return name


def join(surfaces: Sequence[Surface]) -> Surface:
    """Merges surfaces into one; a morph target leaves those that lack it where they are."""
    counts = [len(surface.positions) for surface in surfaces]
    starts = np.cumsum([0, *counts])
    bones = dict.fromkeys(name for surface in surfaces for name in surface.skin)
    shapes = dict.fromkeys(name for surface in surfaces for name in surface.morphs)
    return Surface(
        positions=np.concatenate([surface.positions for surface in surfaces]),
        normals=np.concatenate([surface.normals for surface in surfaces]),
        uv=np.concatenate([surface.uv for surface in surfaces]),
        triangles=np.concatenate([s.triangles + start for s, start in zip(surfaces, starts, strict=False)]),
        skin={
            bone: np.concatenate(
                [s.skin.get(bone, np.zeros(n)) for s, n in zip(surfaces, counts, strict=True)]
            )
            for bone in bones
        },
        morphs={
            name: np.concatenate(
                [s.morphs.get(name, np.zeros((n, 3))) for s, n in zip(surfaces, counts, strict=True)]
            )
            for name in shapes
        },
    )


def both_sides(surface: Surface) -> Surface:
    """Symmetric surface: one of the left side and its mirror image."""
    return join([surface, surface.mirrored()])


def unit(vectors: npt.ArrayLike) -> Points:
    """Unit vectors of (..., 3) vectors."""
    array = np.asarray(vectors, np.float64)
    return np.asarray(array / np.maximum(np.linalg.norm(array, axis=-1, keepdims=True), 1e-12))


def smooth_step(value: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> Points:
    """Smoothstep: 0 below ``low``, 1 above ``high``, smooth between; ``low`` may be the larger one."""
    start, end = np.asarray(low, np.float64), np.asarray(high, np.float64)
    share = np.clip((np.asarray(value, np.float64) - start) / (end - start), 0.0, 1.0)
    return np.asarray(share * share * (3 - 2 * share))


def curve(knots: Sequence[tuple[float, ...]]) -> Callable[[npt.ArrayLike], Points]:
    """Monotone cubic interpolation through (place, value, ...) rows; constant beyond its ends.

    Source: Fritsch and Carlson, Monotone piecewise cubic interpolation, 1980.
    """
    table = np.array(knots, np.float64)
    values = table[:, 1] if table.shape[1] == 2 else table[:, 1:]
    spline = PchipInterpolator(table[:, 0], values)

    def evaluate(place: npt.ArrayLike) -> Points:
        # Rounding can carry the last bit past an end.
        return np.clip(
            spline(np.clip(place, table[0, 0], table[-1, 0])), values.min(axis=0), values.max(axis=0)
        )

    return evaluate


def through(points: npt.ArrayLike, count: int) -> Points:
    """Catmull-Rom spline through a few points, resampled to (count, D) evenly spaced ones (centripetal)."""
    knots = np.asarray(points, np.float64)
    steps = np.linalg.norm(np.diff(knots, axis=0), axis=1)
    places = np.r_[0, np.cumsum(np.sqrt(np.maximum(steps, 1e-9)))]
    slopes = np.gradient(knots, places, axis=0)
    fine = np.linspace(0, places[-1], 16 * count)
    segment = np.clip(np.searchsorted(places, fine, side="right") - 1, 0, len(places) - 2)
    span = (places[segment + 1] - places[segment])[:, None]
    t = (fine - places[segment])[:, None] / span
    line = (
        (2 * t**3 - 3 * t**2 + 1) * knots[segment]
        + (t**3 - 2 * t**2 + t) * span * slopes[segment]
        + (3 * t**2 - 2 * t**3) * knots[segment + 1]
        + (t**3 - t**2) * span * slopes[segment + 1]
    )
    lengths = np.r_[0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]
    wanted = np.linspace(0, lengths[-1], count)
    return np.stack([np.interp(wanted, lengths, line[:, axis]) for axis in range(line.shape[1])], axis=1)


def grid_triangles(rows: int, columns: int) -> Triangles:
    """Grid triangles: two for each cell of rows x columns vertices that are numbered row by row.

    Counter-clockwise where columns run to the right and rows run down.
    """
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    a = (row * columns + column).ravel()
    b, c, d = a + 1, a + columns, a + columns + 1
    return np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)])


def surface_normals(positions: Points, triangles: Triangles, seams: bool = True) -> Points:
    """Vertex normals (V, 3), unit length, weighed by area.

    Args:
        positions: (V, 3).
        triangles: (T, 3).
        seams: vertices in the same place share a normal.
    """
    corners = positions[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    group = np.arange(len(positions))
    if seams:
        places = np.round(positions * 1e6).astype(np.int64)
        group = np.unique(places, axis=0, return_inverse=True)[1].reshape(-1)
    total = np.zeros((int(group.max()) + 1, 3))
    for corner in range(3):
        np.add.at(total, group[triangles[:, corner]], faces)
    total[np.linalg.norm(total, axis=1) < 1e-15] = (0.0, 1.0, 0.0)  # on no triangle: any direction will do
    return unit(total[group])


def strongest_four(skin: Mapping[str, Points], numbers: Mapping[str, int]) -> tuple[Triangles, Points]:
    """Four strongest influences: (V, 4) joint indices and (V, 4) weights that sum to 1; unused ones are 0."""
    names = [numbers[name] for name in skin]
    weights = np.stack(list(skin.values()), axis=1)
    if weights.shape[1] < 4:
        weights = np.pad(weights, ((0, 0), (0, 4 - weights.shape[1])))
        names += [0] * (4 - len(names))
    order = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    kept = np.take_along_axis(weights, order, axis=1)
    kept = np.where(kept > 0.004, kept, 0.0)
    kept /= kept.sum(axis=1, keepdims=True)
    joints = np.where(kept > 0, np.array(names)[order], 0)
    return joints, kept

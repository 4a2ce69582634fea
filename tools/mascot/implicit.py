"""Signed distance functions, smooth union, and meshing by surface nets.

Sources: Quilez, Distance functions and smooth minimum, 2008-2013; Gibson, Constrained elastic surface nets,
1998 (one vertex in each cell that the surface crosses).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tools.mascot.surface import Points, Triangles, unit

Distance = Callable[[Points], Points]
"""(n, 3) positions -> (n,) signed distance in metres, negative inside."""


def cone(start: npt.ArrayLike, end: npt.ArrayLike, start_radius: float, end_radius: float) -> Distance:
    """Cone distance function: spheres of changing radius along a line (a limb)."""
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    axis = b - a

    def distance(points: Points) -> Points:
        share = np.clip((points - a) @ axis / (axis @ axis), 0, 1)
        away = np.linalg.norm(points - a - share[:, None] * axis, axis=1)
        return np.asarray(away - (start_radius + share * (end_radius - start_radius)))

    return distance


def stack(sections: Callable[[Points], Points], low: float, high: float) -> Distance:
    """Stack distance function: ellipses along y between ``low`` and ``high`` (a trunk).

    ``sections``: heights (n,) -> (n, 3) half width, half depth, middle z.
    """

    def distance(points: Points) -> Points:
        width, depth, middle = sections(points[:, 1]).T
        offset = np.stack([points[:, 0], points[:, 2] - middle], axis=1)
        size = np.stack([width, depth], axis=1)
        outer = np.linalg.norm(offset / size, axis=1)
        inner = np.linalg.norm(offset / size**2, axis=1)
        side = outer * (outer - 1) / np.maximum(inner, 1e-9)
        return np.maximum(side, np.maximum(low - points[:, 1], points[:, 1] - high))

    return distance


def blended(first: Distance, second: Distance, reach: float) -> Distance:
    """Smooth union of two bodies with a fillet of ``reach`` metres."""

    def distance(points: Points) -> Points:
        a, b = first(points), second(points)
        share = np.clip(0.5 + 0.5 * (b - a) / reach, 0, 1)
        return np.asarray(b + share * (a - b) - reach * share * (1 - share))

    return distance


def surface_net(
    distance: Distance, low: npt.ArrayLike, high: npt.ArrayLike, cell: float
) -> tuple[Points, Points, Triangles]:
    """Surface net: mesh of the zero level of a distance field within a box.

    Returns:
        (V, 3) positions, (V, 3) unit normals, (T, 3) triangles.
    """
    corner = np.asarray(low, np.float64)
    shape = np.ceil((np.asarray(high) - corner) / cell).astype(int) + 1
    lattice = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    values = distance((corner + lattice * cell).reshape(-1, 3)).reshape(shape)
    vertices, index = _cell_vertices(values)
    positions = corner + vertices * cell
    triangles = _crossing_quads(values, index)
    for _ in range(2):  # pulls the vertices onto the surface
        gradient, here = _gradient(distance, positions)
        positions = positions - gradient * np.clip(here, -cell, cell)[:, None]
    return positions, unit(_gradient(distance, positions)[0]), triangles


def _cell_vertices(values: npt.NDArray[np.float64]) -> tuple[Points, npt.NDArray[np.int64]]:
    """Cell vertices (V, 3): mean edge crossing of each crossed cell, in cells; each cell's vertex or -1."""
    cells = tuple(n - 1 for n in values.shape)
    total, count = np.zeros((*cells, 3)), np.zeros(cells)
    base = np.stack(np.meshgrid(*(np.arange(n) for n in cells), indexing="ij"), axis=-1).astype(np.float64)
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        for first in (0, 1):
            for second in (0, 1):
                start = [0, 0, 0]
                start[others[0]], start[others[1]] = first, second
                end = list(start)
                end[axis] = 1
                a, b = (
                    values[tuple(slice(o, o + n) for o, n in zip(offset, cells, strict=True))]
                    for offset in (start, end)
                )
                crossed = (a < 0) != (b < 0)
                share = np.where(crossed, a / np.where(crossed, a - b, 1), 0)
                place = base + start
                place[..., axis] += share
                total += np.where(crossed[..., None], place, 0)
                count += crossed
    index = np.full(cells, -1, np.int64)
    active = count > 0
    index[active] = np.arange(int(active.sum()))
    return total[active] / count[active][:, None], index


def _crossing_quads(values: npt.NDArray[np.float64], index: npt.NDArray[np.int64]) -> Triangles:
    """Quads, as two triangles, across each lattice edge that the surface crosses."""
    found = []
    for axis in range(3):
        second, third = (axis + 1) % 3, (axis + 2) % 3
        inner = [slice(1, -1)] * 3
        inner[axis] = slice(0, -1)
        after = list(inner)
        after[axis] = slice(1, None)
        a, b = values[tuple(inner)] < 0, values[tuple(after)] < 0
        places = np.argwhere(a != b)
        inside_first = (a & ~b)[tuple(places.T)]
        places[:, second] += 1
        places[:, third] += 1
        steps = np.eye(3, dtype=np.int64)
        corners = [
            index[tuple((places - steps[second] * p - steps[third] * q).T)]
            for p, q in ((0, 0), (1, 0), (1, 1), (0, 1))
        ]
        quads = np.stack(corners, axis=1)
        quads[~inside_first] = quads[~inside_first][:, ::-1]
        found += [quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]
    return np.concatenate(found)


def _gradient(distance: Distance, points: Points) -> tuple[Points, Points]:
    step = 1e-4
    here = distance(points)
    slopes = [
        (distance(points + step * axis) - distance(points - step * axis)) / (2 * step) for axis in np.eye(3)
    ]
    gradient = np.stack(slopes, axis=1)
    return gradient / np.maximum((gradient**2).sum(axis=1, keepdims=True), 1e-6), here

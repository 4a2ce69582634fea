"""Mesh geometry: boundary loops, front-view depth maps and barycentric anchors.

All positions are in the character frame (x = character's left, y up, z front), metres.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from dance_now.render.jit import kernel

Points: TypeAlias = npt.NDArray[np.float64]
Indices: TypeAlias = npt.NDArray[np.int64]
Anchor: TypeAlias = dict[int, float]
"""Point on a mesh: vertices and their weights, which sum to 1."""


def anchor_position(anchor: Anchor, points: Points) -> Points:
    """Position (3,) of an anchor on a mesh with (V, 3) points."""
    return np.asarray(list(anchor.values())) @ points[list(anchor)]


def mix_anchors(parts: Iterable[tuple[Anchor, float]]) -> Anchor:
    """Weighted sum of anchors; the weights sum to 1 (a negative one extrapolates)."""
    mixed: Anchor = {}
    for anchor, share in parts:
        for vertex, weight in anchor.items():
            mixed[vertex] = mixed.get(vertex, 0.0) + share * weight
    return mixed


def mean_anchor(anchors: Sequence[Anchor]) -> Anchor:
    """Mean of several anchors."""
    return mix_anchors((anchor, 1 / len(anchors)) for anchor in anchors)


def weld(points: Points, tolerance: float = 1e-5) -> Indices:
    """Merges coincident vertices.

    Args:
        points: (V, D); stack rest and deformed positions side by side, so that lips which touch only at
            rest are not glued.
        tolerance: metres.

    Returns:
        (V,) index of the first vertex at each vertex's position.
    """
    _, first, place = np.unique(
        np.round(points / tolerance).astype(np.int64), axis=0, return_index=True, return_inverse=True
    )
    return np.asarray(first[place.ravel()], np.int64)


def boundary_loops(triangles: Indices) -> list[Indices]:
    """Boundary loops of a surface: rims of holes and outlines of islands.

    Args:
        triangles: (T, 3) welded vertices.

    Returns:
        Vertices of each loop in order, at least three in each.
    """
    triangles = triangles[(triangles != np.roll(triangles, 1, axis=1)).all(axis=1)]
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    span = int(edges.max(initial=0)) + 1
    forward = edges[:, 0] * span + edges[:, 1]
    border = edges[~np.isin(forward, edges[:, 1] * span + edges[:, 0])]
    following: dict[int, list[int]] = {}
    for start, end in border.tolist():
        following.setdefault(start, []).append(end)
    loops = []
    for start in list(following):
        loop = [start]
        while following.get(loop[-1]):
            loop.append(following[loop[-1]].pop())
            if loop[-1] == start:
                break
        if len(loop) > 3 and loop[-1] == start:
            loops.append(np.array(loop[:-1]))
    return loops


def triangle_components(triangles: Indices) -> Indices:
    """Connected components: (T,) labels of (T, 3) welded triangles."""
    size = int(triangles.max(initial=0)) + 1
    start, end = triangles.ravel(), np.roll(triangles, 1, axis=1).ravel()
    edges = coo_matrix((np.ones(len(start), np.int8), (start, end)), shape=(size, size))
    labels = connected_components(edges, directed=False)[1]
    return np.asarray(labels[triangles[:, 0]], np.int64)


def contour_at(loop: Indices, points: Points, x: float) -> tuple[Anchor, Anchor] | None:
    """Intersection of a vertical line with a loop: the highest and the lowest crossing, or None."""
    ends = np.roll(loop, -1)
    x0, x1 = points[loop, 0], points[ends, 0]
    crossing = np.flatnonzero((np.minimum(x0, x1) <= x) & (np.maximum(x0, x1) >= x) & (x0 != x1))
    if len(crossing) == 0:
        return None
    share = (x - x0[crossing]) / (x1[crossing] - x0[crossing])
    heights = points[loop[crossing], 1] * (1 - share) + points[ends[crossing], 1] * share

    def on_edge(k: int) -> Anchor:
        edge, t = crossing[k], float(share[k])
        return {int(loop[edge]): 1 - t, int(ends[edge]): t}

    return on_edge(int(np.argmax(heights))), on_edge(int(np.argmin(heights)))


@kernel
def _rasterise(
    points: npt.NDArray[np.float64],
    triangles: npt.NDArray[np.int64],
    depth: npt.NDArray[np.float64],
    index: npt.NDArray[np.int64],
) -> None:
    """Z-buffer of the frontmost triangles; points (V, 3) are column, row, z toward the viewer."""
    height, width = depth.shape
    for t in range(triangles.shape[0]):
        ax, ay, az = points[triangles[t, 0]]
        bx, by, bz = points[triangles[t, 1]]
        cx, cy, cz = points[triangles[t, 2]]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        row_start, row_end = max(0, int(min(ay, by, cy))), min(height - 1, int(max(ay, by, cy)))
        column_start, column_end = max(0, int(min(ax, bx, cx))), min(width - 1, int(max(ax, bx, cx)))
        for row in range(row_start, row_end + 1):
            for column in range(column_start, column_end + 1):
                x, y = column + 0.5, row + 0.5
                a = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                b = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                c = 1.0 - a - b
                if a < 0.0 or b < 0.0 or c < 0.0:
                    continue
                z = a * az + b * bz + c * cz
                if z > depth[row, column]:
                    depth[row, column] = z
                    index[row, column] = t


@dataclass(frozen=True, eq=False)
class FrontView:
    """Orthographic front view of a surface: depth and triangle index, in square pixels.

    Attributes:
        points: (V, 3) the surface's vertices.
        triangles: (T, 3).
        corner: x of the left edge of the first column and y of the upper edge of the first row, metres.
        pixel: edge of a pixel, metres.
        depth: (H, W) z of the frontmost surface, -inf where there is none.
        index: (H, W) frontmost triangle, -1 where there is none.
    """

    points: Points
    triangles: Indices
    corner: tuple[float, float]
    pixel: float
    depth: Points
    index: Indices

    @classmethod
    def of(
        cls,
        points: Points,
        triangles: Indices,
        centre: tuple[float, float],
        size: tuple[float, float],
        pixel: float,
    ) -> FrontView:
        """Renders a rectangle around ``centre`` of ``size`` width and height (x, y; metres)."""
        corner = (centre[0] - size[0] / 2, centre[1] + size[1] / 2)
        shape = (max(1, round(size[1] / pixel)), max(1, round(size[0] / pixel)))
        depth, index = np.full(shape, -np.inf), np.full(shape, -1, np.int64)
        screen = np.stack(
            [(points[:, 0] - corner[0]) / pixel, (corner[1] - points[:, 1]) / pixel, points[:, 2]], axis=1
        )
        _rasterise(screen, triangles, depth, index)
        return cls(points, triangles, corner, pixel, depth, index)

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Row and column of a position, clipped to the view."""
        row, column = int((self.corner[1] - y) / self.pixel), int((x - self.corner[0]) / self.pixel)
        return min(max(row, 0), self.depth.shape[0] - 1), min(max(column, 0), self.depth.shape[1] - 1)

    def position(self, row: float, column: float) -> tuple[float, float]:
        """Position x, y of the centre of a pixel."""
        return self.corner[0] + (column + 0.5) * self.pixel, self.corner[1] - (row + 0.5) * self.pixel

    def anchor(self, x: float, y: float) -> Anchor | None:
        """Anchor of the frontmost surface at x, y; None where there is no surface."""
        row, column = self.cell(x, y)
        triangle = int(self.index[row, column])
        if triangle < 0:
            return None
        corners = self.triangles[triangle]
        a, b, c = self.points[corners, :2]
        matrix = np.stack([b - a, c - a], axis=1)
        if abs(np.linalg.det(matrix)) < 1e-14:
            return {int(corners[0]): 1.0}
        v, w = np.clip(np.linalg.solve(matrix, np.array([x, y]) - a), 0, 1)
        total = max(1.0, v + w)  # a position in a border pixel can lie just outside its triangle
        v, w = v / total, w / total
        return {int(corners[0]): 1 - v - w, int(corners[1]): v, int(corners[2]): w}

    def nearest_anchor(self, x: float, y: float) -> Anchor:
        """Anchor at x, y or at the nearest pixel that shows a surface.

        Raises:
            ValueError: the view is empty.
        """
        found = self.anchor(x, y)
        if found is not None:
            return found
        rows, columns = np.nonzero(self.index >= 0)
        if len(rows) == 0:
            raise ValueError("no surface is seen from the front")
        row, column = self.cell(x, y)
        k = int(np.argmin((rows - row) ** 2 + (columns - column) ** 2))
        return self.anchor(*self.position(rows[k], columns[k])) or {}

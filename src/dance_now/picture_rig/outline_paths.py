"""Paths and rows of a silhouette: tips of limbs, middle lines that lead to them, the neck."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from dance_now.core.arrays import BoolArray
from dance_now.core.errors import DanceNowError

Points = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_HEAD: Final = (0.12, 0.6)  # of the height: where a neck is looked for
_STEPS: Final = ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1))
_CENTRED: Final = (
    2.0  # how much dearer the outline is than the middle, as a power of the distance to the outline
)


@dataclass(frozen=True, eq=False)
class OutlineGraph:
    """Pixels of a silhouette and the steps between them.

    Attributes:
        mask: (H, W) the silhouette.
        depth: (H, W) distance to the outline, pixels.
        number: (H, W) of each pixel's node, -1 outside.
        places: (N, 2) row and column of each node.
        lengths: (N, N) sparse: length of each step, pixels.
        costs: (N, N) sparse: the same, dearer near the outline.
    """

    mask: BoolArray
    depth: Points
    number: Indices
    places: Indices
    lengths: csr_matrix
    costs: csr_matrix

    @classmethod
    def of(cls, mask: BoolArray, walls: Points | None = None) -> OutlineGraph:
        """The graph of a mask.

        Args:
            mask: (H, W).
            walls: (H, W, C) a step is longer by the distance between the values at its ends.
        """
        padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
        depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1].astype(np.float64)
        number = np.full(mask.shape, -1, np.int64)
        number[mask] = np.arange(mask.sum())
        starts, ends, lengths = [], [], []
        height, width = mask.shape
        for down, right in _STEPS:
            left, rest = max(-right, 0), max(right, 0)
            here = number[: height - down, left : width - rest]
            there = number[down:, left + right : width - rest + right]
            joined = (here >= 0) & (there >= 0)
            starts.append(here[joined])
            ends.append(there[joined])
            length = np.full(int(joined.sum()), float(np.hypot(down, right)))
            if walls is not None:
                flat_walls = walls[mask]
                length += np.linalg.norm(flat_walls[here[joined]] - flat_walls[there[joined]], axis=1)
            lengths.append(length)
        begin, end, steps = np.concatenate(starts), np.concatenate(ends), np.concatenate(lengths)
        flat = depth[mask]
        dear = steps * (np.percentile(flat, 95) / np.minimum(flat[begin], flat[end])) ** _CENTRED
        count = int(mask.sum())

        def graph(values: Points) -> csr_matrix:
            return csr_matrix((values, (begin, end)), (count, count))

        return cls(mask, depth, number, np.argwhere(mask), graph(steps), graph(dear))

    def severed(self, groups: Indices, apart: BoolArray) -> OutlineGraph:
        """The graph without steps between pixels of groups that are apart.

        Args:
            groups: (H, W) of each pixel.
            apart: (G, G) symmetric.
        """
        group = groups[self.mask]

        def kept(matrix: csr_matrix) -> csr_matrix:
            steps = matrix.tocoo()
            stays = ~apart[group[steps.row], group[steps.col]]
            return csr_matrix((steps.data[stays], (steps.row[stays], steps.col[stays])), matrix.shape)

        return replace(self, lengths=kept(self.lengths), costs=kept(self.costs))

    def nearest(self, point: npt.ArrayLike) -> int:
        """The node nearest to x, y."""
        x, y = np.asarray(point, np.float64)
        return int(np.argmin(np.square(self.places - np.array([y, x])).sum(axis=1)))

    def distances(self, sources: npt.ArrayLike) -> Points:
        """(H, W) length of the shortest way within the silhouette from any of these nodes; inf outside."""
        found = dijkstra(self.lengths, False, np.atleast_1d(sources), min_only=True)
        field = np.full(self.mask.shape, np.inf)
        field[self.mask] = found
        return field

    def path(self, start: int, end: int) -> Points:
        """(n, 2) x, y of the way in the middle of the silhouette from one node to another; empty if none."""
        cost, before = dijkstra(self.costs, False, start, return_predecessors=True)
        if not np.isfinite(cost[end]):
            return np.zeros((0, 2))
        way = [end]
        while way[-1] != start:
            way.append(int(before[way[-1]]))
        return np.asarray(self.places[way[::-1], ::-1] + 0.5, np.float64)

    def tips(self, field: Points, least: float) -> list[tuple[int, float]]:
        """Nodes that are farthest around, as (node, prominence), most prominent first.

        A tip's prominence is by how much one must come back before one can go farther elsewhere (the
        persistence of a maximum). Tips of less than ``least`` pixels are left out.
        """
        values = field[self.mask]
        order = np.argsort(-np.where(np.isfinite(values), values, -1))
        parent = np.full(len(values), -1, np.int64)
        peak: dict[int, int] = {}
        found: list[tuple[int, float]] = []
        both = (self.lengths + self.lengths.T).tocsr()

        def root(node: int) -> int:
            while parent[node] != node:
                parent[node] = parent[parent[node]]
                node = int(parent[node])
            return node

        for node in order:
            if not np.isfinite(values[node]):
                break
            around = both.indices[both.indptr[node] : both.indptr[node + 1]]
            groups = sorted(
                {root(int(each)) for each in around if parent[each] >= 0}, key=lambda g: -values[peak[g]]
            )
            parent[node] = node
            if not groups:
                peak[int(node)] = int(node)
                continue
            parent[node] = groups[0]
            for other in groups[1:]:
                prominence = float(values[peak[other]] - values[node])
                if prominence >= least:
                    found.append((peak[other], prominence))
                parent[other] = groups[0]
        tops = {peak[root(int(order[0]))]} if len(order) else set()
        found += [(top, float(values[top])) for top in tops]
        return sorted(found, key=lambda tip: -tip[1])


def along(path: Points, share: float) -> Points:
    """(2,) the point at a share of a path's length."""
    steps = np.r_[0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]
    place = share * steps[-1]
    return np.array([np.interp(place, steps, path[:, 0]), np.interp(place, steps, path[:, 1])])


def sharpest_bend(path: Points, low: float, high: float) -> tuple[float, float]:
    """Share of the path's length, from ``low`` to ``high``, where it bends most, and how much, degrees."""
    shares = np.linspace(low, high, 25)
    angles = []
    for share in shares:
        before, here, after = along(path, share - low), along(path, share), along(path, share + 1 - high)
        first, second = here - before, after - here
        sizes = max(float(np.linalg.norm(first) * np.linalg.norm(second)), 1e-9)
        angles.append(np.degrees(np.arccos(np.clip(first @ second / sizes, -1, 1))))
    best = int(np.argmax(angles))
    return float(shares[best]), float(angles[best])


def middle_column(mask: BoolArray) -> float:
    """The column about which the silhouette is most symmetric."""
    columns = np.flatnonzero(mask.any(axis=0))
    low, high = int(columns[0]), int(columns[-1])
    rows = mask[:, low : high + 1].astype(np.float32)
    width = rows.shape[1]
    best, place = -1.0, (low + high) / 2
    for twice in range(round(0.6 * width), round(1.4 * width)):
        first, last = max(0, twice - width + 1), min(width - 1, twice)
        part = rows[:, first : last + 1]
        overlap = float((part * part[:, ::-1]).sum() / rows.sum())
        if overlap > best:
            best, place = overlap, low + twice / 2
    return float(place + 0.5)


def run_from_start(columns: npt.NDArray[np.int64], step: int) -> npt.NDArray[np.int64]:
    """The columns of a sorted row that hang together with the first."""
    breaks = np.flatnonzero(np.diff(columns) != step)
    return columns[: breaks[0] + 1] if len(breaks) else columns


def central_runs(mask: BoolArray, middle: float) -> dict[int, tuple[int, int]]:
    """Row -> first column and end of what hangs together across the middle."""
    runs = {}
    column = int(np.clip(middle, 0, mask.shape[1] - 1))
    for row in np.flatnonzero(mask[:, max(0, column - 2) : column + 3].any(axis=1)):
        columns = np.flatnonzero(mask[row])
        nearest = int(columns[np.argmin(np.abs(columns - column))])
        left = right = nearest
        while left > 0 and mask[row, left - 1]:
            left -= 1
        while right < mask.shape[1] - 1 and mask[row, right + 1]:
            right += 1
        runs[int(row)] = (left, right + 1)
    return runs


def neck_row(runs: dict[int, tuple[int, int]], top: int, floor: int) -> int:
    """The narrowest row between the head's widest and the shoulders."""
    height = floor - top
    rows = [row for row in runs if top + _HEAD[0] * height <= row <= top + _HEAD[1] * height]
    widths = np.array([runs[row][1] - runs[row][0] for row in rows], np.float64)
    if len(rows) < 5:
        raise DanceNowError("the figure's neck was not found.")
    best, place = -np.inf, rows[0]
    above = np.array([runs[row][1] - runs[row][0] for row in sorted(runs) if row < rows[0]], np.float64)
    widest = float(above.max(initial=0))
    for index in range(len(rows)):
        head = max(widest, float(widths[: index + 1].max()))
        below = float(widths[index : index + max(2, round(0.12 * height))].max())
        depth = min(head, below) / max(widths[index], 1)
        score = depth - 0.3 * abs((rows[index] - top) / height - 0.33)
        if score > best:
            best, place = score, rows[index]
    return int(place)

"""PatchMatch inpainting at one pyramid level: the nearest-neighbour field of patches.

Sources: Barnes, Shechtman, Finkelstein and Goldman, "PatchMatch" (SIGGRAPH 2009) for the search, written
here for all unknown pixels at once; Wexler, Shechtman and Irani (TPAMI 2007) for the objective.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.scene.filters.push_pull import push_pull

IntArray = npt.NDArray[np.int64]

_RADIUS: Final = 3  # patches of 7x7
_RIM_DIFFERENCE: Final = 60.0  # grey levels: more is an edge of the scene, not a shade of the same thing
_EXHAUSTIVE: Final = 600_000  # pairs of target and source up to which the search is exhaustive
_STEPS: Final = ((1, 0), (-1, 0), (0, 1), (0, -1))
_SETTLED: Final = 0.01  # share of the targets: if fewer find a better source, the search ends
_FAR_PRICE: Final = 1000.0  # squared grey levels for a source a whole image width away
_DOUBT: Final = 0.5  # blend of low frequencies from the patches to a smooth fill
_LARGE: Final = 0.04  # of the root of the hole's area: deviation of the blur that extracts low frequencies


@dataclass(frozen=True, eq=False)
class _PatchQuery:
    """Patches of a level, and the target patches that are searched for.

    Attributes:
        windows: (h, w, 3, 7, 7) view: the patch around each pixel.
        patches: (n, 3, 49) the targets' own patches.
        weights: (n, 49) how much each of their pixels counts; rows sum to 1.
    """

    windows: FloatArray
    patches: FloatArray
    weights: FloatArray


def _windows(image: FloatArray) -> FloatArray:
    """Sliding-window view of the 7x7 patch around every pixel: (h, w, ..., 7, 7)."""
    padded = cv2.copyMakeBorder(image, _RADIUS, _RADIUS, _RADIUS, _RADIUS, cv2.BORDER_REFLECT_101)
    side = 2 * _RADIUS + 1
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))


class PatchLevel:
    """Pyramid level of the patch search."""

    def __init__(
        self, image: Image, unknown: BoolArray, scale: float, generator: np.random.Generator
    ) -> None:
        height, width = unknown.shape
        size = (max(2 * _RADIUS + 2, round(width * scale)), max(2 * _RADIUS + 2, round(height * scale)))
        gap = cv2.resize(unknown.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        self.hole: BoolArray = np.asarray(gap, np.float32) > 0.01
        known = (~unknown).astype(np.uint8)
        weight = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        shown = cv2.bitwise_and(image, image, mask=known)
        sums = cv2.resize(shown.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        share = np.maximum(weight, np.float32(1e-3))[..., None]
        self.image: FloatArray = np.divide(sums, share, dtype=np.float32)
        self._generator = generator
        inside = cv2.distanceTransform(self.hole.astype(np.uint8), cv2.DIST_L2, 3)
        # Known pixels have full confidence, filled ones less the deeper they lie in the hole.
        self._confidence: FloatArray = np.where(
            self.hole, np.maximum(0.7 ** np.asarray(inside), 0.03), 1
        ).astype(np.float32)
        # Targets: every pixel whose patch touches the hole. Sources: patches wholly known.
        square = np.ones((2 * _RADIUS + 1, 2 * _RADIUS + 1), np.uint8)
        touched = cv2.dilate(self.hole.astype(np.uint8), square) > 0
        self.valid: BoolArray = ~touched
        border = np.ones_like(touched)
        border[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS] = False
        self.valid &= ~border
        if not self.valid.any():
            self.valid = ~self.hole
        self.targets = np.nonzero(touched)
        self.sources = np.nonzero(self.valid)
        places = np.indices(self.hole.shape, np.int64)
        self.rows: IntArray = places[0]
        self.columns: IntArray = places[1]

    def initialize(self, coarser: PatchLevel | None) -> None:
        """Initialises colors and sources from the coarser level, or with a smooth fill and random sources."""
        height, width = self.hole.shape
        y, x = self.targets
        if coarser is None:
            fill = push_pull(self.image, (~self.hole).astype(np.float32))
            self.image[self.hole] = fill[self.hole]
            self._set_sources(*self._initial_sources())
            self._vote()
            return
        small_height, small_width = coarser.hole.shape
        from_y, from_x = y * small_height // height, x * small_width // width
        new_y = y + np.rint((coarser.rows[from_y, from_x] - from_y) * (height / small_height)).astype(int)
        new_x = x + np.rint((coarser.columns[from_y, from_x] - from_x) * (width / small_width)).astype(int)
        new_y, new_x = np.clip(new_y, 0, height - 1), np.clip(new_x, 0, width - 1)
        pick = self._generator.integers(0, self.sources[0].size, y.size)
        fine = self.valid[new_y, new_x]
        self._set_sources(
            np.where(fine, new_y, self.sources[0][pick]), np.where(fine, new_x, self.sources[1][pick])
        )
        larger = cv2.resize(coarser.image, (width, height), interpolation=cv2.INTER_LINEAR)
        self.image[self.hole] = np.asarray(larger, np.float32)[self.hole]
        self._vote()

    def optimize(self, rounds: int) -> None:
        """Alternates search and vote (expectation maximisation) until the sources settle."""
        for _ in range(rounds):
            before = self.rows.copy(), self.columns.copy()
            self._search()
            self._vote()
            changed = (self.rows != before[0]) | (self.columns != before[1])
            if np.count_nonzero(changed) <= _SETTLED * self.targets[0].size:
                return

    def _initial_sources(self) -> tuple[IntArray, IntArray]:
        """Random source for each target at nearly the same height: scenes lie in horizontal layers."""
        y, x = self.targets
        tries = self._generator.integers(0, self.sources[0].size, (24, y.size))
        away = (self.sources[0][tries] - y) ** 2 * 9.0 + (self.sources[1][tries] - x) ** 2
        pick = np.take_along_axis(tries, away.argmin(axis=0)[None], axis=0)[0]
        return self.sources[0][pick], self.sources[1][pick]

    def _set_sources(self, rows: IntArray, columns: IntArray) -> None:
        self.rows[self.targets], self.columns[self.targets] = rows, columns

    def _search(self) -> None:
        if self.targets[0].size * self.sources[0].size <= _EXHAUSTIVE:
            self._search_all()
        else:
            self._search_near()

    def _search_all(self) -> None:
        """Exhaustive search: sums of squared differences written as two matrix products."""
        wanted = self._query()
        count = self.targets[0].size
        offered = wanted.windows[self.sources].reshape(self.sources[0].size, 3, -1)
        weighted = -2 * wanted.weights[:, None] * wanted.patches
        cost = wanted.weights @ np.square(offered).sum(axis=1).T
        cost += weighted.reshape(count, -1) @ offered.reshape(len(offered), -1).T
        height, width = self.hole.shape
        down = (self.sources[0] - self.targets[0][:, None]).astype(np.float32) / np.float32(height)
        right = (self.sources[1] - self.targets[1][:, None]).astype(np.float32) / np.float32(width)
        cost += np.float32(_FAR_PRICE) * (4 * down * down + right * right)
        best = cost.argmin(axis=1)
        self._set_sources(self.sources[0][best], self.sources[1][best])

    def _search_near(self) -> None:
        """PatchMatch iteration: propagation from neighbours, then random search around the best sources."""
        y, x = self.targets
        wanted = self._query()
        best_y, best_x = self.rows[y, x], self.columns[y, x]
        best = self._distance(wanted, np.arange(y.size), best_y, best_x)
        for down, right in _STEPS:
            near_y = np.clip(y + down, 0, self.hole.shape[0] - 1)
            near_x = np.clip(x + right, 0, self.hole.shape[1] - 1)
            moved = self.rows[near_y, near_x] - down, self.columns[near_y, near_x] - right
            best = self._improve_sources(wanted, best, best_y, best_x, *moved)
            self._set_sources(best_y, best_x)
        reach = max(self.hole.shape) // 3
        while reach >= 2:
            jump = self._generator.integers(-reach, reach + 1, (2, y.size))
            around = (best_y, best_x) if reach < 8 else (y, x)
            best = self._improve_sources(
                wanted, best, best_y, best_x, around[0] + jump[0], around[1] + jump[1]
            )
            reach //= 2
        self._set_sources(best_y, best_x)

    def _improve_sources(
        self,
        wanted: _PatchQuery,
        best: FloatArray,
        best_y: IntArray,
        best_x: IntArray,
        y: IntArray,
        x: IntArray,
    ) -> FloatArray:
        """Replaces sources in place by valid candidates of lower distance; returns the distances."""
        inside = (y >= 0) & (y < self.hole.shape[0]) & (x >= 0) & (x < self.hole.shape[1])
        chosen = np.flatnonzero(inside)
        chosen = chosen[self.valid[y[chosen], x[chosen]]]
        distance = self._distance(wanted, chosen, y[chosen], x[chosen])
        nearer = distance < best[chosen]
        chosen = chosen[nearer]
        best_y[chosen], best_x[chosen] = y[chosen], x[chosen]
        best[chosen] = distance[nearer]
        return best

    def _query(self) -> _PatchQuery:
        y, x = self.targets
        windows = _windows(self.image)
        weights = _windows(self._confidence)[y, x].reshape(y.size, -1)
        weights = weights / weights.sum(axis=1, keepdims=True)
        return _PatchQuery(windows, windows[y, x].reshape(y.size, 3, -1), weights)

    def _distance(self, wanted: _PatchQuery, which: IntArray, y: IntArray, x: IntArray) -> FloatArray:
        """Patch distance: weighted mean squared color difference, and a penalty for far sources."""
        difference = wanted.windows[y, x].reshape(y.size, 3, -1) - wanted.patches[which]
        np.square(difference, out=difference)
        color = np.einsum("icj,ij->i", difference, wanted.weights[which])
        down = (y - self.targets[0][which]) / self.hole.shape[0]
        right = (x - self.targets[1][which]) / self.hole.shape[1]
        return np.asarray(color + _FAR_PRICE * (4 * down * down + right * right), np.float32)

    def _vote(self) -> None:
        """Sets every unknown pixel to the mean of the patches that cover it."""
        self.image[self.hole] = self._weighted_votes()[self.hole]

    def blend_rim(self) -> None:
        """Diffuses the color differences at the rim into the hole, so that no seam is visible.

        Like the membrane of Pérez, Gangnet and Blake, "Poisson Image Editing" (SIGGRAPH 2003). Low
        frequencies in a hole are a guess: they are blended halfway to a smooth fill, which is less wrong and
        less conspicuous; detail is kept.
        """
        rim = np.zeros(self.hole.shape, np.float32)
        rim[self.targets] = 1
        rim[self.hole] = 0
        difference = np.clip(self.image - self._weighted_votes(), -_RIM_DIFFERENCE, _RIM_DIFFERENCE)
        self.image[self.hole] += push_pull(difference, rim)[self.hole]
        smooth = push_pull(self.image, (~self.hole).astype(np.float32))
        coarse = cv2.GaussianBlur(self.image, (0, 0), _LARGE * float(np.count_nonzero(self.hole)) ** 0.5)
        self.image[self.hole] += np.float32(_DOUBT) * (smooth - coarse)[self.hole]

    def _weighted_votes(self) -> FloatArray:
        """Weighted mean (h, w, 3) of the patches that cover each pixel; 0 where there are none."""
        known = np.dstack([self.image, np.ones(self.hole.shape, np.float32)])
        rim = (_RADIUS, _RADIUS, _RADIUS, _RADIUS)
        padded = cv2.copyMakeBorder(known, *rim, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
        offered, total = padded.reshape(-1, 4), np.zeros((padded.shape[0] * padded.shape[1], 4), np.float32)
        y, x = self.targets
        width = padded.shape[1]
        target = (y + _RADIUS) * width + x + _RADIUS
        source = (self.rows[y, x] + _RADIUS) * width + self.columns[y, x] + _RADIUS
        trust = self._confidence[y, x][:, None]
        said = np.empty((target.size, 4), np.float32)
        for down in range(-_RADIUS, _RADIUS + 1):
            for right in range(-_RADIUS, _RADIUS + 1):
                near = np.float32(np.exp(-(down * down + right * right) / (2 * 1.5**2)))
                step = down * width + right
                np.take(offered, source + step, axis=0, out=said, mode="clip")
                said *= trust * near
                # Targets are distinct pixels, so a shifted copy of them hits no pixel twice.
                total[target + step] += said
        inside = total.reshape(padded.shape)[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]
        return np.asarray(inside[..., :3] / np.maximum(inside[..., 3:], np.float32(1e-6)), np.float32)

"""Patch search from coarse to fine: the nearest-neighbour field for texture synthesis.

Source: Wexler, Shechtman and Irani (TPAMI 2007) for the coarse-to-fine minimisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.scene.background.patch_level import IntArray, PatchLevel

_UNKNOWN_PIXELS: Final = (2600, 8000)  # at the finest search level: by default, and with ``best``
_COARSEST: Final = 24  # pixels of the shorter side at the coarsest level
# Iterations at the coarsest level and at each finer one: by default, and with ``best``.
_ROUNDS: Final = ((6, 3), (12, 6))


@dataclass(frozen=True, eq=False)
class PatchField:
    """Nearest-neighbour field: for each pixel of a reduced image, the source it is copied from.

    Attributes:
        rows: (h, w) int64 source rows in the reduced image.
        columns: (h, w) int64 source columns.
        image: (h, w, 3) float32 reduced image, filled.
        unknown: (H, W) bool: the full-size pixels to fill.
    """

    rows: IntArray
    columns: IntArray
    image: FloatArray
    unknown: BoolArray

    @classmethod
    def search(cls, image: Image, unknown: BoolArray, *, best: bool = False) -> PatchField:
        """Searches sources for the unknown pixels of an (H, W, 3) uint8 image.

        With ``best`` the search is longer and ends at a finer level.
        """
        level = _coarse_to_fine(image, unknown, _UNKNOWN_PIXELS[best], _ROUNDS[best])
        level.blend_rim()
        return cls(level.rows, level.columns, level.image, unknown)

    def synthesize(self, image: Image) -> FloatArray:
        """Synthesises the unknown pixels at full size; returns (H, W, 3) float32.

        The reduced image gives the colors, which agree across patch borders; only the finer detail is
        copied from the sources, four neighbouring offsets blended, so that no patch border is visible.
        """
        height, width = self.unknown.shape
        rows, columns = np.nonzero(self.unknown)
        small_rows, small_columns = self.rows.shape
        y = (rows + 0.5) * (small_rows / height) - 0.5
        x = (columns + 0.5) * (small_columns / width) - 0.5
        top, left = np.floor(y).astype(int), np.floor(x).astype(int)
        base = np.asarray(cv2.resize(self.image, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
        detail = image - base
        total = np.zeros((rows.size, 3), np.float32)
        weights = np.zeros((rows.size, 1), np.float32)
        for down in (0, 1):
            for right in (0, 1):
                cell_y = np.clip(top + down, 0, small_rows - 1)
                cell_x = np.clip(left + right, 0, small_columns - 1)
                from_y = rows + np.rint((self.rows[cell_y, cell_x] - cell_y) * (height / small_rows)).astype(
                    int
                )
                from_x = columns + np.rint(
                    (self.columns[cell_y, cell_x] - cell_x) * (width / small_columns)
                ).astype(int)
                from_y, from_x = np.clip(from_y, 0, height - 1), np.clip(from_x, 0, width - 1)
                near = (1 - np.abs(y - top - down)) * (1 - np.abs(x - left - right))
                # Steep weights keep the texture of the nearest source instead of averaging four.
                share = (near**4 * ~self.unknown[from_y, from_x] + 1e-9).astype(np.float32)[:, None]
                total += detail[from_y, from_x] * share
                weights += share
        result = image.astype(np.float32)
        result[rows, columns] = base[rows, columns] + total / weights
        return result


def _coarse_to_fine(image: Image, unknown: BoolArray, pixels: int, rounds: tuple[int, int]) -> PatchLevel:
    """Runs the search from coarse to fine; returns the finest level, with about ``pixels`` unknown pixels."""
    height, width = unknown.shape
    scale = min(1.0, (pixels / max(1, int(unknown.sum()))) ** 0.5)
    scale = max(scale, min(1.0, 2 * _COARSEST / min(height, width)))
    scales = [scale]
    while scales[0] / 1.7 * min(height, width) > _COARSEST:
        scales.insert(0, scales[0] / 1.7)
    generator = np.random.default_rng(0)
    level = PatchLevel(image, unknown, scales[0], generator)
    level.initialize(None)
    level.optimize(rounds[0])
    for value in scales[1:]:
        finer = PatchLevel(image, unknown, value, generator)
        finer.initialize(level)
        finer.optimize(rounds[1])
        level = finer
    return level

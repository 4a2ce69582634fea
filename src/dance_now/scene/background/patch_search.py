"""Which known patch of a picture to copy to each unknown pixel, searched from coarse to fine.

Source: Wexler, Shechtman and Irani (TPAMI 2007) for the coarse-to-fine minimisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.scene.background.patch_level import IntArray, PatchLevel

_UNKNOWN_PIXELS: Final = (2600, 8000)  # at the finest search level: usually, and at its best
_COARSEST: Final = 24  # pixels of the shorter side at the coarsest level
_ROUNDS: Final = ((6, 3), (12, 6))  # at the coarsest level and at each finer one: usually, and at its best


@dataclass(frozen=True, eq=False)
class PatchField:
    """For each pixel of a small copy of a picture, the place it is copied from.

    Attributes:
        rows: (h, w) int64 source rows in the small copy.
        columns: (h, w) int64 source columns.
        picture: (h, w, 3) float32 small copy, filled.
        unknown: (H, W) bool: the full-size pixels to fill.
    """

    rows: IntArray
    columns: IntArray
    picture: FloatArray
    unknown: BoolArray

    @classmethod
    def search(cls, image: Image, unknown: BoolArray, *, best: bool = False) -> PatchField:
        """Finds sources for the unknown pixels of an (H, W, 3) uint8 picture.

        At its ``best`` the search is longer and ends at a finer level.
        """
        level = _coarse_to_fine(image, unknown, _UNKNOWN_PIXELS[best], _ROUNDS[best])
        level.harmonise()
        return cls(level.rows, level.columns, level.picture, unknown)

    def copied(self, image: Image) -> FloatArray:
        """(H, W, 3) float32: the picture with its unknown pixels filled.

        The small copy gives the colors, which agree across patch borders; only the finer detail is
        copied from the sources, four neighbouring offsets blended, so that no patch border shows.
        """
        height, width = self.unknown.shape
        rows, columns = np.nonzero(self.unknown)
        small_rows, small_columns = self.rows.shape
        y = (rows + 0.5) * (small_rows / height) - 0.5
        x = (columns + 0.5) * (small_columns / width) - 0.5
        top, left = np.floor(y).astype(int), np.floor(x).astype(int)
        base = np.asarray(
            cv2.resize(self.picture, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
        )
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
    """The finest level of the search, which has about so many unknown pixels."""
    height, width = unknown.shape
    scale = min(1.0, (pixels / max(1, int(unknown.sum()))) ** 0.5)
    scale = max(scale, min(1.0, 2 * _COARSEST / min(height, width)))
    scales = [scale]
    while scales[0] / 1.7 * min(height, width) > _COARSEST:
        scales.insert(0, scales[0] / 1.7)
    generator = np.random.default_rng(0)
    level = PatchLevel(image, unknown, scales[0], generator)
    level.start_from(None)
    level.minimise(rounds[0])
    for value in scales[1:]:
        finer = PatchLevel(image, unknown, value, generator)
        finer.start_from(level)
        finer.minimise(rounds[1])
        level = finer
    return level

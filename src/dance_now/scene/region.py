"""Working on a part of a picture only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Box:
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right``, the ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index for an (H, W, ...) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left


def bounding_box(mask: npt.NDArray[np.bool_], margin: float = 0.0, extra: int = 0) -> Box | None:
    """The smallest box around the set pixels of an (H, W) mask, or None if there are none.

    ``margin`` widens it on each side by a share of its longer side, ``extra`` by pixels; it stays inside.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    more = extra + round(margin * max(bottom - top, right - left))
    height, width = mask.shape
    return Box(max(0, top - more), min(height, bottom + more), max(0, left - more), min(width, right + more))

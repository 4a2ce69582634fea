"""Affine maps for OpenCV's warps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def between_pixel_centres(matrix: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """A (2, 3) affine map as OpenCV's warps want it.

    OpenCV's (0, 0) is the centre of the first pixel; ours is its outer corner.
    """
    moved = np.array(matrix, np.float64)
    moved[:, 2] += moved[:, :2].sum(axis=1) * 0.5 - 0.5
    return moved

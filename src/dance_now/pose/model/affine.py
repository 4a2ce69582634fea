"""Affine matrices in OpenCV's pixel convention."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def to_opencv_affine(matrix: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Converts a (2, 3) affine matrix to OpenCV's pixel convention, for ``cv2.warpAffine``.

    OpenCV's (0, 0) is the centre of the first pixel; ours is its outer corner.
    """
    moved = np.array(matrix, np.float64)
    moved[:, 2] += moved[:, :2].sum(axis=1) * 0.5 - 0.5
    return moved

"""Vector algebra for small batches, where NumPy's general functions are mostly overhead."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_SKEW: Final = np.zeros((3, 3, 3))
_SKEW[0, 2, 1] = _SKEW[1, 0, 2] = _SKEW[2, 1, 0] = 1.0
_SKEW[0, 1, 2] = _SKEW[1, 2, 0] = _SKEW[2, 0, 1] = -1.0
_SKEW_ROWS: Final = _SKEW.reshape(3, 9)
_IDENTITY: Final = np.eye(3)


def quantile(values: npt.NDArray[Any], share: float) -> float:
    """Quantile of at least one number, as ``np.quantile`` in a tenth of its time."""
    ordered = np.sort(values, axis=None)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def skew(vectors: npt.NDArray[Any]) -> Array:
    """Skew-symmetric cross-product matrices (..., 3, 3) of vectors (..., 3)."""
    result: Array = (vectors @ _SKEW_ROWS).reshape(*vectors.shape, 3)
    return result


def unskew(matrices: npt.NDArray[Any]) -> Array:
    """Twice the vectors (..., 3) of the skew-symmetric parts of matrices (..., 3, 3), see ``skew``."""
    result: Array = matrices.reshape(*matrices.shape[:-2], 9) @ _SKEW_ROWS.T
    return result


def cross(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> Array:
    """Cross products (..., 3); ``first`` has all the leading axes, or neither has any more."""
    result: Array = (skew(first) @ second[..., None])[..., 0]
    return result


def length(vectors: npt.NDArray[Any]) -> Array:
    """Euclidean lengths (..., 1)."""
    result: Array = np.sqrt(np.add.reduce(vectors * vectors, axis=-1, keepdims=True))
    return result


def normalised(vectors: npt.NDArray[Any]) -> Array:
    """Normalises vectors (..., 3) to length 1; a vector of length 0 stays 0."""
    result: Array = vectors / np.maximum(length(vectors), 1e-8)
    return result


def basis(x_axis: npt.NDArray[Any], towards_y: npt.NDArray[Any]) -> Array:
    """Orthonormal bases (..., 3, 3) with columns x, y, z, as ``dance_now.pose.model.bone_rule.basis``."""
    x = normalised(x_axis)
    z = normalised(cross(x, towards_y))
    axes = np.empty((*z.shape, 3))
    axes[..., 0], axes[..., 1], axes[..., 2] = x, cross(z, x), z
    return axes


def swing_rotation(start: npt.NDArray[Any], end: npt.NDArray[Any]) -> Array:
    """Smallest rotations (..., 3, 3) between unit vectors, as ``bone_rule.swing_rotation``."""
    w = np.maximum(1 + np.einsum("...i,...i->...", start, end), 1e-6)[..., None, None]
    turn = skew(cross(start, end))
    square = turn @ turn
    # the trace of a skew matrix' square is minus twice its vector's squared length
    norm = w * w - np.einsum("...ii->...", square)[..., None, None] / 2
    result: Array = _IDENTITY + (2 / norm) * (w * turn + square)
    return result

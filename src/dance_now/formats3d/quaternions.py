"""Conversion between rotation matrices and quaternions x, y, z, w (glTF's component order)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def quaternion_matrices(quaternions: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rotation matrices (..., 3, 3) of quaternions (..., 4) of any non-zero length.

    Raises:
        ValueError: a quaternion of length 0.
    """
    length = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    if not (length > 1e-9).all():
        raise ValueError("a rotation has no length")
    x, y, z, w = np.moveaxis(quaternions / length, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def slerp(low: npt.NDArray[Any], high: npt.NDArray[Any], share: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Spherical linear interpolation (n, 4) of unit quaternions (n, 4) along the shorter arc, by shares (n,).

    Source: Shoemake, "Animating Rotation with Quaternion Curves", SIGGRAPH 1985.
    """
    cosine = (low * high).sum(axis=1)
    high = np.where(cosine[:, None] < 0, -high, high)
    angle = np.arccos(np.clip(np.abs(cosine), 0, 1))
    sine = np.sin(angle)
    near = sine < 1e-6
    safe = np.where(near, 1.0, sine)
    start = np.where(near, 1 - share, np.sin((1 - share) * angle) / safe)
    end = np.where(near, share, np.sin(share * angle) / safe)
    mixed: npt.NDArray[Any] = low * start[:, None] + high * end[:, None]
    return mixed


def matrix_quaternions(rotations: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Unit quaternions (..., 4) of rotation matrices (..., 3, 3); the sign is arbitrary."""
    diagonal = np.diagonal(rotations, axis1=-2, axis2=-1)
    trace = diagonal.sum(axis=-1)
    # Four times each squared component; dividing by the largest loses no precision (Shepperd's method).
    squares = np.concatenate([1 + 2 * diagonal - trace[..., None], 1 + trace[..., None]], axis=-1)
    r = rotations
    products = np.stack(
        [
            np.stack(
                [
                    squares[..., 0],
                    r[..., 0, 1] + r[..., 1, 0],
                    r[..., 0, 2] + r[..., 2, 0],
                    r[..., 2, 1] - r[..., 1, 2],
                ],
                axis=-1,
            ),
            np.stack(
                [
                    r[..., 0, 1] + r[..., 1, 0],
                    squares[..., 1],
                    r[..., 1, 2] + r[..., 2, 1],
                    r[..., 0, 2] - r[..., 2, 0],
                ],
                axis=-1,
            ),
            np.stack(
                [
                    r[..., 0, 2] + r[..., 2, 0],
                    r[..., 1, 2] + r[..., 2, 1],
                    squares[..., 2],
                    r[..., 1, 0] - r[..., 0, 1],
                ],
                axis=-1,
            ),
            np.stack(
                [
                    r[..., 2, 1] - r[..., 1, 2],
                    r[..., 0, 2] - r[..., 2, 0],
                    r[..., 1, 0] - r[..., 0, 1],
                    squares[..., 3],
                ],
                axis=-1,
            ),
        ],
        axis=-2,
    )
    best = squares.argmax(axis=-1)
    chosen = np.take_along_axis(products, best[..., None, None], axis=-2)[..., 0, :]
    return chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)

"""Quaternions of rotation matrices (Shepperd's method, 1978)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def rotation_quaternions(rotations: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Unit quaternions x, y, z, w (..., 4) of rotation matrices (..., 3, 3); w is not negative."""
    r = np.moveaxis(rotations, (-2, -1), (0, 1))
    # Four times the products of each pair of components; the row with the largest square loses no precision.
    products = np.empty((4, 4, *rotations.shape[:-2]))
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        products[i, i] = 1 + r[i, i] - r[j, j] - r[k, k]
        products[i, j] = products[j, i] = r[i, j] + r[j, i]
        products[i, 3] = products[3, i] = r[k, j] - r[j, k]
    products[3, 3] = 1 + r[0, 0] + r[1, 1] + r[2, 2]
    squares = np.stack([products[i, i] for i in range(4)])
    best = squares.argmax(axis=0)
    chosen = np.take_along_axis(products, best[None, None], axis=0)[0]
    quaternions = np.moveaxis(chosen, 0, -1)
    quaternions = quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)
    return np.where(quaternions[..., 3:] < 0, -quaternions, quaternions)

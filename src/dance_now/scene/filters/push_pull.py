"""Push-pull filling of gaps over an image pyramid.

Source: Gortler, Grzeszczuk, Szeliski and Cohen, "The Lumigraph" (SIGGRAPH 1996), section 3.4 (pull-push).
"""

from __future__ import annotations

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray

_SMALLEST = 2
_RELAXATIONS = 3  # towards a membrane: without them the fill falls to the average right behind the rim
_TINY = np.float32(1e-6)


def push_pull(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Interpolates known values smoothly into unknown pixels.

    Args:
        values: (H, W, C) float32; ignored where ``weight`` is 0.
        weight: (H, W) float32 in [0, 1]: how well each value is known.

    Returns:
        (H, W, C) float32: ``values`` where known, a smooth continuation elsewhere; 0 if nothing is known.
    """
    sums = [np.ascontiguousarray(np.dstack([values * weight[..., None], weight]), np.float32)]
    while min(sums[-1].shape[:2]) > _SMALLEST:
        smaller = np.asarray(cv2.pyrDown(sums[-1]), np.float32)
        # A coarse pixel counts as known once a quarter of it is: gaps then close level by level.
        gain = np.minimum(np.float32(4), 1 / np.maximum(smaller[..., -1:], _TINY))
        sums.append(smaller * gain)
    filled: FloatArray = np.divide(
        sums[-1][..., :-1], np.maximum(sums[-1][..., -1:], _TINY), dtype=np.float32
    )
    for level in reversed(sums[:-1]):
        height, width = level.shape[:2]
        coarse = np.asarray(cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
        coarse = coarse.reshape(height, width, -1)
        known = np.minimum(level[..., -1:], 1)
        filled = level[..., :-1] + coarse * (1 - known)
        for _ in range(_RELAXATIONS):
            smooth = np.asarray(cv2.blur(filled, (3, 3)), np.float32).reshape(filled.shape)
            filled = level[..., :-1] + smooth * (1 - known)
    return np.asarray(filled, np.float32)

"""sRGB transfer function (IEC 61966-2-1), exact in both directions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray


def srgb_to_linear(encoded: npt.ArrayLike) -> FloatArray:
    """Decodes sRGB values in [0, 1] to linear light."""
    values = np.asarray(encoded, np.float64)
    linear = np.where(values <= 0.04045, values / 12.92, ((np.maximum(values, 0) + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def linear_to_srgb(linear: npt.ArrayLike) -> FloatArray:
    """Encodes linear light, clipped to [0, 1], as sRGB in [0, 1]."""
    values = np.clip(np.asarray(linear, np.float64), 0, 1)
    encoded = np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)
    return encoded.astype(np.float32)


DECODE_TABLE = srgb_to_linear(np.arange(256) / 255)
"""Lookup table, (256,) float32: linear light of each uint8 sRGB value."""

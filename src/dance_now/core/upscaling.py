"""Upscaling without ringing: cubic interpolation, clamped unsharp mask, steepened alpha."""

from __future__ import annotations

from math import ceil
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import Image

_STRENGTH: Final = 0.8  # of the unsharp mask
_REACH: Final = 0.55  # of a pixel of the original: half the width of what the mask averages


def upscale(premultiplied: Image, size: tuple[int, int]) -> Image:
    """Upscales a premultiplied image.

    Cubic interpolation, then an unsharp mask clamped to the range of the neighbourhood, so that lines get
    steeper but no bright or dark rim grows beside them; alpha, which scaling makes a wide ramp,
    is made as steep as an edge drawn at this size.

    Args:
        premultiplied: (h, w, 4) uint8 RGBA, colors multiplied by alpha.
        size: (width, height), each at least the image's.

    Returns:
        (height, width, 4) uint8, premultiplied.
    """
    scale = max(size[0] / premultiplied.shape[1], size[1] / premultiplied.shape[0])
    side = 2 * ceil(_REACH * scale) + 1
    around = np.ones((side, side), np.uint8)
    crisp = cv2.resize(premultiplied, size, interpolation=cv2.INTER_LINEAR)
    low, high = cv2.erode(crisp, around), cv2.dilate(crisp, around)
    # Large images are reused rather than allocated: fresh memory costs more than the filters.
    cv2.resize(premultiplied, size, dst=crisp, interpolation=cv2.INTER_CUBIC)
    # Alpha saturates where colors overshoot: without this, edges change their color.
    cv2.max(cv2.min(crisp, high, dst=crisp), low, dst=crisp)
    spare = cv2.blur(crisp, (side, side))
    cv2.addWeighted(crisp, 1 + _STRENGTH, spare, -_STRENGTH, 0, dst=crisp)
    cv2.max(cv2.min(crisp, high, dst=crisp), low, dst=crisp)
    cv2.cvtColor(crisp, cv2.COLOR_mRGBA2RGBA, dst=spare)
    cv2.insertChannel(cv2.LUT(cv2.extractChannel(crisp, 3), _sharpen_alpha_table(scale)), spare, 3)
    return np.asarray(cv2.cvtColor(spare, cv2.COLOR_RGBA2mRGBA, dst=crisp), np.uint8)


def _sharpen_alpha_table(scale: float) -> Image:
    """Lookup table (256,): smooth step around a half, as wide as a pixel before upscaling."""
    ramp = np.clip((np.arange(256) / 255 - 0.5) * scale + 0.5, 0, 1)
    return np.rint(255 * ramp * ramp * (3 - 2 * ramp)).astype(np.uint8)

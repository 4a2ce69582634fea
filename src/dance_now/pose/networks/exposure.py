"""Exposure correction: a linear stretch of underexposed frames, in which networks see nothing."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import Image

_STEP: Final = 12  # pixels between the samples of a frame's brightness
_BRIGHT: Final = 99.0  # percentile that counts as the brightest level: a lamp may be brighter
_DARK: Final = 64  # brightest level of a frame that is stretched
_TARGET: Final = 200.0  # its brightest level afterwards
_MAX_GAIN: Final = 50.0


def stretch_dark(image: Image) -> Image:
    """Stretches the levels of a dark frame linearly; others are returned as they are.

    Args:
        image: (H, W, 3) uint8 RGB; it is not written to.
    """
    sample = image[::_STEP, ::_STEP]
    if np.count_nonzero(sample >= _DARK) > (1 - _BRIGHT / 100) * sample.size:
        return image
    brightest = float(np.percentile(sample, _BRIGHT))
    gain = min(_TARGET / max(brightest, 1.0), _MAX_GAIN)
    return np.asarray(cv2.convertScaleAbs(image, alpha=gain), np.uint8)

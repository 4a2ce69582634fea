"""Closed-form matting by the optional package pymatting.

Source: Levin, Lischinski and Weiss, "A Closed-Form Solution to Natural Image Matting" (TPAMI 2008).
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from functools import partial
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.scene.filters.region import bounding_box

PACKAGE: Final = "pymatting"

_logger = logging.getLogger(__name__)
_IN_DOUBT: Final = 0.006  # of the person's longer side: half width of the unknown band along the outline
_SHIFTS: Final = (0.01, 0.1, 1.0)  # of the diagonal, tried in turn by the preconditioner
_FEWEST: Final = 8  # pixels of definite foreground and background: below, the problem is not determined


def is_installed() -> bool:
    """Tests whether pymatting is installed."""
    return importlib.util.find_spec(PACKAGE) is not None


def closed_form(matte: FloatArray, coarse: FloatArray, image: Image) -> FloatArray:
    """Solves for the alpha along a matte's outline: finer hair, softer edges. Takes half a second.

    Args:
        matte: (h, w) float32 in [0, 1].
        coarse: (h, w) float32 in [0, 1]: the mask that the matte was made from.
        image: (h, w, 3) uint8 RGB.

    Returns:
        (h, w) float32 in [0, 1]; the matte itself where pymatting is not installed or finds no solution.
    """
    box = bounding_box(matte > 0, margin=0.1, extra=4)
    if box is None or not is_installed():
        return matte
    trimap = _trimap(matte[box.slices], coarse[box.slices])
    if min(np.count_nonzero(trimap == 0), np.count_nonzero(trimap == 1)) < _FEWEST:
        return matte
    try:
        package = importlib.import_module(PACKAGE)
        # Without shifts it prints where it fails, to standard output, which may be where frames go.
        precondition = partial(package.ichol, shifts=_SHIFTS)
        alpha = package.estimate_alpha_cf(image[box.slices] / 255.0, trimap, preconditioner=precondition)
    except (ImportError, ValueError, RuntimeError) as error:
        _logger.warning("closed-form matting failed (%s): the guided filter's matte is taken", error)
        return matte
    result = matte.copy()
    result[box.slices] = np.clip(alpha, 0, 1)
    return result


def _trimap(matte: FloatArray, coarse: FloatArray) -> FloatArray:
    """Trimap (h, w) float64: 0 background, 1 foreground, 0.5 unknown."""
    reach = max(2, round(_IN_DOUBT * max(matte.shape)))
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    some = cv2.dilate(((matte > 0.05) | (coarse > 0.3)).astype(np.uint8), square)
    sure = cv2.erode(((matte > 0.95) & (coarse > 0.5)).astype(np.uint8), square)
    return np.asarray(np.where(sure > 0, 1.0, np.where(some > 0, 0.5, 0.0)), np.float64)

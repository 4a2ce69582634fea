"""Guided filter: refines a coarse mask along image edges.

Source: He, Sun and Tang, "Guided Image Filtering" (ECCV 2010, TPAMI 2013), color guide; He and Sun, "Fast
Guided Filter" (arXiv 1505.00996), which solves the local linear models at a reduced size.
"""

from __future__ import annotations

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.scene.filters.region import bounding_box

_WORK_HEIGHT = 128  # rows of the person at which the linear models are solved
_RADIUS_SHARE = 0.05  # window radius as a share of the person's height
_EPSILON = 4e-4  # variance of the guide (in [0, 1]) below which a window counts as flat
_LOW, _HIGH = 0.35, 0.65  # refined values that become 0 and 1


def refine_mask(alpha: FloatArray, image: Image) -> FloatArray:
    """Refines a coarse person mask along the edges of the image.

    Args:
        alpha: (H, W) float32 in [0, 1]: a mask, a few pixels off at most.
        image: (H, W, 3) uint8 RGB.

    Returns:
        (H, W) float32 in [0, 1]: 0 and 1 away from the outline.
    """
    result = np.zeros_like(alpha)
    box = bounding_box(alpha > 0.05, margin=0.08)
    if box is None:
        return result
    mask, guide = alpha[box.slices], image[box.slices]
    height, width = mask.shape
    scale = min(1.0, _WORK_HEIGHT / max(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    model = _linear_models(
        np.asarray(cv2.resize(guide, small, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255),
        np.asarray(cv2.resize(mask, small, interpolation=cv2.INTER_AREA), np.float32),
        max(2, round(_RADIUS_SHARE * max(small))),
    )
    model = np.asarray(cv2.resize(model, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    refined = _sharpened(_evaluated(model, guide))
    # Where the mask itself is confident, it is kept: the models only decide along the outline.
    result[box.slices] = np.clip(refined, 8 * mask - np.float32(6.8), 8 * mask - np.float32(0.2))
    return np.clip(result, 0, 1, out=result)


def _linear_models(guide: FloatArray, mask: FloatArray, radius: int) -> FloatArray:
    """Local linear models (h, w, 4): per pixel the coefficients of red, green, blue and 1."""
    window = (2 * radius + 1, 2 * radius + 1)
    red, green, blue = cv2.split(guide)
    first = cv2.merge([red, green, blue, mask])
    second = cv2.merge([red * mask, green * mask, blue * mask, red * red, red * green, red * blue])
    third = cv2.merge([green * green, green * blue, blue * blue])
    mean_r, mean_g, mean_b, mean_mask = cv2.split(cv2.blur(first, window))
    mask_r, mask_g, mask_b, rr, rg, rb = cv2.split(cv2.blur(second, window))
    gg, gb, bb = cv2.split(cv2.blur(third, window))
    rr, rg, rb = rr - mean_r * mean_r + _EPSILON, rg - mean_r * mean_g, rb - mean_r * mean_b
    gg, gb, bb = gg - mean_g * mean_g + _EPSILON, gb - mean_g * mean_b, bb - mean_b * mean_b + _EPSILON
    # The inverse of a symmetric 3x3 matrix by its adjugate.
    i_rr, i_rg, i_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * i_rr + rg * i_rg + rb * i_rb
    x, y, z = mask_r - mean_r * mean_mask, mask_g - mean_g * mean_mask, mask_b - mean_b * mean_mask
    slope_r = (i_rr * x + i_rg * y + i_rb * z) / determinant
    slope_g = (i_rg * x + i_gg * y + i_gb * z) / determinant
    slope_b = (i_rb * x + i_gb * y + i_bb * z) / determinant
    offset = mean_mask - slope_r * mean_r - slope_g * mean_g - slope_b * mean_b
    model = cv2.merge([slope_r, slope_g, slope_b, offset])
    return np.asarray(cv2.blur(model, window), np.float32)


def _evaluated(model: FloatArray, guide: Image) -> FloatArray:
    # A uint8 guide times float models, channel by channel: no float copy of the image is made.
    *slopes, total = cv2.split(model)
    for slope, channel in zip(slopes, cv2.split(guide), strict=True):
        cv2.add(total, cv2.multiply(slope, channel, dst=slope, scale=1 / 255, dtype=cv2.CV_32F), dst=total)
    return np.asarray(total, np.float32)


def _sharpened(alpha: FloatArray) -> FloatArray:
    step = np.clip((alpha - np.float32(_LOW)) / np.float32(_HIGH - _LOW), 0, 1)
    return np.asarray(step * step * (3 - 2 * step), np.float32)

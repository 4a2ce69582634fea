"""Transparency of the source: kept around the people who are removed, continued where they were."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.scene.filters.push_pull import push_pull

_SIDE: Final = 320  # pixels of the longer side at which the gap is filled
_FREE: Final = 8  # of the hole's 255 levels: below, the source's own alpha counts


def background_alpha(alpha: Image, hole: Image | None) -> Image:
    """Alpha of the scene without the people, by push-pull from around them.

    Args:
        alpha: (H, W) uint8 of the source.
        hole: (H, W) uint8: 255 where people are removed; None where nobody is.
    """
    if hole is None or not hole.any():
        return alpha
    height, width = alpha.shape
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    values = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    gap = cv2.resize(hole, size, interpolation=cv2.INTER_AREA)
    filled = push_pull(values[..., None], (gap < _FREE).astype(np.float32))[..., 0]
    behind = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
    share = hole.astype(np.float32) / 255
    return np.rint(np.clip(alpha + (behind - alpha) * share, 0, 255)).astype(np.uint8)


def premultiplied(picture: Image, alpha: Image) -> Image:
    """Takes an image apart that was composited over white.

    Args:
        picture: (H, W, 3) uint8 RGB, over white.
        alpha: (H, W) uint8.

    Returns:
        (H, W, 4) uint8 RGBA, premultiplied.
    """
    white = cv2.bitwise_not(alpha)
    color = cv2.subtract(picture, cv2.merge([white] * 3))
    return np.dstack([np.minimum(color, alpha[..., None]), alpha])

"""Inpainting: smooth push-pull filling for video frames, PatchMatch texture synthesis for photos.

Sources: push-pull (see ``filters.push_pull``) for color; for texture, patches of the same image found by
PatchMatch (Barnes et al., SIGGRAPH 2009) under the coherence objective of Wexler, Shechtman and Irani
("Space-Time Completion of Video", TPAMI 2007), searched at a small size and copied at full size.
"""

from __future__ import annotations

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.scene.background.patch_search import PatchField
from dance_now.scene.filters.push_pull import push_pull
from dance_now.scene.filters.region import Box, bounding_box

_SMOOTH_PIXELS = 60_000  # a smooth fill needs no more than this many pixels
_SEEN = 0.02  # hole values above this count as unknown


def inpaint_smooth(image: Image, hole: FloatArray, seed: int = 0) -> Image:
    """Inpaints a hole smoothly from the surrounding colors, with matching grain; stable over time.

    Args:
        image: (H, W, 3) uint8 RGB.
        hole: (H, W) float32 in [0, 1]; values between blend.
        seed: of the grain.

    Returns:
        (H, W, 3) uint8: the image to the bit where ``hole`` is 0.
    """
    box = bounding_box(hole > 0, margin=0.35, extra=8)
    if box is None:
        return image.copy()
    part, gap = image[box.slices], hole[box.slices]
    scale = min(1.0, (_SMOOTH_PIXELS / gap.size) ** 0.5)
    size = (max(2, round(box.width * scale)), max(2, round(box.height * scale)))
    known = (gap <= _SEEN).astype(np.float32)
    weight = np.asarray(cv2.resize(known, size, interpolation=cv2.INTER_AREA), np.float32)
    weight[weight < 0.999] = 0
    colors = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.float32)
    fill = cv2.resize(push_pull(colors, weight), (box.width, box.height), interpolation=cv2.INTER_LINEAR)
    filled = np.asarray(fill, np.float32) + _grain(part, known, seed)
    return _blended(image, filled, gap, box)


def inpaint_texture(image: Image, hole: FloatArray, *, best: bool = False) -> Image:
    """Inpaints a hole with patches of the same image; arguments and result as ``inpaint_smooth``.

    Takes many times longer and may flicker from frame to frame: for photos and clean plates. ``best`` takes
    four times as long and resolves finer detail.
    """
    box = bounding_box(hole > 0, margin=0.5, extra=16)
    if box is None:
        return image.copy()
    part, gap = image[box.slices], hole[box.slices]
    unknown = gap > _SEEN
    if unknown.mean() > 0.9:  # nothing around it to copy from
        return inpaint_smooth(image, hole)
    field = PatchField.search(part, unknown, best=best)
    return _blended(image, field.synthesize(part), gap, box)


def _grain(part: Image, known: FloatArray, seed: int) -> FloatArray:
    """Grain (h, w, 1): noise as strong as the fine detail that surrounds the hole, at most five levels."""
    grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), np.float32)
    detail = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.0))[known > 0]
    strength = min(5.0, 1.25 * float(np.median(detail))) if detail.size else 0.0
    noise = np.random.default_rng(seed).standard_normal(grey.shape, np.float32)
    return noise[..., None] * np.float32(strength)


def _blended(image: Image, filled: FloatArray, gap: FloatArray, box: Box) -> Image:
    result = image.copy()
    part, inside = result[box.slices], gap > 0
    before = part[inside]
    mixed = before + (np.clip(filled[inside], 0, 255) - before) * gap[inside, None]
    part[inside] = np.rint(mixed).astype(np.uint8)
    return result

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
_STREAM_PIXELS = 10_000  # of a live stream's fill
_STREAM_GRAIN = 2.0  # grey levels
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


class StreamInpainting:
    """Inpaints holes of a stream's frames smoothly, as ``inpaint_smooth`` does, in a fifth of its time.

    The fill is computed at a smaller size, and the grain comes from one noise pattern.
    """

    def __init__(self) -> None:
        nothing = np.zeros((0, 0, 3), np.uint8)
        self._grain = nothing, nothing

    def __call__(self, image: Image, hole: Image) -> Image:
        """Inpaints one frame.

        Args:
            image: (H, W, 3) uint8 RGB.
            hole: (H, W) uint8; values between 0 and 255 blend.

        Returns:
            (H, W, 3) uint8: the image to the bit where ``hole`` is 0.
        """
        left, top, width, height = cv2.boundingRect(hole)
        if width == 0:
            return image.copy()
        extra = round(0.2 * max(width, height)) + 8
        box = Box(top - extra, top + height + extra, left - extra, left + width + extra)
        box &= Box(0, hole.shape[0], 0, hole.shape[1])
        part, gap = image[box.slices], hole[box.slices]
        scale = min(1.0, (_STREAM_PIXELS / gap.size) ** 0.5)
        size = (max(2, round(box.width * scale)), max(2, round(box.height * scale)))
        seen = cv2.resize(np.where(gap == 0, 255, 0).astype(np.uint8), size, interpolation=cv2.INTER_AREA)
        weight = (np.asarray(seen) == 255).astype(np.float32)
        colors = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.float32)
        fill = np.clip(push_pull(colors, weight), 0, 255).astype(np.uint8)
        filled = cv2.resize(fill, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
        more, less = self._noise(image)
        filled = cv2.subtract(cv2.add(filled, more[box.slices]), less[box.slices])
        result = image.copy()
        share = cv2.merge([gap] * 3)
        above = cv2.multiply(filled, share, scale=1 / 255)
        below = cv2.multiply(part, cv2.bitwise_not(share), scale=1 / 255)
        result[box.slices] = cv2.add(above, below)
        return result

    def _noise(self, image: Image) -> tuple[Image, Image]:
        """What grain adds to and takes from every pixel of an image, the same in every frame."""
        if self._grain[0].shape != image.shape:
            noise = np.random.default_rng(0).standard_normal(image.shape[:2], np.float32) * _STREAM_GRAIN
            more, less = (np.clip(np.rint(part), 0, 255).astype(np.uint8) for part in (noise, -noise))
            self._grain = cv2.merge([more] * 3), cv2.merge([less] * 3)
        return self._grain


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

"""Loose parts of a person beyond a network's mask: flying hair, scarves, wide skirts.

Masks of 256 pixels are trained on bodies and leave out what swings. Where the scene behind is not known,
colors tell it: what is connected to the person, has the colors of the person's outline and not those of the
scene around, belongs to the person. Where both share colors, nothing is added.
Source: the color models of Boykov and Jolly, "Interactive Graph Cuts" (ICCV 2001), as histograms.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.scene.filters.region import Box, bounding_box, dilate

_ROWS: Final = 192  # of the person, at which parts are searched
_BAND: Final = 0.3  # of the person's size: how far parts reach
_AROUND: Final = 0.3  # of the size: the scene around that band
_OUTLINE: Final = 0.05  # of the size: depth of the outline whose colors parts have
_SURE: Final = 0.8  # coarse mask
_SOME: Final = 0.3
_BINS: Final = 16  # of each channel
_SPREAD: Final = 0.7  # bins: deviation that histograms are blurred with
_HEAD: Final = 0.2  # of the outline's height
_UNSEEN: Final = 2e-5  # share of colors that neither has: they are the scene's
_LIKELY: Final = 0.65  # probability of the person's color
_LEAST_SAMPLES: Final = 200
_LARGEST: Final = 0.25  # of the person's area, for all parts together
_SMALLEST: Final = 0.002  # of the person's area, for one


def loose_parts(coarse: FloatArray, image: Image, size: float) -> Image:
    """Detects what hangs on people beyond their coarse mask.

    Args:
        coarse: (h, w) float32 in [0, 1]: mask of the people.
        image: (h, w, 3) uint8 RGB.
        size: how tall the people are in pixels.

    Returns:
        (h, w) uint8: 255 on loose parts, 0 elsewhere.
    """
    parts = np.zeros(coarse.shape, np.uint8)
    box = bounding_box(coarse > _SOME, extra=round((_BAND + _AROUND) * size))
    if box is None or size < 2:
        return parts
    scale = min(1.0, _ROWS / size)
    shape = (max(1, round(box.width * scale)), max(1, round(box.height * scale)))
    mask = np.asarray(cv2.resize(coarse[box.slices], shape, interpolation=cv2.INTER_AREA), np.float32)
    small = np.asarray(cv2.resize(image[box.slices], shape, interpolation=cv2.INTER_AREA), np.uint8)
    found = _search(mask, small, size * scale)
    parts[box.slices] = _enlarged(found, box)
    return parts


def _search(mask: FloatArray, image: Image, size: float) -> BoolArray:
    """Mask (h, w) of loose parts at the reduced size."""
    nothing = np.zeros(mask.shape, np.bool_)
    person = (mask > _SOME).astype(np.uint8) * 255
    band = dilate(person, _BAND * size) > 0
    outline = (mask > _SURE) & (dilate(255 - person, _OUTLINE * size) > 0)
    around = ~band
    if min(np.count_nonzero(outline), np.count_nonzero(around)) < _LEAST_SAMPLES:
        return nothing
    likely = _likelihood(image, _by_height(outline), around)
    chosen = ((likely > _LIKELY) & band | (person > 0)).astype(np.uint8)
    chosen = np.asarray(cv2.morphologyEx(chosen, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    count, labels = cv2.connectedComponents(chosen, connectivity=4)
    touching = np.zeros(count, np.bool_)
    touching[np.unique(labels[(person > 0) & (chosen > 0)])] = True
    touching[0] = False
    found = touching[labels] & (person == 0)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    area = np.count_nonzero(person)
    large = statistics[:, cv2.CC_STAT_AREA] >= max(_SMALLEST * area, 4)
    large[0] = False
    found = large[labels]
    return found if np.count_nonzero(found) <= _LARGEST * area else nothing


def _by_height(outline: BoolArray) -> list[BoolArray]:
    """The outline's upper part, of head and hair, and the rest: each has colors of its own."""
    rows = np.flatnonzero(outline.any(axis=1))
    split = int(rows[0] + _HEAD * (rows[-1] - rows[0]))
    head, rest = outline.copy(), outline.copy()
    head[split:], rest[:split] = False, False
    return [head, rest]


def _likelihood(image: Image, person: list[BoolArray], scene: BoolArray) -> FloatArray:
    """Probability (h, w) that a pixel's color is of a part of the person and not the scene's.

    Both are equally likely beforehand.
    """
    lab = cv2.cvtColor(cv2.GaussianBlur(image, (3, 3), 0), cv2.COLOR_RGB2Lab)
    bins = (lab.astype(np.int32) * _BINS) >> 8
    index = (bins[..., 0] * _BINS + bins[..., 1]) * _BINS + bins[..., 2]
    theirs = _histogram(index[scene]) + np.float32(_UNSEEN)
    ours = [_histogram(index[part]) for part in person if part.any()]
    share = np.maximum.reduce([each / (each + theirs) for each in ours])
    return np.asarray(cv2.blur(share[index], (3, 3)), np.float32)


def _histogram(index: npt.NDArray[np.int32]) -> FloatArray:
    counts = np.bincount(index, minlength=_BINS**3).astype(np.float32).reshape(_BINS, _BINS, _BINS)
    for _ in range(3):  # each axis once
        counts = np.moveaxis(_blurred(counts), 0, 2)
    return np.asarray(counts.ravel() / max(float(counts.sum()), 1.0), np.float32)


def _blurred(counts: FloatArray) -> FloatArray:
    """Blurs a cube along its first axis."""
    flat = counts.reshape(_BINS, -1)
    blurred = cv2.GaussianBlur(np.ascontiguousarray(flat), (1, 7), sigmaX=0, sigmaY=_SPREAD)
    return np.asarray(blurred, np.float32).reshape(counts.shape)


def _enlarged(found: BoolArray, box: Box) -> Image:
    whole = cv2.resize(found.astype(np.uint8) * 255, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.threshold(whole, 100, 255, cv2.THRESH_BINARY)[1], np.uint8)

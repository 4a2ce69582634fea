"""Difference matting at full size: alpha and colors of a person in front of a known scene.

Source: Smith and Blinn, "Blue Screen Matting" (SIGGRAPH 1996): with the scene's color B and the person's F
known, alpha is the share of F in each pixel. F is continued from the sure inside of the person.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.scene.background.camera_view import PlateView, max_channel_difference
from dance_now.scene.filters.push_pull import push_pull
from dance_now.scene.filters.region import Box, dilate

_AROUND: Final = 0.02  # of the box: around the coarse mask, what differs is the person
_AWAY: Final = 0.3  # of a component's area farther away, from which it is something else
_LIKELY: Final = 0.5  # coarse mask: below, what differs may be something else
_SURE, _SOME = 0.9, 0.35  # coarse mask: from here it is the person, whatever the difference; it may be
_BAND: Final = 0.005  # of the box: half width of the outline whose alpha is solved
_HOLE: Final = 0.0004  # of the box's area: smaller gaps inside a person are noise
_SMOOTH: Final = 0.002  # of the box: finer raggedness of an outline is noise
_SHADE: Final = (0.35, 1.02)  # brightness of a cast shadow, of the scene's
_GREYISH: Final = 0.03  # change of chromaticity that a shadow makes at most
_FAINT: Final = 12.0  # grey levels between F and B: less tells nothing


class Matte(NamedTuple):
    """Matte of a part of an image.

    Attributes:
        alpha: (h, w) float32 in [0, 1].
        colors: (h, w, 3) float32 in [0, 255], without the scene's share.
    """

    alpha: FloatArray
    colors: FloatArray


def difference_matte(image: Image, view: PlateView, coarse: FloatArray, box: Box) -> Matte:
    """Solves alpha and colors of a person.

    Args:
        image: (H, W, 3) uint8 RGB.
        view: the scene behind, in this image.
        coarse: (H, W) float32 in [0, 1]: the network's mask, accurate to a few pixels.
        box: the part to solve: the person with a margin.
    """
    part, behind, mask = image[box.slices], view.part(box), coarse[box.slices]
    inside = _silhouette(part, behind, mask, _full_size(view, image.shape, box))
    size = max(mask.shape)
    band = max(1, round(_BAND * size))
    square = np.ones((2 * band + 1, 2 * band + 1), np.uint8)
    sure = np.asarray(cv2.erode(inside, square), np.uint8)
    beyond = dilate(inside, band) == 0
    pixels, scene = part.astype(np.float32), behind.astype(np.float32)
    colors = push_pull(pixels, (sure > 0).astype(np.float32))
    away = colors - scene
    length = np.einsum("ijk,ijk->ij", away, away)
    share = np.einsum("ijk,ijk->ij", pixels - scene, away) / np.maximum(length, 1e-6)
    blurred = np.asarray(cv2.GaussianBlur(inside, (0, 0), 0.5 * band), np.float32) / 255
    trust = np.clip(length / _FAINT**2 - 1, 0, 1)
    alpha = np.clip(np.where(inside > 0, np.maximum(share, 0), share), 0, 1)
    alpha = blurred + trust * (alpha - blurred)
    alpha = np.where(sure > 0, 1.0, np.where(beyond, 0.0, alpha)).astype(np.float32)
    own = (pixels - (1 - alpha[..., None]) * scene) / np.maximum(alpha[..., None], 0.05)
    solid = np.clip(2 * alpha[..., None] - 1, 0, 1)  # thin parts of a mixture say little about its color
    colors = np.where(sure[..., None] > 0, pixels, colors + solid * (own - colors))
    return Matte(alpha, np.clip(colors, 0, 255).astype(np.float32))


def _full_size(view: PlateView, shape: tuple[int, ...], box: Box) -> tuple[FloatArray, FloatArray]:
    """Tolerance and known scene of a view in a box of the full image."""
    size = (shape[1], shape[0])
    tolerance = cv2.resize(view.tolerance, size, interpolation=cv2.INTER_LINEAR)[box.slices]
    known = cv2.resize(view.known, size, interpolation=cv2.INTER_NEAREST)[box.slices]
    return np.asarray(tolerance, np.float32), np.asarray(known, np.float32)


def _silhouette(part: Image, behind: Image, mask: FloatArray, scene: tuple[FloatArray, FloatArray]) -> Image:
    """Silhouette (h, w) uint8, 255 inside: what differs from the scene, connected to the mask."""
    tolerance, known = scene
    soft, plate = (np.asarray(cv2.GaussianBlur(each, (0, 0), 0.8), np.uint8) for each in (part, behind))
    differs = (max_channel_difference(soft, plate) > tolerance) & ~_shaded(soft, plate)
    differs = np.where(known > 0, differs, mask > 0.5)
    near = dilate(np.where(mask > _SOME, 255, 0).astype(np.uint8), _AROUND * max(mask.shape)) > 0
    differs &= near & ~_leading_away(differs & (mask < _LIKELY), near)
    found = np.where(differs | (mask > _SURE), 255, 0).astype(np.uint8)
    found = np.asarray(cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    count, labels = cv2.connectedComponents(found)
    wanted = np.zeros(count, np.bool_)
    wanted[labels[mask > _SURE]] = True
    wanted[0] = False
    result = np.where(wanted[labels], 255, 0).astype(np.uint8)
    result = _without_small_holes(result, _HOLE * mask.size)
    smooth = np.asarray(cv2.GaussianBlur(result, (0, 0), max(0.5, _SMOOTH * max(mask.shape))), np.uint8)
    return np.where(smooth > 127, 255, 0).astype(np.uint8)


def _leading_away(beside: BoolArray, near: BoolArray) -> BoolArray:
    """Components beside the mask that mostly lie farther away: a ball at a foot, another person."""
    count, labels = cv2.connectedComponents(beside.astype(np.uint8), connectivity=4)
    total = np.bincount(labels.ravel(), minlength=count)
    away = np.bincount(labels[~near], minlength=count)
    leading = away > _AWAY * total
    leading[0] = False
    result: BoolArray = leading[labels]
    return result


def _shaded(part: Image, behind: Image) -> BoolArray:
    """Where a pixel may be the scene in shade: darker, of the same chromaticity."""
    pixels, scene = part.astype(np.float32) + 1, behind.astype(np.float32) + 1
    total, below = pixels.sum(axis=2, keepdims=True), scene.sum(axis=2, keepdims=True)
    ratio = (total / below)[..., 0]
    change = np.abs(pixels / total - scene / below).max(axis=2)
    result: BoolArray = (ratio > _SHADE[0]) & (ratio < _SHADE[1]) & (change < _GREYISH)
    return result


def _without_small_holes(mask: Image, area: float) -> Image:
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(cv2.bitwise_not(mask), connectivity=4)
    small = statistics[:, cv2.CC_STAT_AREA] < area
    small[0] = False
    return np.where(small[labels], 255, mask).astype(np.uint8)

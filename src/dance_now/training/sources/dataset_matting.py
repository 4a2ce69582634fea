"""Matting of images without alpha: by a common background plate, a plain background, or the pose.

Images of one set mostly show the character before the same background: the plate is their median over the
pixels away from the character. Without such a background, the color of each image's border is tried, and else
the pose's outline is refined to the image's edges (guided filter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.pose.model.keypoints import BODY_LIMBS, LEFT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.scene.filters.guided_filter import refine_mask

Method = Literal["background", "rim", "outline"]

_TRUNK: Final = (2, 5, 12, 9)
_FEWEST_SAMPLES: Final = 3
_STEADY: Final = 8.0  # grey levels, largest median difference of a common background
_LEAST_DIFFERENCE: Final = 9.0  # grey levels
_EDGE: Final = 2  # pixels on either side of the outline with fractional alpha
_NOISE_QUANTILE: Final = 0.98
_RIM: Final = 6  # pixels
_SPECK: Final = 0.01  # of the figure's area: smaller separate components are dropped


@dataclass(frozen=True)
class _Reach:
    """Half widths of a zone around a figure: limbs in double trunk lengths, the head in ear distances."""

    limbs: float
    head: float


_FAR: Final = _Reach(0.2, 1.5)  # sure background beyond it
_LIKELY: Final = _Reach(0.09, 0.9)
_CORE: Final = _Reach(0.02, 0.25)  # sure foreground within it


@dataclass(frozen=True, eq=False)
class Matting:
    """Matting of the images of one set.

    Attributes:
        method: the cue that separates figure and background.
        plate: (H, W, 3) uint8 background plate, for ``method`` background.
        noise: grey levels of variation of the background between images.
    """

    method: Method
    plate: Image | None = None
    noise: float = 0.0

    @classmethod
    def of(cls, pictures: Sequence[Image], figures: Sequence[Pose], head: npt.NDArray[np.float64]) -> Matting:
        """Chooses a method from sample images of the set.

        Args:
            pictures: (H, W, 3) uint8 RGB of one size.
            figures: complete poses in them.
            head: (n,) frontal distance of the ears in each image, pixels.
        """
        placed = list(zip(pictures, figures, head.tolist(), strict=True))
        stack = np.stack(pictures)
        far, likely = (
            np.stack([~_zone(pose, ears, picture.shape, reach) for picture, pose, ears in placed])
            for reach in (_FAR, _LIKELY)
        )
        plate = _median_where(stack, far, likely)
        differences = _difference(stack, plate[None])
        if np.median(differences[far]) < _STEADY and far.any(axis=0).mean() > 0.5:
            return cls("background", plate, float(np.quantile(differences[far][::97], _NOISE_QUANTILE)))
        spreads = [
            np.ptp(np.quantile(_rim(picture), [0.1, 0.9], axis=0), axis=0).max() for picture in pictures
        ]
        if np.median(spreads) < _STEADY:
            return cls("rim", None, max(2.0, 2 * float(np.median(spreads))))
        return cls("outline")

    def __call__(self, picture: Image, figure: Pose, head: float) -> Image:
        """Mattes an image (H, W, 3) to straight RGBA (H, W, 4) uint8; arguments as of ``of``."""
        if self.method == "outline":
            coarse = _zone(figure, head, picture.shape, _LIKELY).astype(np.float32)
            alpha = refine_mask(np.asarray(cv2.GaussianBlur(coarse, (0, 0), 3), np.float32), picture)
            return np.dstack([picture, np.round(alpha * 255).astype(np.uint8)])
        behind = self.plate
        if behind is None:
            rim = np.median(_rim(picture), axis=0).astype(np.uint8)
            behind = np.broadcast_to(rim, picture.shape)
        difference = _difference(picture, behind)
        least = max(_LEAST_DIFFERENCE, 1.5 * self.noise)
        differs = (difference > least) & _zone(figure, head, picture.shape, _FAR)
        solid = _connected(differs, _zone(figure, head, picture.shape, _CORE))
        return _without(picture, behind, _soft_edge(solid, difference, least))


def has_alpha(picture: Image) -> bool:
    """Whether an image has an alpha channel that is not opaque everywhere."""
    return picture.shape[2] == 4 and bool((picture[..., 3] < 255).any())


def _zone(pose: Pose, ears: float, shape: tuple[int, ...], reach: _Reach) -> BoolArray:
    """Zone mask (H, W): lines along the limbs and a disk for the head; ``ears``: their distance in pixels."""
    canvas = np.zeros(shape[:2], np.uint8)
    points = np.clip(pose.points[:, :2].astype(np.float64), -4 * max(shape), 4 * max(shape))
    shown = pose.visible
    size = 2 * max(float(np.linalg.norm(points[1] - points[8])), 0.5 * ears, 8.0)
    thickness = max(1, round(2 * reach.limbs * size))
    pixels = np.round(points - 0.5).astype(int).tolist()
    for start, end in BODY_LIMBS:
        if shown[start] and shown[end]:
            cv2.line(canvas, pixels[start], pixels[end], 255, thickness)
    if reach is not _CORE:
        for row in np.flatnonzero(shown[LEFT_HAND.start :]) + LEFT_HAND.start:
            cv2.circle(canvas, pixels[row], thickness // 2, 255, -1)
    if shown[list(_TRUNK)].all():
        cv2.fillConvexPoly(canvas, cv2.convexHull(np.array([pixels[row] for row in _TRUNK], np.int32)), 255)
    if shown[[17, 18]].all():
        middle = np.round(points[[17, 18]].mean(axis=0)).astype(int).tolist()
        cv2.circle(canvas, middle, max(1, round(reach.head * ears)), 255, -1)
    return canvas > 0


def _median_where(stack: npt.NDArray[np.uint8], far: BoolArray, likely: BoolArray) -> Image:
    """Background plate (H, W, 3): per-pixel median of (n, H, W, 3) away from the figure.

    Pixels that no image shows are inpainted.
    """
    chosen = np.where((far.sum(axis=0) >= _FEWEST_SAMPLES)[None], far, likely)
    known: BoolArray = np.asarray(chosen.any(axis=0))
    result = np.zeros(stack.shape[1:], np.uint8)
    for row in range(stack.shape[1]):  # row by row: a copy of all in floats would be large
        values = stack[:, row].astype(np.float32)
        values[~chosen[:, row]] = np.nan
        values[:, ~known[row]] = 0
        result[row] = np.round(np.nanmedian(values, axis=0)).astype(np.uint8)
    if not known.all() and known.any():
        missing = np.where(known, 0, 255).astype(np.uint8)
        return np.asarray(cv2.inpaint(result, missing, 3, cv2.INPAINT_TELEA), np.uint8)
    return result


def _difference(picture: npt.NDArray[np.uint8], behind: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Largest channel difference, (..., H, W) uint8."""
    return np.abs(picture.astype(np.int16) - behind.astype(np.int16)).max(axis=-1).astype(np.uint8)


def _rim(picture: Image) -> Image:
    """Border pixels (n, 3) along sides and top; a cropped figure touches the bottom."""
    parts = (picture[:_RIM], picture[:, :_RIM], picture[:, -_RIM:])
    return np.concatenate([part.reshape(-1, 3) for part in parts])


def _connected(mask: BoolArray, core: BoolArray) -> BoolArray:
    """Components of a mask connected to the core, with small holes closed."""
    joined = (mask | core).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    touching = np.unique(labels[core & mask]) if (core & mask).any() else np.unique(labels[core])
    keep = np.zeros(count, np.bool_)
    keep[touching] = True
    keep[0] = False
    area = stats[keep, cv2.CC_STAT_AREA]
    keep &= stats[:, cv2.CC_STAT_AREA] > (_SPECK * area.max() if area.size else 0)
    solid = keep[labels]
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~solid).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 0.002 * solid.sum()
    small[0] = False
    result: BoolArray = solid | small[labels]
    return result


def _soft_edge(solid: BoolArray, difference: npt.NDArray[np.uint8], least: float) -> FloatArray:
    """Soft alpha (H, W): 1 inside, 0 outside, on the outline by the color difference."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _EDGE + 1, 2 * _EDGE + 1))
    outer = cv2.dilate(solid.astype(np.uint8), kernel) > 0
    inner = cv2.erode(solid.astype(np.uint8), kernel) > 0
    full = cv2.dilate(
        np.where(solid, difference, 0).astype(np.uint8), np.ones((2 * _EDGE + 3,) * 2, np.uint8)
    )
    floor = least / 3
    share = (difference - floor) / np.maximum(0.85 * full.astype(np.float32) - floor, 1.0)
    return np.where(inner, 1.0, np.where(outer, np.clip(share, 0, 1), 0.0)).astype(np.float32)


def _without(picture: Image, behind: Image, alpha: FloatArray) -> Image:
    """Foreground RGBA (H, W, 4) uint8, with the background's color removed from partial alpha."""
    share = np.maximum(alpha, 0.1)[..., None]
    color = (picture.astype(np.float32) - (1 - share) * behind) / share
    color = np.where(alpha[..., None] > 0, np.clip(color, 0, 255), 0)
    return np.dstack([np.round(color), np.round(alpha * 255)]).astype(np.uint8)

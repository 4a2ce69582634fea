"""Clean plates and their views: the scene without people, warped and exposed as in one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.scene.filters.reduction import reduced
from dance_now.scene.filters.region import Box

# Longer side in pixels of the reduced image in which people are segmented from the scene
WORK_SIZE: Final = 640

_STEP: Final = 8  # every eighth pixel of the reduced image is enough to compare exposures
_USABLE: Final = (24, 232)  # grey levels between which a ratio of brightness is meaningful
_LARGEST_GAIN: Final = 1.5
_NO_GAIN: Final = 1 / 512  # changes no level by more than a half
_FEWEST: Final = 50
_ZERO_TOLERANCE: Final = 12.0  # grey levels: noise and compression of what does not move at all
_SPREAD: Final = 3.0  # mean deviations over time that a pixel may differ


def to_work_size(image: Image, work_size: int = WORK_SIZE) -> tuple[Image, float]:
    """Reduces an image to the work size; returns it and the scale (1 for smaller images)."""
    height, width = image.shape[:2]
    scale = min(1.0, work_size / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return reduced(image, size), scale


@dataclass(frozen=True, eq=False)
class Plate:
    """Clean plate: an image of the scene without people.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        small: (h, w, 3) uint8, ``image`` at the work size.
        known: (h, w) uint8 at the work size: 255 where the scene was seen, 0 where it is inpainted.
        tolerance: (h, w) uint8 at the work size: grey levels by which an image without people may differ
            from ``small``.
    """

    image: Image
    small: Image
    known: Image
    tolerance: Image

    @classmethod
    def of(cls, image: Image, unseen: BoolArray, samples: list[Image], hidden: list[BoolArray]) -> Plate:
        """Creates a plate and measures its tolerance from the samples' differences away from people.

        Args:
            image: (H, W, 3) uint8: the scene.
            unseen: (H, W) bool: where it is inpainted.
            samples: N times (H, W, 3) uint8.
            hidden: N times (h, w) bool at the work size: people.
        """
        small = to_work_size(image)[0]
        size = (small.shape[1], small.shape[0])
        known = cv2.resize(np.where(unseen, 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA)
        total = np.zeros(small.shape[:2], np.float32)
        count = np.full(small.shape[:2], 1e-3, np.float32)
        for sample, mask in zip(samples, hidden, strict=True):
            free = np.where(mask, 0, 255).astype(np.uint8)
            small_image = to_work_size(sample)[0]
            adapted = apply_gain(small, estimate_gain(small, small_image, free))
            cv2.accumulate(max_channel_difference(small_image, adapted), total, mask=free)
            cv2.accumulate(np.ones_like(free), count, mask=free)
        spread = cv2.blur(total / count, (5, 5))
        tolerance = np.clip(_ZERO_TOLERANCE + _SPREAD * spread, 0, 255).astype(np.uint8)
        return cls(image, small, np.where(np.asarray(known) < 255, 0, 255).astype(np.uint8), tolerance)


@dataclass(frozen=True, eq=False)
class PlateView:
    """View of a plate in one frame: warped to its camera and matched to its exposure.

    Attributes:
        plate: the clean plate.
        small, known, tolerance: as the plate's, in this view.
        gain: (3,) factors of the plate's channels.
        to_plate: (3, 3) homography from this frame's pixels to the plate's, at full size; None where
            they are the same.
    """

    plate: Plate
    small: Image
    known: Image
    tolerance: Image
    gain: npt.NDArray[np.float64]
    to_plate: npt.NDArray[np.float64] | None

    @classmethod
    def through(
        cls,
        plate: Plate,
        small_image: Image,
        people: Image,
        to_plate: npt.NDArray[np.float64] | None,
        scale: float,
    ) -> PlateView:
        """Computes the view of a plate in one frame.

        Args:
            plate: the clean plate.
            small_image: (h, w, 3) uint8 at the work size.
            people: (h, w) uint8, not 0 on people.
            to_plate: homography between pixels at the work size (OpenCV's centre-based coordinates).
            scale: from full size to the work size.
        """
        small, known, tolerance = plate.small, plate.known, plate.tolerance
        if to_plate is not None:
            small, known, tolerance = (
                _warped(each, to_plate, (0, 0, small_image.shape[1], small_image.shape[0]), flags)
                for each, flags in (
                    (small, cv2.INTER_LINEAR),
                    (known, cv2.INTER_NEAREST),
                    (tolerance, cv2.INTER_LINEAR),
                )
            )
            to_plate = homography_at_full_size(to_plate, scale)
        free = known & ~people
        gain = estimate_gain(small, small_image, free)
        return cls(plate, apply_gain(small, gain), known, tolerance, gain, to_plate)

    def foreground_mask(self, small_image: Image, box: Box) -> Image:
        """Foreground mask (box.height, box.width) uint8: 255 where the image differs from the known scene."""
        away = max_channel_difference(small_image[box.slices], self.small[box.slices])
        differs = np.where(away > self.tolerance[box.slices], self.known[box.slices], 0)
        return np.asarray(cv2.medianBlur(differs, 3), np.uint8)

    def part(self, box: Box) -> Image:
        """Crops the view at full size: (box.height, box.width, 3) uint8."""
        if self.to_plate is None:
            return apply_gain(self.plate.image[box.slices], self.gain)
        seen = _warped(
            self.plate.image, self.to_plate, (box.left, box.top, box.width, box.height), cv2.INTER_LINEAR
        )
        return apply_gain(seen, self.gain)


@dataclass(frozen=True, eq=False)
class Cutout:
    """Removal mask of one frame, with the background behind it.

    Attributes:
        alpha: (h, w) float32 in [0, 1]: the people, at the work size.
        hole: (H, W) uint8: 255 where the background is shown, 0 where the image is kept; covers people, what
            they hold or throw, their shadow at their feet, and a margin.
        view: the scene behind in this frame, None where it is not known.
    """

    alpha: FloatArray
    hole: Image
    view: PlateView | None


def max_channel_difference(image: Image, other: Image) -> Image:
    """Maximum absolute difference (h, w) uint8 over the channels."""
    red, green, blue = cv2.split(cv2.absdiff(image, other))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def estimate_gain(source: Image, target: Image, free: Image) -> npt.NDArray[np.float64]:
    """Estimates the channel gains (3,) from one image's exposure to another's, where ``free`` is not 0."""
    step = (slice(None, None, _STEP), slice(None, None, _STEP))
    where = free[step] > 0
    before, after = source[step][where].astype(np.float32), target[step][where].astype(np.float32)
    least, most = np.minimum(before, after).T, np.maximum(before, after).T
    usable = (np.minimum(np.minimum(*least[:2]), least[2]) > _USABLE[0]) & (
        np.maximum(np.maximum(*most[:2]), most[2]) < _USABLE[1]
    )
    if int(usable.sum()) < _FEWEST:
        return np.ones(3)
    gain = np.median(after[usable] / before[usable], axis=0)
    return np.clip(gain, 1 / _LARGEST_GAIN, _LARGEST_GAIN).astype(np.float64)


def apply_gain(image: Image, gain: npt.NDArray[np.float64]) -> Image:
    """Multiplies the channels of an image by gains (3,)."""
    if np.abs(gain - 1).max() < _NO_GAIN:
        return image
    table = np.clip(np.rint(np.arange(256)[:, None] * gain), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def homography_at_full_size(matrix: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.float64]:
    """Scales a homography between reduced images to full size; both count from pixel centres."""
    shift = (1 / scale - 1) / 2
    enlarge = np.array([[1 / scale, 0, shift], [0, 1 / scale, shift], [0, 0, 1]])
    return enlarge @ matrix @ np.linalg.inv(enlarge)


def _warped(
    image: Image, to_image: npt.NDArray[np.float64], place: tuple[int, int, int, int], flags: int
) -> Image:
    left, top, width, height = place
    matrix = to_image @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], np.float64)
    border = cv2.BORDER_REPLICATE if image.ndim == 3 else cv2.BORDER_CONSTANT
    warped = cv2.warpPerspective(
        image, matrix, (width, height), flags=flags | cv2.WARP_INVERSE_MAP, borderMode=border
    )
    return np.asarray(warped, np.uint8)

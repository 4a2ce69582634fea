"""Re-identification of people by color histograms of their clothes (CIELAB, Bhattacharyya coefficient)."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.affine import to_opencv_affine
from dance_now.pose.model.detection import Detection
from dance_now.pose.model.keypoints import BODY_INDEX

_SIDE: Final = 64  # pixels of the resampled crop
_PERSON: Final = 0.6  # mask value
_LEVELS: Final = 6  # of each of lightness and two color differences
_SPREAD: Final = 0.35  # of Lab's range around its middle that real colors occupy
# smooths over neighbouring bins, as light changes slightly all the time; the last bins keep their overflow
_BLUR_LEVELS: Final = (np.eye(_LEVELS) + np.eye(_LEVELS, k=1) / 2 + np.eye(_LEVELS, k=-1) / 2) / 2 + np.diag(
    [0.25, *([0.0] * (_LEVELS - 2)), 0.25]
)
_BLUR: Final = np.kron(np.kron(_BLUR_LEVELS, _BLUR_LEVELS), _BLUR_LEVELS)
_BYTES: Final = np.arange(256) / 255
_LIGHTNESS_LEVEL: Final = np.clip(_BYTES * _LEVELS, 0, _LEVELS - 1).astype(np.intp)
_DIFFERENCE_LEVEL: Final = np.clip(((_BYTES - 0.5) / _SPREAD + 0.5) * _LEVELS, 0, _LEVELS - 1).astype(np.intp)
_MIDDLES: Final = np.arange(_SIDE) + 0.5
_NECK: Final = BODY_INDEX["neck"]
_HIP: Final = BODY_INDEX["mid_hip"]
_FEWEST: Final = 12  # pixels of a part


def color_histogram(image: Image, person: Detection) -> FloatArray | None:
    """Color histograms of a person's upper and lower body, inside the mask.

    Args:
        image: (H, W, 3) uint8 RGB.
        person: a person in it.

    Returns:
        (2, 216) float32, each row of sum 1, or 0 where that part is not in the image; None where neither
        is, or where neck and hips are not known.
    """
    neck, hip = person.pose.points[[_NECK, _HIP]]
    if min(neck[2], hip[2]) <= 0:
        return None
    height, width = image.shape[:2]
    fine = person.mask.alpha.shape[0] / _SIDE
    matrix = person.mask.to_image.astype(np.float64).copy()
    matrix[:, :2] *= fine
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    small = cv2.warpAffine(image, to_opencv_affine(matrix), (_SIDE, _SIDE), flags=flags)
    alpha = cv2.resize(person.mask.alpha, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    down = (hip - neck)[:2] / max(float(((hip - neck)[:2] ** 2).sum()), 1e-6)
    x, y = (_linear_on_crop(row) for row in matrix)
    along = _linear_on_crop(down @ matrix) - down @ neck[:2]
    inside = (alpha > _PERSON) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    parts = [inside & (along > 0) & (along < 1), inside & (along >= 1)]
    cells = _bin_indices(np.asarray(small, np.uint8))
    rows = np.stack([_normalised_histogram(cells[part]) for part in parts])
    return rows if rows.any() else None


def histogram_similarity(one: FloatArray | None, other: FloatArray | None) -> float | None:
    """Similarity of two people's histograms: 1 identical, 0 disjoint; None where unknown.

    The Bhattacharyya coefficient, averaged over the body halves that both have.
    """
    if one is None or other is None:
        return None
    both = (one.sum(axis=1) > 0) & (other.sum(axis=1) > 0)
    if not both.any():
        return None
    return float(np.sqrt(one[both] * other[both]).sum(axis=1).mean())


def _linear_on_crop(row: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values (64, 64) of a linear function (x, y, 1) at the pixel centres of the crop."""
    return (row[0] * _MIDDLES) + (row[1] * _MIDDLES + row[2])[:, None]


def _bin_indices(image: Image) -> npt.NDArray[np.intp]:
    """Histogram bin (H, W) of each pixel's lightness and color differences."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lightness, *differences = (lab[..., channel] for channel in range(3))
    first, second = (_DIFFERENCE_LEVEL[each] for each in differences)
    return (_LIGHTNESS_LEVEL[lightness] * _LEVELS + first) * _LEVELS + second


def _normalised_histogram(cells: npt.NDArray[np.intp]) -> FloatArray:
    """Smoothed, normalised histogram (216,) of (n,) bin indices."""
    if len(cells) < _FEWEST:
        return np.zeros(_LEVELS**3, np.float32)
    counts = np.bincount(cells, minlength=_LEVELS**3) @ _BLUR
    return np.asarray(counts / counts.sum(), np.float32)

"""What somebody wears, as colours: it tells people apart after one has passed in front of another."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from dance_now.arrays import FloatArray, Image
from dance_now.pose.estimator import Detection
from dance_now.pose.keypoints import BODY_INDEX
from dance_now.pose.warp import between_pixel_centres

_SIDE: Final = 64  # pixels of the small picture whose colours are counted
_PERSON: Final = 0.6  # mask value
_LEVELS: Final = 6  # of each of lightness and two colour differences
_SPREAD: Final = 0.35  # of the middle of Lab's range that colours of things take
_BLUR: Final = (0.25, 0.5, 0.25)  # over neighbouring levels: light changes a little all the time
_NECK: Final = BODY_INDEX["neck"]
_HIP: Final = BODY_INDEX["mid_hip"]
_FEWEST: Final = 12  # pixels of a part


def colours_of(image: Image, person: Detection) -> FloatArray | None:
    """How often each colour occurs on somebody's upper and lower body, by the mask.

    Args:
        image: (H, W, 3) uint8 RGB.
        person: somebody in it.

    Returns:
        (2, 216) float32, each row of sum 1, or 0 where that part is not in the picture; None where neither
        is, or where neck and hips are not known.
    """
    neck, hip = person.pose.points[[_NECK, _HIP]]
    if min(neck[2], hip[2]) <= 0:
        return None
    height, width = image.shape[:2]
    fine = person.mask.alpha.shape[0] / _SIDE
    matrix = person.mask.to_picture.astype(np.float64).copy()
    matrix[:, :2] *= fine
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    small = cv2.warpAffine(image, between_pixel_centres(matrix), (_SIDE, _SIDE), flags=flags)
    alpha = cv2.resize(person.mask.alpha, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    x, y = np.meshgrid(np.arange(_SIDE) + 0.5, np.arange(_SIDE) + 0.5)
    places = np.stack([x, y], axis=-1) @ matrix[:, :2].T + matrix[:, 2]  # (64, 64, 2) in the picture
    along = (places - neck[:2]) @ (hip - neck)[:2] / max(float(((hip - neck)[:2] ** 2).sum()), 1e-6)
    inside = (alpha > _PERSON) & (places >= 0).all(axis=-1) & (places < (width, height)).all(axis=-1)
    parts = [inside & (along > 0) & (along < 1), inside & (along >= 1)]
    cells = _cells(np.asarray(small, np.uint8))
    rows = np.stack([_shares(cells[part]) for part in parts])
    return rows if rows.any() else None


def likeness(one: FloatArray | None, other: FloatArray | None) -> float | None:
    """How alike two people's colours are: 1 the same, 0 nothing in common; None where that is not known.

    The Bhattacharyya coefficient, the mean of the parts that both have.
    """
    if one is None or other is None:
        return None
    both = (one.sum(axis=1) > 0) & (other.sum(axis=1) > 0)
    if not both.any():
        return None
    return float(np.sqrt(one[both] * other[both]).sum(axis=1).mean())


def _cells(image: Image) -> FloatArray:
    """(H, W, 3) level of each pixel's lightness and colour differences, 0 to 5."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32) / np.float32(255)
    lab[..., 1:] = (lab[..., 1:] - 0.5) / _SPREAD + 0.5
    return np.clip(lab * _LEVELS, 0, _LEVELS - 1).astype(np.intp)


def _shares(cells: FloatArray) -> FloatArray:
    """(216,) how often each colour occurs among (n, 3) levels."""
    if len(cells) < _FEWEST:
        return np.zeros(_LEVELS**3, np.float32)
    numbers = np.ravel_multi_index(tuple(cells.T), (_LEVELS,) * 3)
    counts = np.bincount(numbers, minlength=_LEVELS**3).reshape((_LEVELS,) * 3).astype(np.float32)
    for axis in range(3):
        padded = np.pad(counts, [(int(axis == each),) * 2 for each in range(3)], mode="edge")
        moved = np.moveaxis(padded, axis, 0)
        spread = _BLUR[0] * moved[:-2] + _BLUR[1] * moved[1:-1] + _BLUR[2] * moved[2:]
        counts = np.moveaxis(spread, 0, axis)
    return np.asarray(counts.ravel() / counts.sum(), np.float32)

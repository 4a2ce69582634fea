"""What somebody wears, as colors: it tells people apart after one has passed in front of another."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.affine import between_pixel_centres
from dance_now.pose.model.detection import Detection
from dance_now.pose.model.keypoints import BODY_INDEX

_SIDE: Final = 64  # pixels of the small picture whose colors are counted
_PERSON: Final = 0.6  # mask value
_LEVELS: Final = 6  # of each of lightness and two color differences
_SPREAD: Final = 0.35  # of the middle of Lab's range that colors of things take
# over neighbouring levels, as light changes a little all the time; beyond the last it goes back to the last
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


def colors_of(image: Image, person: Detection) -> FloatArray | None:
    """How often each color occurs on somebody's upper and lower body, by the mask.

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
    down = (hip - neck)[:2] / max(float(((hip - neck)[:2] ** 2).sum()), 1e-6)
    x, y = (_over_square(row) for row in matrix)
    along = _over_square(down @ matrix) - down @ neck[:2]
    inside = (alpha > _PERSON) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    parts = [inside & (along > 0) & (along < 1), inside & (along >= 1)]
    cells = _cells(np.asarray(small, np.uint8))
    rows = np.stack([_shares(cells[part]) for part in parts])
    return rows if rows.any() else None


def likeness(one: FloatArray | None, other: FloatArray | None) -> float | None:
    """How alike two people's colors are: 1 the same, 0 nothing in common; None where that is not known.

    The Bhattacharyya coefficient, the mean of the parts that both have.
    """
    if one is None or other is None:
        return None
    both = (one.sum(axis=1) > 0) & (other.sum(axis=1) > 0)
    if not both.any():
        return None
    return float(np.sqrt(one[both] * other[both]).sum(axis=1).mean())


def _over_square(row: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(64, 64) values of a linear function (x, y, 1) at the middles of the small picture's pixels."""
    return (row[0] * _MIDDLES) + (row[1] * _MIDDLES + row[2])[:, None]


def _cells(image: Image) -> npt.NDArray[np.intp]:
    """(H, W) number of the level of each pixel's lightness and color differences."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lightness, *differences = (lab[..., channel] for channel in range(3))
    first, second = (_DIFFERENCE_LEVEL[each] for each in differences)
    return (_LIGHTNESS_LEVEL[lightness] * _LEVELS + first) * _LEVELS + second


def _shares(cells: npt.NDArray[np.intp]) -> FloatArray:
    """(216,) how often each color occurs among (n,) numbers."""
    if len(cells) < _FEWEST:
        return np.zeros(_LEVELS**3, np.float32)
    counts = np.bincount(cells, minlength=_LEVELS**3) @ _BLUR
    return np.asarray(counts / counts.sum(), np.float32)

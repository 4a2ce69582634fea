"""The figure of a picture: cut out, cropped and brought to the size that the rig is built at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.core.errors import DanceNowError

Points = npt.NDArray[np.float64]

TALLEST: Final = 1024
"""Pixels of the figure's larger side at most; larger pictures are reduced."""
SMALLEST: Final = 64
"""Pixels of the figure's larger side at least."""
_SHARPEST: Final = 600  # pixels: smaller figures are enlarged, since meshes are cut along pixels
_MARGIN: Final = 0.04  # of the figure's larger side


@dataclass(frozen=True, eq=False)
class FigurePicture:
    """A figure on its own raster.

    Attributes:
        rgb: (H, W, 3) uint8; colours outside the figure are as in the picture.
        alpha: (H, W) float32 in [0, 1].
        to_picture: pixels of the user's picture for one of this raster.
        corner: (2,) x, y in the user's picture of this raster's corner.
        size: width and height of the picture that was cut out, pixels.
        picture_scale: pixels of the user's picture for one of that.
    """

    rgb: Image
    alpha: FloatArray
    to_picture: float
    corner: Points
    size: tuple[int, int]
    picture_scale: float = 1.0

    @classmethod
    def of(cls, rgb: Image, alpha: FloatArray) -> FigurePicture:
        """Crops the largest connected figure and scales it.

        Args:
            rgb: (H, W, 3) the whole picture.
            alpha: (H, W) of the figure.

        Raises:
            DanceNowError: there is no figure, or it is smaller than ``SMALLEST`` pixels.
        """
        mask = largest_region(alpha > 0.5)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            raise DanceNowError(
                "no figure was found in the picture; give its outline with mask.", option="mask"
            )
        longer = max(np.ptp(rows), np.ptp(columns)) + 1
        if longer < SMALLEST:
            raise DanceNowError(
                f"the figure is {longer} pixels tall; at least {SMALLEST} are needed. Use a larger picture."
            )
        margin = int(np.ceil(_MARGIN * longer)) + 2
        box = (rows[0] - margin, rows[-1] + margin + 1, columns[0] - margin, columns[-1] + margin + 1)
        near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=2) > 0
        own = np.where(near, alpha, 0).astype(np.float32)
        scale = min(TALLEST / longer, max(1.0, _SHARPEST / longer))
        width, height = (round((box[last] - box[first]) * scale) for first, last in ((2, 3), (0, 1)))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        cut = cv2.resize(_crop(rgb, box, cv2.BORDER_REPLICATE), (width, height), interpolation=how)
        matte = cv2.resize(_crop(own, box, cv2.BORDER_CONSTANT), (width, height), interpolation=how)
        return cls(
            np.asarray(cut, np.uint8),
            np.clip(matte, 0, 1).astype(np.float32),
            1 / scale,
            np.array([box[2], box[0]], np.float64),
            (rgb.shape[1], rgb.shape[0]),
        )

    @property
    def mask(self) -> BoolArray:
        """(H, W) the figure, in one piece and without pinholes."""
        mask = largest_region(self.alpha > 0.5)
        return without_pinholes(mask)

    def picture_points(self, points: Points) -> Points:
        """(n, 2) points of this raster, in pixels of the user's picture."""
        return np.asarray(points * self.to_picture + self.corner, np.float64)

    def raster_points(self, points: Points) -> Points:
        """(n, 2) points of the user's picture, on this raster."""
        return np.asarray((points - self.corner) / self.to_picture, np.float64)


def largest_region(mask: BoolArray) -> BoolArray:
    """The largest connected region of a mask, all of it where it is empty."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return mask
    return np.asarray(labels == 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA])))


def without_pinholes(mask: BoolArray) -> BoolArray:
    """A mask whose holes of less than a two-thousandth of its area are filled."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    small = np.flatnonzero(statistics[:, cv2.CC_STAT_AREA] < mask.sum() / 2000)
    return np.asarray(mask | np.isin(labels, small[small > 0])) if count > 1 else mask


def _crop(image: npt.NDArray[np.generic], box: tuple[int, int, int, int], border: int) -> Image:
    top, bottom, left, right = box
    height, width = image.shape[:2]
    inside = image[max(top, 0) : bottom, max(left, 0) : right]
    grown = cv2.copyMakeBorder(
        np.ascontiguousarray(inside),
        max(-top, 0),
        max(bottom - height, 0),
        max(-left, 0),
        max(right - width, 0),
        border,
        value=0,
    )
    return np.asarray(grown)

"""Camera registration: homography between two frames of a scene by Lucas-Kanade tracking and RANSAC.

Corners of a reference image are tracked by pyramidal Lucas-Kanade (Lucas and Kanade, IJCAI 1981;
Bouguet 2000) at a reduced size, and a homography is fitted to them by RANSAC; people are masked out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.scene.filters.reduction import reduced

_WORK_SIZE = 480  # longer side in pixels
_CORNERS = 300
_FEWEST_MATCHES = 16
_STILL_PIXELS = 0.6  # at the work size: sway that a tripod on a soft floor has
_REACH = 0.15  # of the longer side: larger displacements are another view
_AGREEMENT = 0.5  # share of the corners that must follow one homography
_FLAT_CHANGE = 6.0  # grey levels: greatest difference of featureless frames of a still camera


@dataclass(frozen=True, eq=False)
class CameraMotion:
    """Camera motion relative to the reference.

    Attributes:
        to_reference: (3, 3) float64 homography from this frame's pixels (OpenCV's centre-based
            coordinates) to the reference's; the identity where the camera stands still; None where
            the frames do not show the same view.
        still: whether the camera has not moved at all.
    """

    to_reference: npt.NDArray[np.float64] | None
    still: bool


_SAME = CameraMotion(np.eye(3), True)
_LOST = CameraMotion(None, False)


class CameraRegistration:
    """Registers frames with a reference image."""

    def __init__(self, reference: Image, person: FloatArray | None = None) -> None:
        """Detects corners in the reference.

        Args:
            reference: (H, W, 3) uint8 RGB.
            person: (H, W) float32 in [0, 1]: mask of independent motion, or None.
        """
        height, width = reference.shape[:2]
        self._scale = min(1.0, _WORK_SIZE / max(height, width))
        self._size = (max(1, round(width * self._scale)), max(1, round(height * self._scale)))
        self._grey = self._small_grey(reference)
        self._free = self._free_mask(person)
        self._corners = cv2.goodFeaturesToTrack(self._grey, _CORNERS, 0.01, 7, mask=self._free)

    def locate(self, image: Image, person: FloatArray | None = None) -> CameraMotion:
        """Estimates the camera motion from the reference to ``image`` (of the same size)."""
        grey = self._small_grey(image)
        free = self._free_mask(person)
        corners = self._corners
        if corners is None or len(corners) < _FEWEST_MATCHES:
            both = (free > 0) & (self._free > 0)
            change = np.abs(grey.astype(np.float32) - self._grey)[both]
            return _SAME if change.size == 0 or float(np.median(change)) < _FLAT_CHANGE else _LOST
        found, status, _ = cv2.calcOpticalFlowPyrLK(
            self._grey, grey, corners, np.empty(0, np.float32), winSize=(15, 15), maxLevel=4
        )
        before = np.asarray(corners, np.float32).reshape(-1, 2)
        after = np.asarray(found, np.float32).reshape(-1, 2)
        # Corners on a person, or hidden by one now, say nothing about the camera.
        usable = (status.ravel() == 1) & self._at(free, after) & self._at(free, before)
        if int(usable.sum()) < _FEWEST_MATCHES:
            return _LOST
        return self._fit_homography(before[usable], after[usable])

    def _fit_homography(self, before: FloatArray, after: FloatArray) -> CameraMotion:
        shift = np.hypot(*(after - before).T)
        if float((shift < _STILL_PIXELS).mean()) > 0.75:
            return _SAME
        matrix, inliers = cv2.findHomography(after, before, cv2.RANSAC, 1.5)
        if matrix is None or float(inliers.mean()) < _AGREEMENT:
            return _LOST
        width, height = self._size
        frame = np.array([[(0, 0), (width, 0), (0, height), (width, height)]], np.float64)
        moved = cv2.perspectiveTransform(frame, matrix)
        furthest = float(np.abs(moved - frame).max())
        if furthest > _REACH * max(self._size):
            return _LOST
        if furthest < _STILL_PIXELS:  # something else moved
            return _SAME
        # From the reduced size to full pixels; both count from pixel centres.
        to_full = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, self._scale]]) / self._scale
        to_full[:2, 2] -= 0.5
        to_full[2] = (0, 0, 1)
        return CameraMotion(to_full @ matrix @ np.linalg.inv(to_full), False)

    def _at(self, mask: Image, points: FloatArray) -> BoolArray:
        """Tests (n,) which points of the reduced size lie on set pixels."""
        place = np.clip(np.rint(points), 0, np.subtract(self._size, 1)).astype(int)
        return np.asarray(mask[place[:, 1], place[:, 0]] > 0)

    def _small_grey(self, image: Image) -> Image:
        return np.asarray(cv2.cvtColor(reduced(image, self._size), cv2.COLOR_RGB2GRAY), np.uint8)

    def _free_mask(self, person: FloatArray | None) -> Image:
        """Mask (h, w) uint8: 255 away from the person."""
        if person is None:
            return np.full(self._size[::-1], 255, np.uint8)
        small = np.asarray(cv2.resize(person, self._size, interpolation=cv2.INTER_AREA), np.float32)
        near = cv2.dilate((small > 0.1).astype(np.uint8), np.ones((15, 15), np.uint8))
        return np.where(near > 0, 0, 255).astype(np.uint8)

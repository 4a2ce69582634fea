"""Foreign objects in pictures of a figure: things it holds or throws, and what passes in front of it.

The figure's points carry the median of their colors over all pictures, in which a thing that moves over the
body leaves no trace. Projected into one picture they give the colors to expect; a large patch of the matte
that nothing nearby explains is foreign. A thing that is always at the same place of the body belongs to it.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.scene.filters.region import dilate
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.sources.capsules import PosedViews

_CELL: Final = 4  # pixels of a canvas
_REACH: Final = 3  # cells around a pixel whose expected colors explain it: poses and hulls are that rough
_UNLIKE, _UNLIKELY = 0.28, 0.16  # least difference of colors in [0, 1] inside a thing, and at its rim
_ALIKE: Final = 0.25  # difference of colors of one thing
_BRIGHTNESS: Final = 0.5  # weight of a difference of brightness, which folds and shade cause as well
_CORE: Final = 0.022  # of the figure's height: half width of the smallest thing that is found
_RIM: Final = 0.02  # of the figure's height, in which a thing's rim is looked for
_MARGIN: Final = 1  # cells added around it
_UNKNOWN: Final = 9.0  # an expected color where no point is


class ForeignObjects:
    """Finds foreign objects in pictures of one figure.

    Args:
        skeleton: of the figure.
        points: its points with their median colors.
    """

    def __init__(self, skeleton: Skeleton, points: MeshPoints) -> None:
        self._skeleton, self._points = skeleton, points

    def __call__(self, picture: Image, pose: Pose) -> Image:
        """Mask (H, W) uint8 of what does not belong to the figure, 255 there.

        Args:
            picture: (H, W, 4) uint8 RGBA of the figure.
            pose: complete pose of it.
        """
        body = pose.body[pose.body[:, 2] > 0, :2]
        height = float(np.ptp(body, axis=0).max())
        columns, rows = picture.shape[1] // _CELL, picture.shape[0] // _CELL
        color, shown = _in_cells(picture, columns, rows)
        unlike = np.where(shown, _least_difference(color, self._expected_colors(pose, columns, rows)), 0)
        core = max(1, round(_CORE * height / _CELL))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * core + 1, 2 * core + 1))
        found = np.asarray(
            cv2.morphologyEx((unlike > _UNLIKE).astype(np.uint8), cv2.MORPH_OPEN, disc), np.uint8
        )
        if not found.any():
            return np.zeros(picture.shape[:2], np.uint8)
        alike = _alike(color, found) & shown
        for reach in (_RIM, 2 * _RIM):
            near = dilate(found, reach * height / _CELL) > 0
            found = found | (near & ((unlike > _UNLIKELY) | alike)).astype(np.uint8)
        size = (picture.shape[1], picture.shape[0])
        mask = cv2.resize(dilate(found, _MARGIN).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        return np.where(mask > 0.5, 255, 0).astype(np.uint8)

    def _expected_colors(self, pose: Pose, columns: int, rows: int) -> FloatArray:
        """Colors (rows, columns, 3) sRGB in [0, 1] of a pose, far outside that range where no point is."""
        points = self._points
        place = PosedViews.of(self._skeleton, [pose]).place(
            0,
            points.position.astype(np.float64),
            points.bones.astype(np.int64),
            points.weights.astype(np.float64),
        )
        cell = np.floor(place[:, :2] / _CELL).astype(int)
        inside: npt.NDArray[np.bool_] = np.asarray(((cell >= 0) & (cell < (columns, rows))).all(axis=1))
        far_first = np.flatnonzero(inside)[np.argsort(-place[inside, 2], kind="stable")]
        expected = np.full((rows, columns, 3), _UNKNOWN, np.float32)
        expected[cell[far_first, 1], cell[far_first, 0]] = points.color[far_first]  # the nearest remains
        return np.asarray(cv2.medianBlur(expected, 3), np.float32)  # stray points explain nothing


def _in_cells(picture: Image, columns: int, rows: int) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Mean colors (rows, columns, 3) of a picture's figure by cell, and where there is one."""
    size = (columns, rows)
    straight = picture.astype(np.float32) / 255
    alpha = np.asarray(cv2.resize(straight[..., 3], size, interpolation=cv2.INTER_AREA), np.float32)
    sums = cv2.resize(straight[..., :3] * straight[..., 3:], size, interpolation=cv2.INTER_AREA)
    color = np.asarray(sums / np.maximum(alpha[..., None], 1e-3), np.float32)
    return color, np.asarray(alpha > 0.5)


def _alike(color: FloatArray, found: Image) -> npt.NDArray[np.bool_]:
    """Where colors (h, w, 3) resemble those of the nearest part that was found."""
    count, labels = cv2.connectedComponents(found)
    result = np.zeros(found.shape, np.bool_)
    for label in range(1, count):
        away = color - np.median(color[labels == label], axis=0)
        result |= np.square(away).sum(axis=2) < _ALIKE**2
    return result


def _least_difference(color: FloatArray, expected: FloatArray) -> FloatArray:
    """Least difference (h, w) of each color from the expected ones around it."""
    least = np.full(color.shape[:2], np.float32(_UNKNOWN))
    padded = np.pad(expected, ((_REACH, _REACH), (_REACH, _REACH), (0, 0)), constant_values=_UNKNOWN)
    height, width = color.shape[:2]
    for down in range(2 * _REACH + 1):
        for across in range(2 * _REACH + 1):
            if np.hypot(down - _REACH, across - _REACH) > _REACH:
                continue
            away = color - padded[down : down + height, across : across + width]
            light = away.mean(axis=2, keepdims=True)
            difference = np.sqrt(np.square(away - light).sum(axis=2)) + _BRIGHTNESS * np.abs(light[..., 0])
            least = np.minimum(least, difference)
    return least

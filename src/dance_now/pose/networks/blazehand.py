"""Hand landmark network: 21 keypoints with depth from a rotated square around a hand.

Source: Zhang et al., "MediaPipe HandTracker: On-device Real-time Hand Tracking", 2020; network, squares and
decoding as in MediaPipe 0.10.21, modules ``hand_landmark`` and ``holistic_landmark``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.core.errors import DanceNowError
from dance_now.pose.networks.litert import LiteRTNetwork, Region

HAND_POINT_COUNT: Final = 21
HAND_SHARE: Final = 0.4  # of a square's side: approximate length of the hand in it

_SIZE: Final = 224
_SHAPES: Final = [(1, 63), (1, 1), (1, 1), (1, 63)]  # points, presence, right-handedness, points in metres
# The network's metric points give the best depth: the bones of a hand keep their lengths from frame to
# frame within 10 % (within 20 % with the depth of its image points); slightly reduced, it is better still.
_DEPTH_GAIN: Final = 0.85
_PALM: Final = np.array([0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18])
_FORWARD: Final = 0.1  # of the palm's box, towards the fingers
_AROUND_PALM: Final = 2.0
_AROUND_COARSE_PALM: Final = 5.4  # of the distance from the wrist to the middle of the knuckles


@dataclass(frozen=True, eq=False)
class HandLandmarks:
    """Hand landmarks in one square.

    Attributes:
        points: (21, 2) float32 pixels of the image, in the order of HAND_21.
        depth: (21,) float32 pixels from the wrist, away from the viewer positive.
        presence: confidence that there is a hand, in [0, 1].
        right_handedness: confidence that it is a right hand, in [0, 1].
    """

    points: FloatArray
    depth: FloatArray
    presence: float
    right_handedness: float

    def moved(self, offset: FloatArray) -> HandLandmarks:
        """The same hand ``offset`` (2,) pixels away."""
        return replace(self, points=self.points + offset)


class HandNetwork:
    """Estimates hand landmarks (MediaPipe ``hand_landmark_full``)."""

    def __init__(self, path: Path, threads: int) -> None:
        """Loads ``hand_landmark_full.tflite``.

        Raises:
            DanceNowError: the file is damaged, or another network.
        """
        self._network = LiteRTNetwork(path, threads, set(_SHAPES))
        if self._network.output_shapes != _SHAPES:
            raise DanceNowError(f"{path} is not the network that its name says; delete it and try again.")

    def __call__(self, image: Image, region: Region) -> HandLandmarks | None:
        """Estimates the landmarks in one square of ``image``; None outside it, or for output not finite."""
        if not region.is_usable(image):
            return None
        square = region.crop(image, _SIZE, cv2.BORDER_CONSTANT)
        outputs = self._network.ordered_outputs(square[None].astype(np.float32) / np.float32(255))
        if not all(np.isfinite(output).all() for output in outputs):
            return None
        points, metric = (outputs[index].reshape(HAND_POINT_COUNT, 3) for index in (0, 3))
        matrix = region.to_image(_SIZE)
        across = float(np.linalg.norm(metric[:, :2] - metric[0, :2]))
        scale = float(np.linalg.norm(points[:, :2] - points[0, :2])) / max(
            across, 1e-6
        )  # square px per metre
        depth = (metric[:, 2] - metric[0, 2]) * (scale * _DEPTH_GAIN * region.size / _SIZE)
        return HandLandmarks(
            points=(points[:, :2] @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32),
            depth=depth.astype(np.float32),
            presence=float(outputs[1][0, 0]),
            right_handedness=float(outputs[2][0, 0]),
        )


def region_from_hand(points: FloatArray) -> Region:
    """Region of interest around a hand whose (21, 2) points are known."""
    knuckles = ((points[5] + points[13]) / 2 + points[9]) / 2
    angle = _angle(knuckles - points[0])
    turn = _rotation(angle)
    palm = points[_PALM] @ turn
    low, high = palm.min(axis=0), palm.max(axis=0)
    centre = (low + high) / 2 - np.array([0, _FORWARD * (high[1] - low[1])])
    x, y = turn @ centre
    return Region(float(x), float(y), _AROUND_PALM * float((high - low).max()), angle)


def region_from_body(wrist: FloatArray, index: FloatArray, little: FloatArray, expected: float) -> Region:
    """Initial region of interest around a hand from the body network's coarse points.

    Args:
        wrist: (2,) pixels.
        index: (2,) the index finger's knuckle.
        little: (2,) the little finger's knuckle.
        expected: the square's side for a person of this size, pixels; the side is kept near it, since a hand
            seen end-on is foreshortened.
    """
    middle = (2 * index + little) / 3
    reach = (middle - wrist).astype(np.float64)
    length = float(np.hypot(*reach))
    size = float(np.clip(_AROUND_COARSE_PALM * length, 0.65 * expected, 1.2 * expected))
    centre = middle + reach * 2 * _FORWARD
    return Region(float(centre[0]), float(centre[1]), size, _angle(reach))


def _angle(reach: npt.NDArray[np.floating]) -> float:
    """Clockwise rotation from "up" to a direction in the image."""
    return float(np.arctan2(reach[0], -reach[1]))


def _rotation(angle: float) -> FloatArray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]], np.float32)

"""Finding people in a picture: BlazePose's detector.

Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020; anchors, decoding and
suppression as in MediaPipe 0.10.21, module ``pose_detection``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.networks.litert import LiteNetwork, Region, sigmoid

_DETECTOR_SIZE: Final = 224
_DETECTOR_STRIDES: Final = (8, 16, 32, 32, 32)
_MINIMUM_SCORE: Final = 0.5
_SAME_PERSON_OVERLAP: Final = 0.3
_REGION_MARGIN: Final = 1.25


class PersonDetector:
    """Finds people in upright squares of a picture, each as the square that the landmark network wants.

    It sees people of about a third of its square and more.
    """

    def __init__(self, path: Path, threads: int) -> None:
        """Loads the network ``pose_detection.tflite``.

        Raises:
            DanceNowError: it is damaged, or another network.
        """
        self._anchors = _detector_anchors()
        self._scores, self._boxes = (1, len(self._anchors), 1), (1, len(self._anchors), 12)
        self._network = LiteNetwork(path, threads, {self._scores, self._boxes})

    def __call__(self, image: Image, squares: Sequence[Region]) -> list[Region]:
        """The people in the squares, by score times size, greatest first; one may come up several times.

        Args:
            image: (H, W, 3) uint8 RGB.
            squares: where to look, not turned.
        """
        people = [person for square in squares for person in self._look(image, square)]
        people.sort(key=lambda person: -person[0])
        return [region for _, region in people]

    def _look(self, image: Image, view: Region) -> list[tuple[float, Region]]:
        """The people in an upright square of the picture: score times size in pixels, and region."""
        square = view.cut(image, _DETECTOR_SIZE, cv2.BORDER_CONSTANT)
        outputs = self._network(square[None].astype(np.float32) / np.float32(127.5) - np.float32(1))
        scores = sigmoid(outputs[self._scores][0, :, 0])
        chosen = np.flatnonzero(scores >= _MINIMUM_SCORE)
        boxes = outputs[self._boxes][0, chosen].reshape(-1, 6, 2) / np.float32(_DETECTOR_SIZE)
        anchors = self._anchors[chosen, None]
        boxes[:, :1] += anchors
        boxes[:, 2:] += anchors
        people = []
        for score, circle in _people(boxes, scores[chosen]):
            centre, end = (circle - 0.5) * view.size + (view.x, view.y)
            region = region_around(centre, end)
            people.append((score * region.size, region))
        return people


def search_squares(image: Image) -> list[Region]:
    """Squares to search for people: the whole picture, then smaller ones that overlap by half."""
    height, width = image.shape[:2]
    longer, shorter = max(height, width), min(height, width)
    whole = Region(width / 2, height / 2, float(longer), 0.0)
    side = max(min(shorter, longer / 2), longer / 4)
    return [whole, *(Region(x, y, side, 0.0) for y in _spread(height, side) for x in _spread(width, side))]


def _spread(length: int, side: float) -> FloatArray:
    """Centres of the fewest windows of ``side`` that cover ``length`` and overlap by at least half."""
    if side >= length:
        return np.array([length / 2], np.float32)
    count = int(np.ceil(2 * (length - side) / side)) + 1
    return np.linspace(side / 2, length - side / 2, count, dtype=np.float32)


def region_around(centre: npt.NDArray[np.floating], end: npt.NDArray[np.floating]) -> Region:
    """The landmark network's square: around a circle, turned so that the circle's given point is on top."""
    reach = end - centre
    size = 2.0 * float(np.hypot(*reach)) * _REGION_MARGIN
    return Region(float(centre[0]), float(centre[1]), size, float(np.arctan2(reach[0], -reach[1])))


def _detector_anchors() -> FloatArray:
    """(2254, 2) anchor centres in [0, 1]: two a cell for each layer, layers of one stride interleaved."""
    layers = []
    for stride in dict.fromkeys(_DETECTOR_STRIDES):
        cells = _DETECTOR_SIZE // stride
        y, x = np.mgrid[:cells, :cells]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) / cells
        layers.append(np.repeat(centres, 2 * _DETECTOR_STRIDES.count(stride), axis=0))
    return np.concatenate(layers).astype(np.float32)


def _people(boxes: FloatArray, scores: FloatArray) -> list[tuple[float, FloatArray]]:
    """Score and circle (2, 2) (centre, point above the head) of each person, best score first.

    Boxes (N, 6, 2) are centre, size and four points each. Overlapping boxes are averaged by their scores
    (MediaPipe's weighted non-maximum suppression).
    """
    people = []
    left = np.argsort(-scores, kind="stable")
    while left.size:
        together = _overlap(boxes[left[0]], boxes[left]) > _SAME_PERSON_OVERLAP
        together[0] = True
        group = left[together]
        circle = np.average(boxes[group, 2:4], axis=0, weights=scores[group])
        people.append((float(scores[left[0]]), circle))
        left = left[~together]
    return people


def _overlap(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """(N,) intersection over union of one box (6, 2) with many (N, 6, 2)."""
    low = np.maximum(box[0] - box[1] / 2, boxes[:, 0] - boxes[:, 1] / 2)
    high = np.minimum(box[0] + box[1] / 2, boxes[:, 0] + boxes[:, 1] / 2)
    shared = np.clip(high - low, 0, None).prod(axis=1)
    return np.asarray(
        shared / np.maximum(box[1].prod() + boxes[:, 1].prod(axis=1) - shared, 1e-9), np.float32
    )

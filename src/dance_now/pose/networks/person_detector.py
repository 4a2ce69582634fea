"""Person detector of BlazePose: SSD anchors, decoding and weighted non-maximum suppression.

Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020; anchors, decoding and
suppression as in MediaPipe 0.10.21, module ``pose_detection``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.networks.litert import LiteRTNetwork, Region, sigmoid

_DETECTOR_SIZE: Final = 224
_DETECTOR_STRIDES: Final = (8, 16, 32, 32, 32)
_MINIMUM_SCORE: Final = 0.5
_SAME_PERSON_OVERLAP: Final = 0.3
_REGION_MARGIN: Final = 1.25
_PADDED: Final = 1.5  # side of the padded square, of the image's longer side


@dataclass(frozen=True)
class DetectedRegion:
    """Region of interest around a detected person.

    Attributes:
        region: for the landmark network.
        score: of the detector, in [0, 1].
    """

    region: Region
    score: float


class PersonDetector:
    """Detects people in upright squares of an image; returns regions of interest for the landmark network.

    It detects people from about a third of the square's size on.
    """

    def __init__(self, path: Path, threads: int) -> None:
        """Loads the network ``pose_detection.tflite``.

        Raises:
            DanceNowError: the file is damaged, or another network.
        """
        self._anchors = _detector_anchors()
        self._scores, self._boxes = (1, len(self._anchors), 1), (1, len(self._anchors), 12)
        self._network = LiteRTNetwork(path, threads, {self._scores, self._boxes})

    def __call__(self, image: Image, squares: Sequence[Region]) -> list[DetectedRegion]:
        """Detects the people in the squares, by score times size, greatest first; duplicates are possible.

        Args:
            image: (H, W, 3) uint8 RGB.
            squares: upright squares to search.
        """
        people = [person for square in squares for person in self._detect(image, square)]
        return sorted(people, key=lambda person: -person.score * person.region.size)

    def _detect(self, image: Image, view: Region) -> list[DetectedRegion]:
        """Detects the people in an upright square of the image."""
        square = view.crop(image, _DETECTOR_SIZE, cv2.BORDER_CONSTANT)
        outputs = self._network(square[None].astype(np.float32) / np.float32(127.5) - np.float32(1))
        scores = sigmoid(outputs[self._scores][0, :, 0])
        chosen = np.flatnonzero(scores >= _MINIMUM_SCORE)
        boxes = outputs[self._boxes][0, chosen].reshape(-1, 6, 2) / np.float32(_DETECTOR_SIZE)
        anchors = self._anchors[chosen, None]
        boxes[:, :1] += anchors
        boxes[:, 2:] += anchors
        people = []
        for score, circle in _weighted_nms(boxes, scores[chosen]):
            centre, end = (circle - 0.5) * view.size + (view.x, view.y)
            people.append(DetectedRegion(region_from_circle(centre, end), score))
        return people


def search_regions(image: Image) -> list[Region]:
    """Search squares for the detector: the whole image, then smaller ones that overlap by half."""
    height, width = image.shape[:2]
    longer, shorter = max(height, width), min(height, width)
    whole = Region(width / 2, height / 2, float(longer), 0.0)
    side = max(min(shorter, longer / 2), longer / 4)
    return [
        whole,
        *(Region(x, y, side, 0.0) for y in _tile_centers(height, side) for x in _tile_centers(width, side)),
    ]


def padded_region(image: Image) -> Region:
    """Search square that reaches beyond the image: for people who fill it, or whom its edges cut."""
    height, width = image.shape[:2]
    return Region(width / 2, height / 2, _PADDED * max(height, width), 0.0)


def fine_regions(image: Image) -> list[Region]:
    """Search squares half as large as the smaller ones of ``search_regions``, for people far away."""
    height, width = image.shape[:2]
    side = search_regions(image)[-1].size / 2
    return [Region(x, y, side, 0.0) for y in _tile_centers(height, side) for x in _tile_centers(width, side)]


def _tile_centers(length: int, side: float) -> FloatArray:
    """Centres of the minimum number of windows of ``side`` that cover ``length`` and overlap by half."""
    if side >= length:
        return np.array([length / 2], np.float32)
    count = int(np.ceil(2 * (length - side) / side)) + 1
    return np.linspace(side / 2, length - side / 2, count, dtype=np.float32)


def region_from_circle(centre: npt.NDArray[np.floating], end: npt.NDArray[np.floating]) -> Region:
    """Region of interest around a circle, rotated so that the circle's given point is on top."""
    reach = end - centre
    size = 2.0 * float(np.hypot(*reach)) * _REGION_MARGIN
    return Region(float(centre[0]), float(centre[1]), size, float(np.arctan2(reach[0], -reach[1])))


def _detector_anchors() -> FloatArray:
    """Anchor centres (2254, 2) in [0, 1]: two a cell for each layer, layers of one stride interleaved."""
    layers = []
    for stride in dict.fromkeys(_DETECTOR_STRIDES):
        cells = _DETECTOR_SIZE // stride
        y, x = np.mgrid[:cells, :cells]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) / cells
        layers.append(np.repeat(centres, 2 * _DETECTOR_STRIDES.count(stride), axis=0))
    return np.concatenate(layers).astype(np.float32)


def _weighted_nms(boxes: FloatArray, scores: FloatArray) -> list[tuple[float, FloatArray]]:
    """Weighted non-maximum suppression as in MediaPipe: overlapping boxes are averaged by their scores.

    Boxes (N, 6, 2) are centre, size and four points each. Returns score and circle (2, 2) (centre, point
    above the head) of each person, best score first.
    """
    people = []
    left = np.argsort(-scores, kind="stable")
    while left.size:
        together = _iou(boxes[left[0]], boxes[left]) > _SAME_PERSON_OVERLAP
        together[0] = True
        group = left[together]
        circle = np.average(boxes[group, 2:4], axis=0, weights=scores[group])
        people.append((float(scores[left[0]]), circle))
        left = left[~together]
    return people


def _iou(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """Intersection over union (N,) of one box (6, 2) with many (N, 6, 2)."""
    low = np.maximum(box[0] - box[1] / 2, boxes[:, 0] - boxes[:, 1] / 2)
    high = np.minimum(box[0] + box[1] / 2, boxes[:, 0] + boxes[:, 1] / 2)
    shared = np.clip(high - low, 0, None).prod(axis=1)
    return np.asarray(
        shared / np.maximum(box[1].prod() + boxes[:, 1].prod(axis=1) - shared, 1e-9), np.float32
    )

"""BlazePose estimator: a person detector and a landmark network.

Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020; networks, anchors and
decoding as in MediaPipe 0.10.21, modules ``pose_detection`` and ``pose_landmark``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from dance_now.assets import registry as assets
from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.estimators.person_network import PersonLandmarks
from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.pose.model.keypoints import BODY_INDEX, LEFT_HAND, POINT_COUNT, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.blazepose_depth import rescale_depth
from dance_now.pose.networks.litert import LiteRTNetwork, Region, sigmoid
from dance_now.pose.networks.person_detector import DetectedRegion, PersonDetector
from dance_now.pose.tracking.leg_occlusion import hidden_below

_LANDMARK_SIZE: Final = 256
_HEATMAP_SIZE: Final = 64
_MINIMUM_SCORE: Final = 0.5
_SURE_PRESENCE: Final = 0.7
_FEWEST_INSIDE: Final = 9  # landmarks inside the image, for there to be evidence of a person
_LOWEST_CONFIDENCE: Final = 1e-3
_CIRCLE: Final = slice(33, 35)  # auxiliary landmarks of the alignment circle, not body points
_LANDMARK_COUNT: Final = 39
_POINT_COUNT: Final = 33  # the first landmarks, on the body
# outputs of the landmark network, by shape
_VALUES: Final = (1, 5 * _LANDMARK_COUNT)  # x, y, z, visibility, presence
_PRESENCE: Final = (1, 1)
_MASK: Final = (1, _LANDMARK_SIZE, _LANDMARK_SIZE, 1)
_HEATMAPS: Final = (1, _HEATMAP_SIZE, _HEATMAP_SIZE, _LANDMARK_COUNT)
BODY_LANDMARKS: Final = {
    "nose": 0,
    "left_eye": 2,
    "right_eye": 5,
    "left_ear": 7,
    "right_ear": 8,
    "left_shoulder": 11,
    "right_shoulder": 12,
    "left_elbow": 13,
    "right_elbow": 14,
    "left_wrist": 15,
    "right_wrist": 16,
    "left_hip": 23,
    "right_hip": 24,
    "left_knee": 25,
    "right_knee": 26,
    "left_ankle": 27,
    "right_ankle": 28,
    "left_heel": 29,
    "right_heel": 30,
    "left_big_toe": 31,
    "right_big_toe": 32,
}
_HAND_ROWS: Final = (0, 2, 5, 17)  # wrist, thumb, index knuckle, little knuckle
_HAND_LANDMARKS: Final = ((LEFT_HAND.start, (15, 21, 19, 17)), (RIGHT_HAND.start, (16, 22, 20, 18)))
_MIDPOINTS: Final = {"neck": (11, 12), "mid_hip": (23, 24)}


class BlazePose:
    """Detects people and estimates one person's 33 landmarks with depth and a mask.

    Points become BODY_25 (no small toes; neck and mid-hip are midpoints) and four points of each hand
    (wrist, thumb, index and little knuckle). Confidence is the network's visibility, never under 0.001.
    Depth is the network's z from the mid-hip, brought to pixels (``blazepose_depth``).
    """

    def __init__(self, threads: int = 2, models: Path | None = None, *, heavy: bool = False) -> None:
        """Loads both networks.

        Args:
            threads: CPU threads.
            models: folder with ``pose_detection.tflite`` and ``pose_landmark_full.tflite``; by default
                ``dance_now.assets.registry`` finds or fetches them.
            heavy: take the larger landmark network, where it is at hand: twice the time, more exact.

        Raises:
            DanceNowError: a network cannot be fetched, is damaged, or is another network.
        """
        detection, landmark = (
            models / name if models is not None else assets.pose_model(name)
            for name in ("pose_detection.tflite", "pose_landmark_full.tflite")
        )
        if heavy and models is None:
            landmark = assets.heavy_pose_model() or landmark
        self._detector = PersonDetector(detection, threads)
        self._landmarks = LiteRTNetwork(landmark, threads, {_VALUES, _PRESENCE, _MASK, _HEATMAPS})
        self._maskless: LiteRTNetwork | None = None
        self._open_maskless = partial(
            LiteRTNetwork, landmark, threads, {_VALUES, _PRESENCE, _HEATMAPS}, without=frozenset({_MASK})
        )

    def detect(self, image: Image, squares: Sequence[Region]) -> list[DetectedRegion]:
        """Detects people in upright squares of an image, most prominent first; duplicates are possible."""
        return self._detector(image, squares)

    def read_person(
        self, image: Image, region: Region, mask: FloatArray | None = None
    ) -> PersonLandmarks | None:
        """Estimates the landmarks of the person in a region; None where there is none.

        Args:
            image: (H, W, 3) uint8 RGB.
            region: a square around the person.
            mask: (256, 256), of the same person in an earlier region, that is taken again; a quarter faster.
        """
        if not region.is_usable(image):
            return None
        square = region.crop(image, _LANDMARK_SIZE, cv2.BORDER_REPLICATE)
        network = self._landmarks if mask is None else self._without_mask()
        outputs = network(square[None].astype(np.float32) / np.float32(255))
        values = outputs[_VALUES].reshape(_LANDMARK_COUNT, 5)
        presence = float(outputs[_PRESENCE][0, 0])
        if not (presence >= _MINIMUM_SCORE and np.isfinite(values).all()):
            return None
        matrix = region.to_image(_LANDMARK_SIZE)
        in_square = _refined(values[:, :2], outputs[_HEATMAPS][0])
        landmarks = _Landmarks(
            region=region,
            presence=presence,
            points=(in_square @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32),
            depth=values[:, 2] * np.float32(region.size / _LANDMARK_SIZE),
            visibility=sigmoid(values[:, 3]),
            mask=sigmoid(outputs[_MASK][0, :, :, 0]) if mask is None else mask,
        )
        return landmarks.reading(image.shape[1], image.shape[0])

    def _without_mask(self) -> LiteRTNetwork:
        """The landmark network without the layers that only make the mask; opened when first needed."""
        if self._maskless is None:
            self._maskless = self._open_maskless()
        return self._maskless


@dataclass(frozen=True, eq=False)
class _Landmarks:
    """Output of the landmark network: (39, 2) and (39,) in pixels of the image, (256, 256) in [0, 1]."""

    region: Region
    presence: float
    points: FloatArray
    depth: FloatArray
    visibility: FloatArray
    mask: FloatArray

    @property
    def circle(self) -> FloatArray:
        """Alignment circle (2, 2): its centre, and its point above the head."""
        return self.points[_CIRCLE]

    def certainty(self, width: int, height: int) -> float:
        """Mean visibility of the landmarks inside an image; 0 if few are, or if the presence is low.

        What the network guesses outside the image is never visible, so it says nothing about half a person.
        """
        points = self.points[:_POINT_COUNT]
        inside = ((points >= 0) & (points <= (width, height))).all(axis=1)
        if inside.sum() < _FEWEST_INSIDE or self.presence < _SURE_PRESENCE:
            return 0.0
        return float(self.visibility[:_POINT_COUNT][inside].mean())

    def reading(self, width: int, height: int) -> PersonLandmarks:
        """Converts the landmarks of a person in an image of this size."""
        mask = PersonMask(self.mask, self.region.to_image(_LANDMARK_SIZE).astype(np.float32))
        pose = self._pose()
        row = hidden_below(pose, mask, (width, height))
        if np.isfinite(row):
            pose = replace(pose, hidden_below=row)
        return PersonLandmarks(Detection(pose, mask), self.circle, self.certainty(width, height))

    def _pose(self) -> Pose:
        confidence = np.clip(self.visibility, _LOWEST_CONFIDENCE, 1)
        values = np.column_stack([self.points, confidence, self.depth])  # (39, 4): x, y, confidence, depth
        rows = np.zeros((POINT_COUNT, 4), np.float32)
        for name, landmark in BODY_LANDMARKS.items():
            rows[BODY_INDEX[name]] = values[landmark]
        for name, (left, right) in _MIDPOINTS.items():
            rows[BODY_INDEX[name]] = (values[left] + values[right]) / 2
            rows[BODY_INDEX[name], 2] = min(confidence[left], confidence[right])
        for start, landmarks in _HAND_LANDMARKS:
            for row, landmark in zip(_HAND_ROWS, landmarks, strict=True):
                rows[start + row] = values[landmark]
        return Pose(rows[:, :3], rescale_depth(rows[:, 3]), rows[:, 2] > 0)


def _refined(points: FloatArray, heatmaps: FloatArray) -> FloatArray:
    """Refines (39, 2) points of the 256-pixel square to the centre of mass of their heat-map peaks.

    A window of 7x7 cells around each point counts, and only where its peak is at least 0.5.
    """
    scale = _LANDMARK_SIZE / _HEATMAP_SIZE
    cells = np.floor(np.clip(points / scale, -1, _HEATMAP_SIZE)).astype(np.intp)  # (39, 2) x, y
    inside = ((cells >= 0) & (cells < _HEATMAP_SIZE)).all(axis=1)
    window = np.arange(-3, 4)
    x, y = cells[:, 0, None] + window, cells[:, 1, None] + window  # (39, 7)
    valid = ((y >= 0) & (y < _HEATMAP_SIZE))[:, :, None] & ((x >= 0) & (x < _HEATMAP_SIZE))[:, None, :]
    last = _HEATMAP_SIZE - 1
    landmark = np.arange(len(points))[:, None, None]
    heat = sigmoid(heatmaps[np.clip(y, 0, last)[:, :, None], np.clip(x, 0, last)[:, None, :], landmark])
    heat = np.where(valid, heat, np.float32(0))  # (39, 7, 7)
    total = np.maximum(heat.sum(axis=(1, 2)), 1e-6)
    centre = np.stack([(heat.sum(axis=1) * x).sum(axis=1), (heat.sum(axis=2) * y).sum(axis=1)], axis=1)
    sure = inside & (heat.max(axis=(1, 2)) >= _MINIMUM_SCORE)
    return np.where(sure[:, None], centre / total[:, None] * scale, points).astype(np.float32)

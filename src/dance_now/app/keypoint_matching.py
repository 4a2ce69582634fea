"""Keypoints made for another size of the picture: recognized by the people in it, and scaled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.source import Source
from dance_now.pose.formats.keypoint_units import Units
from dance_now.pose.formats.openpose_files import OpenPoseFiles
from dance_now.pose.model.detection import PoseEstimator
from dance_now.pose.model.pose import Pose

_SAMPLES: Final = 3  # frames in which people are compared
_STEP: Final = 12  # frames between them
_SEARCHED: Final = 120  # frames
_FEWEST_POINTS: Final = 5
_SURE: Final = 0.3  # confidence of an estimated point
_FITS: Final = 0.12  # median distance, in heights of the person
_SAME: Final = 0.1  # of the scale: estimators differ by less
_OUTSIDE: Final = 0.3  # share of the points beyond the picture that makes it suspicious
_COMMON_SCALES: Final = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 4 / 3, 3 / 2, 2.0, 3.0, 4.0)
_LARGEST_SCALE: Final = 16
_SNAP: Final = 0.04

_logger = logging.getLogger(__name__)


def match_to_pictures(
    files: OpenPoseFiles, pictures: Source, in_place: bool, open_estimator: Callable[[], PoseEstimator]
) -> OpenPoseFiles:
    """Scales keypoints to the pictures that they are used with, where they were made for another size.

    A person of the files fits a person in the picture when one factor brings all points together. Files that
    name the size of their picture are scaled by that already, and shares of a picture need no scale.

    Args:
        files: keypoints of the pictures.
        pictures: the pictures.
        in_place: whether people in the pictures are replaced; otherwise they are only looked for where the
            keypoints lie outside the pictures.
        open_estimator: opens what finds the people.

    Raises:
        DanceNowError: the keypoints lie outside the pictures and fit nobody at any scale.
    """
    if files.has_canvas or files.units is not Units.PIXELS:
        return files
    sampled = [
        (frame, [each.pose for each in people])
        for frame in _sampled_frames(pictures)
        if (people := files.people(frame.index))
    ]
    reach, is_outside = _reach([pose for _, poses in sampled for pose in poses], pictures.size)
    if not sampled or not (in_place or is_outside):
        return files
    scale = _best_scale(sampled, open_estimator())
    if scale is None:
        if is_outside:
            width, height = pictures.size
            raise DanceNowError(
                f"poses {files.path} reach {reach[0]:.0f}x{reach[1]:.0f} pixels and fit nobody in "
                f"{pictures.path}, which has {width}x{height}. Give keypoints of the same picture.",
                option="poses",
            )
        return files
    if abs(scale - 1) <= _SAME:
        return files
    scale = next((each for each in _COMMON_SCALES if abs(scale / each - 1) < _SNAP), scale)
    width, height = (round(side / scale) for side in pictures.size)
    _logger.warning(
        "%s was made for a picture of about %dx%d; its keypoints are scaled to %dx%d",
        *(files.path, width, height, *pictures.size),
    )
    return files.rescaled(scale)


def _sampled_frames(pictures: Source) -> Iterator[Frame]:
    """Some frames from the beginning of a clip; of single photos the first."""
    count = _SAMPLES if pictures.is_clip else 1
    with closing(pictures.frames()) as frames:
        for place, frame in enumerate(frames):
            if count == 0 or place > _SEARCHED:
                return
            if place % _STEP == 0:
                count -= 1
                yield frame


def _reach(poses: list[Pose], size: tuple[int, int]) -> tuple[FloatArray, bool]:
    """How far points reach (x, y), and whether many of them lie outside an image of that size."""
    if not poses:
        return np.zeros(2, np.float32), False
    points = np.concatenate([pose.points[pose.visible, :2] for pose in poses])
    outside = (points > 1.02 * np.asarray(size)).any(axis=1)
    return points.max(axis=0), float(outside.mean()) > _OUTSIDE


def _best_scale(sampled: list[tuple[Frame, list[Pose]]], estimator: PoseEstimator) -> float | None:
    """The scale at which people of the files fit people in the pictures; 1 if one fits as it is."""
    scales = []
    for frame, poses in sampled:
        estimator.reset()
        pairs = [(given, person.detection.pose) for given in poses for person in estimator(frame.image)]
        fits = [fit for fit in (_fit(*pair) for pair in pairs) if fit is not None]
        if any(abs(scale - 1) <= _SAME for _, scale in fits):
            estimator.reset()
            return 1.0
        if fits:
            scales.append(min(fits)[1])
    estimator.reset()
    if not scales or max(scales) > (1 + _SAME) * min(scales):
        return None
    return float(np.median(scales))


def _fit(given: Pose, found: Pose) -> tuple[float, float] | None:
    """Median distance (in heights of the person) and scale, by least squares; None where they do not fit."""
    both = (given.body[:, 2] > 0) & (found.body[:, 2] > _SURE)
    if both.sum() < _FEWEST_POINTS:
        return None
    source = given.body[both, :2].astype(np.float64)
    target = found.body[both, :2].astype(np.float64)
    height = float(np.ptp(target, axis=0).max())
    scale = float((source * target).sum() / max(float((source * source).sum()), 1e-9))
    distance = float(np.median(np.linalg.norm(scale * source - target, axis=1)))
    fits = 1 / _LARGEST_SCALE <= scale <= _LARGEST_SCALE and distance < _FITS * height
    return (distance / height, scale) if fits else None

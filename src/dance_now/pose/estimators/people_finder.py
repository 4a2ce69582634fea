"""People finder: tracked people of each frame, from an estimator or from keypoint files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from dance_now.core.arrays import Image
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.formats.openpose_files import OpenPoseFiles
from dance_now.pose.formats.openpose_parser import OpenPosePerson
from dance_now.pose.model.detection import (
    Detection,
    EstimatorOptions,
    MasklessEstimator,
    Person,
    PersonMask,
    PoseEstimator,
    TwoStageEstimator,
)
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.instance_masks import instance_masks
from dance_now.pose.tracking.limb_hull import hull_mask
from dance_now.pose.tracking.reidentification import color_histogram
from dance_now.pose.tracking.tracker import Observation, Tracker

_INSIDE: Final = 0.5  # mask value
_OVERLAP: Final = 0.5  # of the keypoints that must lie on the mask of the same person


class PeopleFinder:
    """Finds the people in each frame; with keypoint files, takes the poses from there.

    IDs in the files are their person_id where they hold one, else assigned by a tracker.
    Masks are then the estimator's where it finds the same person, else hulls of the poses.

    Args:
        estimator: by default the base install's; opened when it is first needed.
        poses: keypoint files, one per frame.
        masks: whether masks are needed; without, given poses need no estimator and come with their hulls.
        options: of the estimator if it is opened here; hands and face are set here.
        opener: opens it; by default the base install's.

    Attributes:
        masks: whether masks are needed; it may change between frames.
    """

    def __init__(
        self,
        estimator: PoseEstimator | None = None,
        poses: OpenPoseFiles | None = None,
        masks: bool = True,
        options: EstimatorOptions | None = None,
        opener: Callable[[EstimatorOptions], PoseEstimator] | None = None,
    ) -> None:
        self._estimator = estimator
        self._poses = poses
        self.masks = masks
        self._options = options or EstimatorOptions()
        self._opener = opener or _open_default
        self._tracker = Tracker()

    def __call__(self, image: Image, index: int) -> tuple[Person, ...]:
        """Finds the people in an image ((H, W, 3) uint8 RGB), in the order of their identities.

        Args:
            image: the image.
            index: of the keypoint file that belongs to it.

        Raises:
            DanceNowError: a malformed keypoint file, or networks that cannot be fetched.
        """
        if self._poses is None:
            return self._opened()(image)
        listed = self._poses.people(index)
        found = [
            Detection(each.pose, mask)
            for each, mask in zip(listed, self._all_masks(image, listed), strict=True)
        ]
        numbers: list[int | None] = [each.person_id for each in listed]
        if None in numbers:
            seen = [Observation(each.pose, color_histogram(image, each)) for each in found]
            numbers = self._tracker(seen)
        people = [
            Person(number, each)
            for number, each in zip(numbers, instance_masks(found), strict=True)
            if number is not None and number >= 0
        ]
        return tuple(sorted(people, key=lambda person: person.identity))

    def detect_bodies(self, image: Image, index: int) -> tuple[Person, ...]:
        """Runs the first stage of a call: people without hands and faces, if the estimator has two stages."""
        estimator = self._opened() if self._poses is None else None
        if not self.masks and isinstance(estimator, MasklessEstimator):
            return estimator.detect_bodies_alone(image)
        if isinstance(estimator, TwoStageEstimator):
            return estimator.detect_bodies(image)
        return self(image, index)

    def add_hands_and_faces(self, image: Image, people: tuple[Person, ...]) -> tuple[Person, ...]:
        """Runs the second stage: adds hands and faces, while ``detect_bodies`` may run on the next frame."""
        estimator = self._estimator if self._poses is None else None
        return (
            estimator.add_hands_and_faces(image, people)
            if isinstance(estimator, TwoStageEstimator)
            else people
        )

    @property
    def estimates(self) -> bool:
        """Whether people are found by the estimator, not in keypoint files."""
        return self._poses is None

    @property
    def left_out(self) -> int:
        """Most people found in a frame beyond those who are tracked, where the estimator counts them."""
        return int(getattr(self._estimator, "left_out", 0)) if self._poses is None else 0

    def open(self) -> None:
        """Opens the estimator now, if every frame will need it.

        Raises:
            DanceNowError: its networks cannot be fetched.
        """
        if self._poses is None:
            self._opened()

    def reset(self) -> None:
        """Drops all tracks."""
        self._tracker.reset()
        if self._estimator is not None:
            self._estimator.reset()

    def _all_masks(self, image: Image, listed: list[OpenPosePerson]) -> list[PersonMask]:
        """Mask of each person: the best of the estimator's if it covers that person, else a hull."""
        left = [person.detection.mask for person in self._opened()(image)] if self.masks and listed else []
        masks = []
        for each in listed:
            covered = [_coverage(each.pose, mask) for mask in left]
            best = int(np.argmax(covered)) if covered else -1
            masks.append(left.pop(best) if covered and covered[best] >= _OVERLAP else hull_mask(each.pose))
        return masks

    def _opened(self) -> PoseEstimator:
        if self._estimator is None:
            whole = self._poses is None  # given poses need masks only
            self._estimator = self._opener(replace(self._options, hands=whole, face=whole))
        return self._estimator


def _open_default(options: EstimatorOptions) -> PoseEstimator:
    return open_estimator(**vars(options))


def _coverage(pose: Pose, mask: PersonMask) -> float:
    """Share of a pose's body points that lie on a mask."""
    points = pose.body[pose.body[:, 2] > 0, :2].astype(np.float64)
    if not len(points):
        return 0.0
    matrix = mask.to_image.astype(np.float64)
    places = np.floor((points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T).astype(int)
    height, width = mask.alpha.shape
    inside = ((places >= 0) & (places < (width, height))).all(axis=1)
    places = places[inside]
    return float((mask.alpha[places[:, 1], places[:, 0]] > _INSIDE).sum()) / len(points)

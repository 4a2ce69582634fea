"""Who is in a picture: found by an estimator, or told by keypoint files."""

from __future__ import annotations

from typing import Final

import numpy as np

from dance_now.core.arrays import Image
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.formats.openpose_files import OpenPoseFiles
from dance_now.pose.formats.openpose_parser import ListedPose
from dance_now.pose.model.detection import Detection, Person, PersonMask, PoseEstimator, SteppedEstimator
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.instance_masks import instance_masks
from dance_now.pose.tracking.limb_hull import hull_mask
from dance_now.pose.tracking.reidentification import colors_of
from dance_now.pose.tracking.tracker import Sighting, Tracker

_INSIDE: Final = 0.5  # mask value
_OVERLAP: Final = 0.5  # of the keypoints that must lie on the mask of the same person


class PeopleFinder:
    """Finds the people in each picture; with keypoint files, takes the poses from there.

    Who is who in the files is told by their person_id where they hold one, else found by place and colors.
    Masks are then the estimator's for whom it finds too, else hulls of the poses.

    Args:
        estimator: by default the base install's; opened when it is first needed.
        poses: keypoint files, one a frame.
        masks: whether masks are needed; without, given poses need no estimator and come with their hulls.
        most: how many people the estimator follows if it is opened here.
        threads: of the processor that it then takes.
    """

    def __init__(
        self,
        estimator: PoseEstimator | None = None,
        poses: OpenPoseFiles | None = None,
        masks: bool = True,
        most: int = 1,
        threads: int = 2,
    ) -> None:
        self._estimator = estimator
        self._poses = poses
        self._masks = masks
        self._most = most
        self._threads = threads
        self._tracker = Tracker()

    def __call__(self, image: Image, index: int) -> tuple[Person, ...]:
        """The people in a picture ((H, W, 3) uint8 RGB) in the order of their identities.

        Args:
            image: the picture.
            index: which of the keypoint files belongs to it.

        Raises:
            DanceNowError: a malformed keypoint file, or networks that cannot be had.
        """
        if self._poses is None:
            return self._opened()(image)
        listed = self._poses.people(index)
        found = [
            Detection(each.pose, mask)
            for each, mask in zip(listed, self._all_masks(image, listed), strict=True)
        ]
        numbers: list[int | None] = [each.number for each in listed]
        if None in numbers:
            seen = [Sighting(each.pose, colors_of(image, each)) for each in found]
            numbers = self._tracker(seen)
        people = [
            Person(number, each)
            for number, each in zip(numbers, instance_masks(found), strict=True)
            if number is not None and number >= 0
        ]
        return tuple(sorted(people, key=lambda person: person.identity))

    def bodies(self, image: Image, index: int) -> tuple[Person, ...]:
        """The first half of a call: people without hands and faces where these are read in a second step."""
        estimator = self._opened() if self._poses is None else None
        return estimator.bodies(image) if isinstance(estimator, SteppedEstimator) else self(image, index)

    def closer(self, image: Image, people: tuple[Person, ...]) -> tuple[Person, ...]:
        """The second half: hands and faces of what ``bodies`` found; that may be at the next picture now."""
        estimator = self._estimator if self._poses is None else None
        return estimator.closer(image, people) if isinstance(estimator, SteppedEstimator) else people

    def open(self) -> None:
        """Opens the estimator now, if every picture will need it.

        Raises:
            DanceNowError: its networks cannot be had.
        """
        if self._poses is None:
            self._opened()

    def reset(self) -> None:
        """Forgets everybody."""
        self._tracker.reset()
        if self._estimator is not None:
            self._estimator.reset()

    def _all_masks(self, image: Image, listed: list[ListedPose]) -> list[PersonMask]:
        """Each person's mask: the best of the estimator's if it lies on that person, else a hull."""
        left = [person.detection.mask for person in self._opened()(image)] if self._masks and listed else []
        masks = []
        for each in listed:
            covered = [_covered(each.pose, mask) for mask in left]
            best = int(np.argmax(covered)) if covered else -1
            masks.append(left.pop(best) if covered and covered[best] >= _OVERLAP else hull_mask(each.pose))
        return masks

    def _opened(self) -> PoseEstimator:
        if self._estimator is None:
            whole = self._poses is None  # given poses need masks only
            self._estimator = open_estimator(threads=self._threads, hands=whole, face=whole, most=self._most)
        return self._estimator


def _covered(pose: Pose, mask: PersonMask) -> float:
    """The share of a pose's body points that lie on a mask."""
    points = pose.body[pose.body[:, 2] > 0, :2].astype(np.float64)
    if not len(points):
        return 0.0
    matrix = mask.to_picture.astype(np.float64)
    places = np.floor((points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T).astype(int)
    height, width = mask.alpha.shape
    inside = ((places >= 0) & (places < (width, height))).all(axis=1)
    places = places[inside]
    return float((mask.alpha[places[:, 1], places[:, 0]] > _INSIDE).sum()) / len(points)

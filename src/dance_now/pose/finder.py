"""Who is in a picture: found by an estimator, or told by keypoint files."""

from __future__ import annotations

from typing import Final

import numpy as np

from dance_now.arrays import Image
from dance_now.pose.estimator import Detection, PersonMask, PoseEstimator
from dance_now.pose.hull import hull_mask
from dance_now.pose.opening import open_estimator
from dance_now.pose.openpose_files import OpenPoseFiles, prominent
from dance_now.pose.pose import Pose

_INSIDE: Final = 0.5  # mask value
_OVERLAP: Final = 0.5  # of the keypoints that must lie on the mask of the same person


class PersonFinder:
    """Finds one person in each picture; with keypoint files, takes the pose from there.

    The person in the files is the one with the largest bounding box, followed from frame to frame. The mask
    is then the estimator's if it finds the same person, else a hull of the pose.

    Args:
        estimator: by default the base install's; opened when it is first needed.
        poses: keypoint files, one a frame.
        masks: whether masks are needed; without, given poses need no estimator and come with their hull.
    """

    def __init__(
        self, estimator: PoseEstimator | None = None, poses: OpenPoseFiles | None = None, masks: bool = True
    ) -> None:
        self._estimator = estimator
        self._poses = poses
        self._masks = masks
        self._followed: Pose | None = None

    def __call__(self, image: Image, index: int) -> Detection | None:
        """The person in a picture ((H, W, 3) uint8 RGB), or None where nobody is.

        Args:
            image: the picture.
            index: which of the keypoint files belongs to it.

        Raises:
            DanceNowError: a malformed keypoint file, or networks that cannot be had.
        """
        if self._poses is None:
            return self._opened()(image)
        self._followed = prominent(self._poses.people(index), self._followed)
        if self._followed is None:
            return None
        return Detection(self._followed, self._mask(image, self._followed))

    def reset(self) -> None:
        """Forgets the person followed."""
        self._followed = None
        if self._estimator is not None:
            self._estimator.reset()

    def _mask(self, image: Image, pose: Pose) -> PersonMask:
        if self._masks:
            found = self._opened()(image)
            if found is not None and _covered(pose, found.mask) >= _OVERLAP:
                return found.mask
        return hull_mask(pose)

    def _opened(self) -> PoseEstimator:
        if self._estimator is None:
            whole = self._poses is None  # given poses need a mask only
            self._estimator = open_estimator(hands=whole, face=whole)
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

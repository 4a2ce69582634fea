"""Finds one person by a red shirt, and nothing of them but the trunk: the smallest estimator there can be."""

import numpy as np

from dance_now.core.arrays import Image
from dance_now.pose.model.detection import Detection, EstimatorOptions, Person, PoseEstimator
from dance_now.pose.model.keypoints import BODY_INDEX, POINT_COUNT
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.limb_hull import hull_mask

CORNERS = {  # share of the shirt's width and height; left and right are the person's own
    "right_shoulder": (0, 0),
    "left_shoulder": (1, 0),
    "neck": (0.5, 0),
    "right_hip": (0.1, 1),
    "left_hip": (0.9, 1),
    "mid_hip": (0.5, 1),
}


class RedShirt:
    """Takes everything red for one shirt."""

    def __call__(self, image: Image) -> tuple[Person, ...]:
        """At most one person, always with identity 1."""
        red = (image[..., 0] > 180) & (image[..., 1] < 90) & (image[..., 2] < 90)
        if not red.any():
            return ()
        rows, columns = np.nonzero(red)
        corner = np.array([columns.min(), rows.min()])
        size = np.array([columns.max(), rows.max()]) + 1 - corner
        points = np.zeros((POINT_COUNT, 3), np.float32)
        for name, share in CORNERS.items():
            points[BODY_INDEX[name]] = (*(corner + size * share), 1)
        pose = Pose(points)
        return (Person(1, Detection(pose, hull_mask(pose))),)

    def reset(self) -> None:
        """It remembers nothing."""


def build(options: EstimatorOptions) -> PoseEstimator:
    """What the entry point names; the options that do not apply are ignored."""
    return RedShirt()

"""Sole positions of a character in an image."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton

_ROWS: Final = np.array([[21, 19], [24, 22]])  # heel and big toe of the left foot, then the right
_ANKLES: Final = np.array([[14], [11]])


def sole_points(pose: Pose, skeleton: Skeleton, scale: float) -> npt.NDArray[np.float64]:
    """Contact points of both soles: heel and toe, where they would touch the ground.

    Args:
        pose: the character's own complete pose in pixels of the image.
        skeleton: the character's body.
        scale: pixels of the image per metre of the character.

    Returns:
        (2, 2, 2) pixels: left and right foot; heel and toe; x and y. A skeleton without feet gives the
        ankles' place at its lowest height.
    """
    rows = np.where(skeleton.known[_ROWS], _ROWS, _ANKLES)
    above = np.maximum(skeleton.rest[rows, 1] - skeleton.bounds[0, 1], 0.0)
    points = pose.points[rows, :2].astype(np.float64)
    points[..., 1] += above * scale
    return points

"""Retargeting modes and camera views that the motion benchmarks compare, and their angular errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.model.vectors import normalised
from dance_now.pose.retarget.clip_motion import read_clip
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter
from synthetic_people import RATE, SIZE, View

Array = npt.NDArray[np.float64]
Mode = Callable[[Skeleton, list[Pose]], list[Retargeted]]

VIEWS: Final = {
    "level": View(20, 0),
    "above 15": View(20, 15),
    "above 28": View(20, 28),
    "below 12": View(-20, -12),
    "side": View(90, 5),
    "close": View(10, 15, distance=1.8, height=620),
}
JOINTS: Final = [2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14]
LIMBS: Final = np.array([(8, 1), (2, 3), (5, 6), (3, 4), (6, 7), (9, 10), (12, 13), (10, 11), (13, 14)])


def unsmoothed(skeleton: Skeleton, poses: list[Pose]) -> list[Retargeted]:
    """Retargets frame by frame without filters."""
    retarget = Retargeter(skeleton)
    return [retarget.build(retarget.read(pose, index / RATE, SIZE)) for index, pose in enumerate(poses)]


def live(skeleton: Skeleton, poses: list[Pose]) -> list[Retargeted]:
    """Retargets frame by frame, as for a live source."""
    retarget = Retargeter(skeleton)
    return [retarget(pose, index / RATE, size=SIZE) for index, pose in enumerate(poses)]


def file(skeleton: Skeleton, poses: list[Pose]) -> list[Retargeted]:
    """Retargets a whole clip, with zero-phase smoothing, as for a file."""
    retarget = Retargeter(skeleton)
    readings = read_clip(retarget, poses, [index / RATE for index in range(len(poses))], SIZE)
    return [retarget.build(reading) for reading in readings if reading is not None]


MODES: Final[dict[str, Mode]] = {"live": live, "file": file}


def directions(points: Array) -> Array:
    """Unit directions (n, 9, 3) of LIMBS, of (n, 137, 3) points."""
    result: Array = normalised(points[:, LIMBS[:, 1]] - points[:, LIMBS[:, 0]])
    return result


def view_points(poses: list[Pose], depth_scale: float = 1.0) -> Array:
    """Points (n, 137, 3) of poses in the view frame, pixels."""
    rows = [np.column_stack([p.points[:, 0], -p.points[:, 1], -p.depth * depth_scale]) for p in poses]
    return np.stack(rows).astype(np.float64)


def angular_errors(found: Array, true: Array) -> Array:
    """Angular errors (n, 9) of LIMBS, degrees."""
    cosine = (directions(found) * directions(true)).sum(axis=-1)
    result: Array = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return result

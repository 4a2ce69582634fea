"""Smoothing of a clip's keypoints before they become labels, so that their jitter does not blur a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.pose import Pose
from dance_now.pose.smoothing.zero_phase import zero_phase_filter

Array = npt.NDArray[np.float64]

_SEEN: Final = 0.1  # least confidence of a point that is smoothed
_NOISE: Final = (0.001, 0.01)  # of the height: bounds of the keypoints' noise
_FEWEST: Final = 8  # frames without a gap
_LONGEST_GAP: Final = 2  # frames that are bridged


def smooth_poses(
    poses: Sequence[Pose], frames: Sequence[int], seconds_per_frame: float, height: float
) -> list[Pose]:
    """Smooths keypoints and depth over time, without lag.

    Args:
        poses: of one person, in order.
        frames: the frame of each; longer gaps divide the clip.
        seconds_per_frame: duration of a frame.
        height: of the person, pixels.

    Returns:
        The poses, with the same points missing.
    """
    numbers = np.asarray(frames)
    cuts = np.flatnonzero(np.diff(numbers) > _LONGEST_GAP) + 1
    result: list[Pose] = []
    for part in np.split(np.arange(len(poses)), cuts):
        own = [poses[row] for row in part]
        if len(own) < _FEWEST:
            result += own
        else:
            result += _smooth(own, numbers[part], seconds_per_frame, height)
    return result


def _smooth(poses: list[Pose], frames: npt.NDArray[np.int64], seconds: float, height: float) -> list[Pose]:
    """Smooths one stretch of frames, with its short gaps filled by interpolation."""
    seen = np.stack([pose.points[:, 2] >= _SEEN for pose in poses])
    deep = seen & np.stack([pose.has_depth for pose in poses])
    flat = np.stack([pose.points[:, :2] for pose in poses]).astype(np.float64)
    depth = np.stack([pose.depth for pose in poses]).astype(np.float64)[..., None]
    every = np.arange(frames[0], frames[-1] + 1)
    noise = (_NOISE[0] * height, _NOISE[1] * height)
    rows = frames - frames[0]
    flat, depth = (
        zero_phase_filter(_interpolated(values, known, frames, every), seconds, noise)[rows]
        for values, known in ((flat, seen), (depth, deep))
    )
    return [
        Pose(
            np.column_stack([np.where(shown[:, None], place, pose.points[:, :2]), pose.points[:, 2]]).astype(
                np.float32
            ),
            np.where(known, away[:, 0], pose.depth).astype(np.float32),
            pose.has_depth,
            pose.hidden_below,
        )
        for pose, shown, known, place, away in zip(poses, seen, deep, flat, depth, strict=True)
    ]


def _interpolated(
    values: Array, known: npt.NDArray[np.bool_], frames: npt.NDArray[np.int64], every: npt.NDArray[np.int64]
) -> Array:
    """Values (f, 137, d) at ``every`` frame, linear between the frames at which they are known."""
    result = np.zeros((len(every), *values.shape[1:]))
    for point in range(values.shape[1]):
        rows = np.flatnonzero(known[:, point])
        if len(rows):
            for axis in range(values.shape[2]):
                result[:, point, axis] = np.interp(every, frames[rows], values[rows, point, axis])
    return result

"""Balanced sampling of poses: a clip shows some views for seconds and others for an instant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.keypoints import BODY, BODY_INDEX
from dance_now.pose.model.pose import Pose

_ALIKE: Final = 0.05  # root mean square distance of joints, in heights: poses so near count as one
_REFERENCES: Final = 1000  # poses that density is measured against
_RAREST: Final = 8.0  # times the median, the most that a picture is drawn
_MID_HIP: Final = BODY_INDEX["mid_hip"]


def pose_balance(keypoints: FloatArray) -> FloatArray:
    """Sampling probabilities (n,) inverse to how many pictures show about the same pose from the same side.

    Args:
        keypoints: (n, 137, 4) x, y, depth, confidence in canvas px.
    """
    body = keypoints[:, BODY].astype(np.float64)
    known = body[..., 3:] > 0
    places = np.where(known, body[..., :3] - body[:, _MID_HIP : _MID_HIP + 1, :3], 0)
    height = np.median(np.ptp(places[..., 1], axis=1))
    places = places.reshape(len(places), -1) / max(float(height) * np.sqrt(places.shape[1]), 1e-6)
    chosen = np.unique(np.linspace(0, len(places) - 1, min(_REFERENCES, len(places))).round().astype(int))
    squares = np.square(places).sum(axis=1)
    away = squares[:, None] + squares[chosen] - 2 * places @ places[chosen].T
    density = np.exp(-np.maximum(away, 0) / (2 * _ALIKE**2)).sum(axis=1)
    weight = 1 / np.maximum(density, 1e-6)
    weight = np.minimum(weight, _RAREST * np.median(weight))
    return np.asarray(weight / weight.sum(), np.float32)


def varied_poses(poses: Sequence[Pose], most: int) -> list[int]:
    """Selects at most ``most`` poses, in order, evenly over how they differ instead of over time."""
    if len(poses) <= most:
        return list(range(len(poses)))
    columns = [(pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]) for pose in poses]
    weight = np.cumsum(pose_balance(np.stack([np.concatenate(each, axis=1) for each in columns])))
    places = np.searchsorted(weight, (np.arange(most) + 0.5) / most * weight[-1])
    return np.unique(places).tolist()  # type: ignore[no-any-return]

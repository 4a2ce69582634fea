"""A made-up face with 70 points whose eyes, mouth and brows move, seen from anywhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.keypoints import FACE, POINT_COUNT
from dance_now.pose.model.pose import Pose

Array = npt.NDArray[np.float64]


def face_points(
    left_open: float = 0.33,
    right_open: float = 0.33,
    mouth_open: float = 0.02,
    mouth_width: float = 0.8,
    brow: float = 0.32,
    gaze: tuple[float, float] = (0.0, 0.0),
) -> Array:
    """(70, 3) x to the person's left, y up, z to the front; the eyes are 1 apart and 0.45 wide."""
    points = np.zeros((70, 3))
    angle = np.linspace(-np.pi, 0, 17)
    points[:17] = np.stack([1.1 * np.cos(angle), 1.4 * np.sin(angle), -0.6 - 0.6 * np.sin(angle)], axis=1)
    for first, eye, side, openness in ((36, 17, -1, right_open), (42, 22, 1, left_open)):
        middle = np.array([side * 0.5, 0.0, 0.0])
        half, lid = 0.225, openness * 0.45 / 2
        ring = [[-half, 0], [-0.1, lid], [0.1, lid], [half, 0], [0.1, -lid], [-0.1, -lid]]
        points[first : first + 6, :2] = middle[:2] + ring
        points[eye : eye + 5] = middle + [[x, brow, 0.1] for x in (-0.3, -0.15, 0, 0.15, 0.3)]
        points[68 if side < 0 else 69] = middle + np.array([gaze[0] * 0.45, gaze[1] * 0.45, 0.05])
    points[27:31] = [[0, 0.1 - 0.25 * k, 0.1 + 0.12 * k] for k in range(4)]
    points[31:36] = [[0.1 * k, -0.75, 0.1] for k in range(-2, 3)]
    half, gap = mouth_width / 2, mouth_open / 2
    around = np.array([np.pi - k * np.pi / 6 for k in range(12)])
    points[48:60] = np.stack(
        [half * np.cos(around), -1.1 + (gap + 0.08) * np.sin(around), 0.2 + 0 * around], axis=1
    )
    inner = [[-0.9, 0], [-0.5, 1], [0, 1], [0.5, 1], [0.9, 0], [0.5, -1], [0, -1], [-0.5, -1]]
    points[60:68] = [[half * x, -1.1 + gap * y, 0.2] for x, y in inner]
    return points


def turned(yaw: float = 0.0, nod: float = 0.0) -> Array:
    """(3, 3) rotation: degrees to the person's left, then down."""
    (sy, sx), (cy, cx) = np.sin(np.radians([yaw, nod])), np.cos(np.radians([yaw, nod]))
    return np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])


def face_pose(points: Array, size: float = 60.0, has_depth: bool = True, **angles: float) -> Pose:
    """A pose with nothing but the face, ``size`` pixels between the eyes."""
    seen = points @ turned(**angles).T * size
    rows, depth = np.zeros((POINT_COUNT, 3)), np.zeros(POINT_COUNT)
    rows[FACE] = np.column_stack([seen[:, 0] + 300, 300 - seen[:, 1], np.ones(70)])
    depth[FACE] = -seen[:, 2]
    return Pose(rows, depth, np.full(POINT_COUNT, has_depth))

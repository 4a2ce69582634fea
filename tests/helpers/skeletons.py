"""Two made-up bodies for tests, a chibi and an adult, and a way to pose them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.keypoints import FACE, LEFT_HAND, POINT_COUNT, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.model.vectors import normalised
from dance_now.pose.retarget.kinematics import CharacterBody, Posture

Array = npt.NDArray[np.float64]

_KNUCKLES = ((0.3, 0.2), (0.2, 0.5), (0.05, 0.5), (-0.1, 0.48), (-0.22, 0.44))  # sideways, along
_MIRROR_BODY = np.array(
    [0, 1, 5, 6, 7, 2, 3, 4, 8, 12, 13, 14, 9, 10, 11, 16, 15, 18, 17, 22, 23, 24, 19, 20, 21]
)


@dataclass(frozen=True)
class Proportions:
    """Metres: heights of joints above the floor and half widths of a body in T-pose."""

    hip: float
    hip_half: float
    knee: float
    ankle: float
    foot: float
    neck: float
    shoulder_half: float
    elbow: float
    wrist: float
    hand: float
    ears: float
    ear_half: float
    crown: float


CHIBI = Proportions(0.38, 0.09, 0.22, 0.06, 0.09, 0.66, 0.11, 0.26, 0.40, 0.09, 0.82, 0.17, 1.15)
ADULT = Proportions(0.93, 0.105, 0.51, 0.085, 0.20, 1.46, 0.18, 0.47, 0.73, 0.18, 1.63, 0.07, 1.76)


def chibi_skeleton() -> Skeleton:
    """A cartoon figure, 1.15 m tall, a third of it head."""
    return avatar_skeleton(CHIBI)


def adult_skeleton() -> Skeleton:
    """An average adult, 1.76 m tall; its points lie where pose estimators mark them."""
    return avatar_skeleton(ADULT)


def avatar_skeleton(size: Proportions) -> Skeleton:
    """A symmetric skeleton in T-pose, palms down, that faces the front."""
    rest = np.zeros((POINT_COUNT, 3))
    rest[1], rest[8] = (0, size.neck, 0), (0, size.hip, 0)
    width = 2 * size.ear_half
    head = np.array([[0, -0.21, 0.6], [-0.24, 0.05, 0.43], [-0.5, 0, 0]]) * width + [0, size.ears, 0]
    rest[0], rest[15], rest[17] = head
    rest[2], rest[3], rest[4] = ((-x, size.neck, 0) for x in (size.shoulder_half, size.elbow, size.wrist))
    rest[9], rest[10], rest[11] = ((-size.hip_half, y, 0) for y in (size.hip, size.knee, size.ankle))
    heel = 0.02
    rest[22] = (-size.hip_half, 0.015, size.foot)
    rest[23] = (-size.hip_half - 0.3 * size.foot, 0.015, 0.85 * size.foot)
    rest[24] = (-size.hip_half, heel, -0.25 * size.foot)
    for right, left in zip(
        (2, 3, 4, 9, 10, 11, 15, 17, 22, 23, 24), (5, 6, 7, 12, 13, 14, 16, 18, 19, 20, 21), strict=True
    ):
        rest[left] = rest[right] * [-1, 1, 1]
    rest[RIGHT_HAND] = _right_hand(size) + rest[4]
    rest[LEFT_HAND] = rest[RIGHT_HAND] * [-1, 1, 1]
    angle = np.linspace(0, 2 * np.pi, FACE.stop - FACE.start, endpoint=False)
    rest[FACE] = np.stack([np.cos(angle) * 0.35, np.sin(angle) * 0.4 - 0.2, 0.4 + 0 * angle], 1) * width
    rest[FACE] += [0, size.ears, 0]
    trunk = size.neck - size.hip
    heights = (
        size.hip + 0.25 * trunk,
        size.hip + 0.5 * trunk,
        size.neck + 0.02,
        size.neck + 0.4 * (size.ears - size.neck),
    )
    pivots = np.array([[0, y, 0] for y in heights])
    bounds = np.array([[-size.wrist - size.hand, 0, -0.2], [size.wrist + size.hand, size.crown, size.foot]])
    return Skeleton(
        rest.astype(np.float32),
        np.ones(POINT_COUNT, bool),
        pivots.astype(np.float32),
        bounds.astype(np.float32),
    )


def _right_hand(size: Proportions) -> Array:
    """(21, 3) relative to the wrist: fingers along -x, thumb to the front."""
    hand = np.zeros((21, 3))
    for finger, (side, knuckle) in enumerate(_KNUCKLES):
        for joint, along in enumerate((0, 0.23, 0.38, 0.5)):
            hand[1 + 4 * finger + joint] = (-(knuckle + along), 0, side)
    return hand * size.hand


def posture(
    skeleton: Skeleton, turn: float = 0.0, head_turn: float = 0.0, nod: float = 0.0, **limbs: Any
) -> Posture:
    """A standing posture with relaxed arms, changed.

    Args:
        skeleton: whose.
        turn: degrees that the whole body is turned to its left.
        head_turn: degrees that the head is turned to its left on top of that.
        nod: degrees that the head looks down.
        limbs: ``left_arm``, ``right_arm``, ``left_leg``, ``right_leg``: directions (2, 3) of upper and lower
            limb in the unturned body's axes, of any length.
    """
    down = {"left_arm": [[0.3, -1, 0.05], [0.1, -1, 0.2]], "right_arm": [[-0.3, -1, 0.05], [-0.1, -1, 0.2]]}
    names = ("left_arm", "right_arm", "left_leg", "right_leg")
    rest = _body(skeleton).rest_posture
    wanted = {name: rest.limbs[index] for index, name in enumerate(names)} | down | limbs
    body = about_y(turn)
    directions = normalised(np.array([np.asarray(wanted[name], float) for name in names])) @ body.T
    place = replace(rest, trunk=body @ rest.trunk, hips=body, chest=body, limbs=directions)
    place = replace(place, head=body @ about_y(head_turn) @ about_x(nod))
    carriers = _body(skeleton).carriers(place.hips, place.chest, place.limbs)
    return replace(place, hands=carriers[:2], feet=carriers[2:])


def posed(
    skeleton: Skeleton,
    place: Posture,
    scale: float = 200.0,
    mid_hip: tuple[float, float] = (320.0, 240.0),
    has_depth: bool = True,
) -> Pose:
    """The pose of a body in an image: ``scale`` pixels a metre, its mid-hip at ``mid_hip``."""
    points = _body(skeleton).points(place) * scale
    rows = np.column_stack([mid_hip[0] + points[:, 0], mid_hip[1] - points[:, 1], skeleton.known])
    return Pose(rows.astype(np.float32), -points[:, 2].astype(np.float32), skeleton.known & has_depth)


@lru_cache(maxsize=8)
def _body(skeleton: Skeleton) -> CharacterBody:
    return CharacterBody(skeleton)


def view_points(pose: Pose) -> Array:
    """(137, 3) of a pose with depth in the view frame, pixels."""
    return np.column_stack([pose.points[:, 0], -pose.points[:, 1], -pose.depth]).astype(np.float64)


def mirrored(pose: Pose, width: float) -> Pose:
    """The pose of the mirrored image: left becomes right."""
    order = np.arange(POINT_COUNT)
    order[:25] = _MIRROR_BODY
    order[LEFT_HAND], order[RIGHT_HAND] = order[RIGHT_HAND].copy(), order[LEFT_HAND].copy()
    points = pose.points[order].copy()
    points[:, 0] = np.where(points[:, 2] > 0, width - points[:, 0], 0)
    return Pose(points, pose.depth[order], pose.has_depth[order])


def about_y(degrees: float) -> Array:
    """(3, 3) turn to a body's left."""
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def about_x(degrees: float) -> Array:
    """(3, 3) nod: what points forward goes down."""
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])

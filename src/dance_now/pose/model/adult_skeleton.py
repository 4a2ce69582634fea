"""Average adult skeleton, for motions that are exported without a character.

Source: Drillis and Contini, "Body segment parameters", 1964.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dance_now.pose.model.body_scale import (
    ANKLE_HEIGHT,
    CROWN_ABOVE_EARS,
    EAR_DISTANCE,
    SEGMENT_INDEX,
    SEGMENT_RATIOS,
)
from dance_now.pose.model.keypoints import FACE, LEFT_HAND, POINT_COUNT, RIGHT_HAND
from dance_now.pose.model.skeleton import Skeleton

_HEIGHT: Final = 1.75  # metres
# right and left body points, by row
_RIGHT: Final = (2, 3, 4, 9, 10, 11, 15, 17, 22, 23, 24)
_LEFT: Final = (5, 6, 7, 12, 13, 14, 16, 18, 19, 20, 21)
_NOSE, _EYE, _EAR = (
    (0.0, -0.21, 0.6),
    (0.24, 0.05, 0.43),
    (0.5, 0.0, 0.0),
)  # distances of the ears, from their middle
_TOES: Final = ((0.0, -0.3, 0.95), (0.3, -0.3, 0.8), (0.0, -0.25, -0.2))  # of a foot's length, from the ankle
# of a hand's length: how far to the side and along the hand each finger begins, and where its joints follow
_KNUCKLES: Final = ((0.3, 0.2), (0.2, 0.5), (0.05, 0.5), (-0.1, 0.48), (-0.22, 0.44))
_JOINTS: Final = (0.0, 0.23, 0.38, 0.5)
_HAND: Final = 0.105  # of the height
_PIVOTS: Final = (0.25, 0.5, 1.05, 1.2)  # spine, chest, neck, head; of the way from hips to neck


def adult_skeleton() -> Skeleton:
    """Skeleton of a person of 1.75 m in T-pose, palms down; the face points are not known.

    Proportions are those of ``body_scale`` (Drillis and Contini, 1964).
    """
    size = {name: float(SEGMENT_RATIOS[row]) * _HEIGHT for name, row in SEGMENT_INDEX.items()}
    ankle = ANKLE_HEIGHT * _HEIGHT
    knee = ankle + size["left_shin"]
    hip = knee + size["left_thigh"]
    neck = hip + size["trunk"]
    ears = (1 - CROWN_ABOVE_EARS) * _HEIGHT
    rest = np.zeros((POINT_COUNT, 3))
    rest[1, 1], rest[8, 1] = neck, hip
    rest[[0, 16, 18]] = np.array([_NOSE, _EYE, _EAR]) * EAR_DISTANCE * _HEIGHT + [0, ears, 0]
    rest[5:8, 0] = np.cumsum([size["shoulders"] / 2, size["left_upper_arm"], size["left_forearm"]])
    rest[5:8, 1] = neck
    rest[12:15, 0] = size["hips"] / 2
    rest[12:15, 1] = hip, knee, ankle
    rest[19:22] = rest[14] + np.array(_TOES) * size["left_foot"]
    hand = [(0.0, 0.0, 0.0)] + [(along + step, 0.0, side) for side, along in _KNUCKLES for step in _JOINTS]
    rest[LEFT_HAND] = rest[7] + np.array(hand) * _HAND * _HEIGHT
    rest[list(_RIGHT)] = rest[list(_LEFT)] * [-1, 1, 1]
    rest[RIGHT_HAND] = rest[LEFT_HAND] * [-1, 1, 1]
    known = np.ones(POINT_COUNT, np.bool_)
    known[FACE] = False
    pivots = np.array([[0, hip + share * (neck - hip), 0] for share in _PIVOTS], np.float32)
    reach = float(rest[LEFT_HAND, 0].max())
    bounds = np.array([[-reach, 0, -0.15], [reach, _HEIGHT, 0.25]], np.float32)
    # exported motion should be upright, not as the camera saw it: hence no pitches
    return Skeleton(rest.astype(np.float32), known, pivots, bounds, pitches=(0.0, 0.0))

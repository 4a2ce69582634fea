"""What a body cannot do: soft limits on joints, so that wrong depth makes no broken limbs."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.bones import basis, swing_rotation, unit

Array = npt.NDArray[np.float64]

_OUTWARD: Final = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])  # left, right
_THIGH_CENTRE: Final = unit(np.array([[0.2, -0.6, 0.77], [-0.2, -0.6, 0.77]]))
_THIGH_REACH: Final = np.radians(105)
_INWARD: Final = 0.4
_DEPTH_IS_CHEAP: Final = np.array([1.0, 1.0, 4.0])
_KNEE_SLACK: Final = -0.03
_ELBOW_SLACK: Final = 0.3
_FOOT_REACH: Final = np.radians(50)
_WRIST_REACH: Final = np.radians(60)
_WRIST_TWIST: Final = np.radians(110)
_TRUNK_TWIST: Final = np.radians(60)


def within_cone(directions: Array, centres: Array, reach: float) -> Array:
    """Unit directions (..., 3), those more than ``reach`` radians off their centre moved to that angle."""
    along = (directions * centres).sum(axis=-1, keepdims=True)
    aside = directions - along * centres
    width = np.linalg.norm(aside, axis=-1, keepdims=True)
    edge = centres * np.cos(reach) + aside / np.maximum(width, 1e-9) * np.sin(reach)
    edge = np.where(width < 1e-6, centres, edge)
    return np.where(along >= np.cos(reach), directions, edge)


def limited_chest(hips: Array, chest: Array) -> Array:
    """The chest's rotation, turned at most 60 degrees against the hips."""
    across = within_cone(chest[:, 0], hips[:, 0], _TRUNK_TWIST)
    return basis(across, chest[:, 1])


def limited_legs(legs: Array, hips: Array) -> Array:
    """(2, 2, 3) thighs and shins that hips and knees allow; a knee bends backwards only."""
    thighs = within_cone(legs[:, 0] @ hips, _THIGH_CENTRE, _THIGH_REACH)
    inward = -(thighs * _OUTWARD).sum(axis=1, keepdims=True) - _INWARD
    thighs = unit(thighs + np.maximum(inward, 0.0) * _OUTWARD) @ hips.T
    back = np.cross(hips[:, 0], thighs)
    return np.stack([thighs, _bent(legs[:, 1], back, _KNEE_SLACK)], axis=1)


def limited_arms(arms: Array, chest: Array) -> Array:
    """(2, 2, 3) arms whose elbows do not bend backwards."""
    front = chest[:, 2] - (arms[:, 0] @ chest[:, 2])[:, None] * arms[:, 0]
    return np.stack([arms[:, 0], _bent(arms[:, 1], front, -_ELBOW_SLACK)], axis=1)


def limited_feet(feet: Array, neutral: Array) -> Array:
    """(2, 3) feet at most 50 degrees off where the shins carry them."""
    return within_cone(feet, neutral, _FOOT_REACH)


def limited_hands(hands: Array, forearms: Array, along: Array) -> Array:
    """(2, 3, 3) hand rotations that wrists allow.

    Args:
        hands: (2, 3, 3) wanted.
        forearms: (2, 3, 3) rotations of the forearms, which carry relaxed hands.
        along: (2, 3) unit direction from wrist to knuckles in the rest pose.
    """
    straight = np.einsum("nij,nj->ni", forearms, along)
    wanted = np.einsum("nij,nj->ni", hands, along)
    bent = swing_rotation(straight, within_cone(wanted, straight, _WRIST_REACH)) @ forearms
    twist = np.swapaxes(swing_rotation(straight, wanted) @ forearms, 1, 2) @ hands
    # a rotation by an angle about an axis holds axis * sin in its skew part and 1 + 2 cos as its trace
    skew = np.stack(
        [twist[:, 2, 1] - twist[:, 1, 2], twist[:, 0, 2] - twist[:, 2, 0], twist[:, 1, 0] - twist[:, 0, 1]], axis=1
    )
    angle = np.arctan2((skew * along).sum(axis=1) / 2, (np.trace(twist, axis1=1, axis2=2) - 1) / 2)
    return bent @ _about(along, np.clip(angle, -_WRIST_TWIST, _WRIST_TWIST))


def limited_fingers(fingers: Array, relaxed: Array) -> Array:
    """(2, 5, 3, 3) finger directions near what a hand can do, from relaxed ones."""
    return within_cone(fingers, relaxed, np.radians(75))


def _bent(lower: Array, side: Array, slack: float) -> Array:
    """Lower limbs (2, 3) pushed to point at least ``slack`` towards ``side`` (2, 3; shorter = weaker).

    The push prefers the depth, which is the part of a direction most likely to be wrong.
    """
    length = np.linalg.norm(side, axis=1, keepdims=True)
    missing = np.maximum(slack * length - (lower * side).sum(axis=1, keepdims=True), 0.0)
    push = side * _DEPTH_IS_CHEAP
    gain = (push * side).sum(axis=1, keepdims=True)
    strength = np.clip((length - 0.2) / 0.3, 0.0, 1.0)
    return unit(lower + strength * missing * push / np.maximum(gain, 1e-6))


def _about(axes: Array, angles: Array) -> Array:
    """(n, 3, 3) rotations about unit axes (n, 3) by radians (n)."""
    x, y, z = axes.T
    zero = np.zeros_like(x)
    cross = np.stack([np.stack(row, -1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))], -2)
    sine, cosine = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    return np.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)

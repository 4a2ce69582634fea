"""Joint limits: anatomical clamps, so that wrong depth causes no broken limbs."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.vectors import basis, cross, length, normalised, skew, swing_rotation, unskew

Array = npt.NDArray[np.float64]

_OUTWARD: Final = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])  # left, right
_THIGH_CENTRE: Final = normalised(np.array([[0.2, -0.6, 0.77], [-0.2, -0.6, 0.77]]))
_THIGH_REACH: Final = np.radians(105)
_INWARD: Final = 0.4
_DEPTH_IS_CHEAP: Final = np.array([1.0, 1.0, 4.0])
_KNEE_SLACK: Final = -0.03
_ELBOW_SLACK: Final = 0.3
_FOOT_REACH: Final = np.radians(50)
_WRIST_REACH: Final = np.radians(60)
_WRIST_TWIST: Final = np.radians(110)
_TRUNK_TWIST: Final = np.radians(60)


def clamp_to_cone(directions: Array, centres: Array, reach: float) -> Array:
    """Clamps unit directions (..., 3) to cones of half angle ``reach`` radians around their centres."""
    along = np.einsum("...i,...i->...", directions, centres)[..., None]
    aside = directions - along * centres
    width = length(aside)
    edge = centres * np.cos(reach) + aside / np.maximum(width, 1e-9) * np.sin(reach)
    edge = np.where(width < 1e-6, centres, edge)
    return np.where(along >= np.cos(reach), directions, edge)


def clamp_chest(hips: Array, chest: Array) -> Array:
    """Clamps the chest's twist to 60 degrees against the hips."""
    across = clamp_to_cone(chest[:, 0], hips[:, 0], _TRUNK_TWIST)
    return basis(across, chest[:, 1])


def clamp_legs(legs: Array, hips: Array) -> Array:
    """Clamps thighs and shins (2, 2, 3) to the range of hips and knees; a knee bends backwards only."""
    thighs = clamp_to_cone(legs[:, 0] @ hips, _THIGH_CENTRE, _THIGH_REACH)
    inward = -(thighs * _OUTWARD).sum(axis=1, keepdims=True) - _INWARD
    thighs = normalised(thighs + np.maximum(inward, 0.0) * _OUTWARD) @ hips.T
    back = -cross(thighs, hips[:, 0])
    return np.stack([thighs, _bent(legs[:, 1], back, _KNEE_SLACK)], axis=1)


def clamp_arms(arms: Array, chest: Array) -> Array:
    """Clamps arms (2, 2, 3) so that elbows do not bend backwards."""
    front = chest[:, 2] - (arms[:, 0] @ chest[:, 2])[:, None] * arms[:, 0]
    return np.stack([arms[:, 0], _bent(arms[:, 1], front, -_ELBOW_SLACK)], axis=1)


def clamp_feet(feet: Array, neutral: Array) -> Array:
    """Clamps foot directions (2, 3) to 50 degrees off their neutral direction on the shins."""
    return clamp_to_cone(feet, neutral, _FOOT_REACH)


def flatten_feet(toes: Array, rise: Array, shares: Array) -> Array:
    """Flattens foot directions (2, 3) by ``shares`` (2,) towards a sole flat on the ground.

    Cameras look down on feet, and depth is worst there: a standing foot would point into the ground.

    Args:
        toes: (2, 3) unit directions from ankle to big toe, view frame.
        rise: (2,) their vertical part where the sole is flat.
        shares: (2,) in [0, 1].
    """
    heading = toes * np.array([1.0, 0.0, 1.0])
    size = length(heading)
    flat = heading / np.maximum(size, 1e-6) * np.sqrt(np.maximum(1 - rise**2, 0.0))[:, None]
    flat[:, 1] = rise
    share = shares[:, None] * np.clip((size - 0.2) / 0.3, 0.0, 1.0)
    return normalised(toes + share * (flat - toes))


def clamp_hands(hands: Array, forearms: Array, along: Array) -> Array:
    """Clamps hand rotations (2, 3, 3) to the range of the wrists.

    Args:
        hands: (2, 3, 3) wanted.
        forearms: (2, 3, 3) rotations of the forearms, which carry relaxed hands.
        along: (2, 3) unit direction from wrist to knuckles in the rest pose.
    """
    straight = (forearms @ along[..., None])[..., 0]
    wanted = (hands @ along[..., None])[..., 0]
    bent = swing_rotation(straight, clamp_to_cone(wanted, straight, _WRIST_REACH)) @ forearms
    twist = np.swapaxes(swing_rotation(straight, wanted) @ forearms, 1, 2) @ hands
    # a rotation by an angle about an axis holds axis * sin in its skew part and 1 + 2 cos as its trace
    angle = np.arctan2((unskew(twist) * along).sum(axis=1) / 2, (np.trace(twist, axis1=1, axis2=2) - 1) / 2)
    return bent @ _about(along, np.clip(angle, -_WRIST_TWIST, _WRIST_TWIST))


def _bent(lower: Array, side: Array, slack: float) -> Array:
    """Pushes lower limbs (2, 3) to point at least ``slack`` towards ``side`` (2, 3; shorter = weaker).

    The push prefers the depth, which is the component of a direction most likely to be wrong.
    """
    size = length(side)
    missing = np.maximum(slack * size - (lower * side).sum(axis=1, keepdims=True), 0.0)
    push = side * _DEPTH_IS_CHEAP
    gain = (push * side).sum(axis=1, keepdims=True)
    strength = np.clip((size - 0.2) / 0.3, 0.0, 1.0)
    return normalised(lower + strength * missing * push / np.maximum(gain, 1e-6))


def _about(axes: Array, angles: Array) -> Array:
    """Rotations (n, 3, 3) about unit axes (n, 3) by radians (n,), by Rodrigues' formula."""
    turn = skew(axes)
    sine, cosine = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    return np.eye(3) + sine * turn + (1 - cosine) * (turn @ turn)

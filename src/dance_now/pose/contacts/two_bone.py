"""Two-bone inverse kinematics: analytic, with the swing of elbow or knee kept."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.vectors import cross, length, normalised, swing_rotation

Array = npt.NDArray[np.float64]

_STRETCH: Final = 0.9995  # of the limb's length: at full length the bending plane would be lost
_STRAIGHT: Final = 0.02  # sine of the bend below which the fallback decides the plane


def reach(lengths: Array) -> Array:
    """Greatest distance (...) from the root to the end of limbs with bones of lengths (..., 2)."""
    result: Array = _STRETCH * lengths.sum(axis=-1)
    return result


def solve_two_bones(directions: Array, lengths: Array, goal: Array, side: Array) -> Array:
    """Directions of upper and lower bone with which a limb's end is at its goal, or as near as it reaches.

    The plane in which the limb bends turns with the line from its root to its end, by the smallest rotation.

    Args:
        directions: (..., 2, 3) unit directions of the bones.
        lengths: (..., 2) of the bones.
        goal: (..., 3) from the root of the limb to where its end should be.
        side: (..., 3) towards which a straight limb bends.

    Returns:
        (..., 2, 3) unit directions; the given ones where the end is at its goal already.
    """
    upper, lower = lengths[..., :1], lengths[..., 1:]
    before = (directions * lengths[..., None]).sum(axis=-2)
    old, new = normalised(before), normalised(goal)
    new = np.where(length(goal) < 1e-9, old, new)
    # At rest a limb may be straighter than the solver makes it.
    most = np.maximum(_STRETCH * (upper + lower), np.minimum(length(before), length(goal)))
    span = np.clip(length(goal), np.abs(upper - lower) + 1e-6, most)
    bend = directions[..., 0, :] - (directions[..., 0, :] * old).sum(axis=-1, keepdims=True) * old
    turned = (swing_rotation(old, new) @ bend[..., None])[..., 0]
    share = np.clip(length(bend) / _STRAIGHT, 0.0, 1.0)
    pole = share * normalised(turned) + (1 - share) * normalised(side)
    pole = pole - (pole * new).sum(axis=-1, keepdims=True) * new
    pole = np.where(length(pole) < 1e-6, cross(new, np.roll(new, 1, axis=-1)), pole)
    cosine = np.clip((upper**2 + span**2 - lower**2) / (2 * upper * span), -1.0, 1.0)
    first = cosine * new + np.sqrt(1 - cosine**2) * normalised(pole)
    second = (span * new - upper * first) / lower
    result: Array = np.stack([normalised(first), normalised(second)], axis=-2)
    return result

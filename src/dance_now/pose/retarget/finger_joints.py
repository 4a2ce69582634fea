"""Finger joints as hinges with angle limits; only the first also abducts.

Source: ranges of motion of an adult's fingers (metacarpophalangeal 30 degrees back and 90 forward, proximal
interphalangeal 0 to 110, distal 15 back and 80 forward), as in textbooks on goniometry.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.vectors import cross, length, normalised
from dance_now.pose.retarget.joint_limits import clamp_to_cone

Array = npt.NDArray[np.float64]

_BENDS: Final = np.radians([[-30.0, 90.0], [-5.0, 110.0], [-15.0, 80.0]])  # first to last joint
_SPREAD: Final = np.radians(20)
_THUMB_REACH: Final = np.radians([45.0, 60.0, 75.0])
_FROM: Final = np.radians(-120)  # an angle bent back farther than this is taken for one bent fully forward
_FASTEST: Final = 12.0  # radians a second; network outputs jump faster than fingers move
_ANGLES: Final = 4  # of each finger but the thumb: spread, then the bends from the palm outwards


class FingerJoints:
    """Converts fingers of one skeleton between bone directions and joint angles within limits.

    Directions are in the rest hand's axes; the thumb comes first, sides in the order left, right.
    """

    def __init__(self, rest: Array, relaxed: Array, axes: Array) -> None:
        """Prepares a skeleton's hands.

        Args:
            rest: (2, 5, 3, 3) unit directions of the straight fingers' bones.
            relaxed: (2, 5, 3, 3) of relaxed ones.
            axes: (2, 3) unit axis about which a positive turn bends a finger towards its palm.
        """
        self._straight = rest[:, 1:, 0]  # (2, 4, 3)
        across = np.broadcast_to(axes[:, None], self._straight.shape)
        across = across - self._straight * _dot(across, self._straight)[..., None]
        self._usable = (length(across) > 1e-3)[:, :, None]  # (2, 4, 1, 1)
        self._axes = normalised(across)
        self._inward = cross(self._axes, self._straight)
        self._relaxed = relaxed
        self.relaxed_angles = self.angles(relaxed)

    def angles(self, fingers: Array) -> Array:
        """Joint angles (2, 25) from unit directions (2, 5, 3, 3): 4 for each finger, 3 thumb directions."""
        first, second, third = np.moveaxis(fingers[:, 1:], 2, 0)
        bend = np.clip(_flexion(first, self._straight, self._inward), *_BENDS[0])
        room = _SPREAD * np.clip(np.cos(bend), 0.0, 1.0)  # bent fingers do not spread
        spread = np.clip(np.arcsin(np.clip(_dot(first, self._axes), -1.0, 1.0)), -room, room)
        columns, before = [spread, bend], self._first(spread, bend)
        for wanted, limits in ((second, _BENDS[1]), (third, _BENDS[2])):
            inward = normalised(cross(self._axes, before))
            columns.append(np.clip(_flexion(wanted, before, inward), *limits))
            before = _towards(before, inward, columns[-1])
        thumb = [
            clamp_to_cone(fingers[:, 0, j], self._relaxed[:, 0, j], reach)
            for j, reach in enumerate(_THUMB_REACH)
        ]
        return np.concatenate([np.stack(columns, axis=-1).reshape(2, -1), *thumb], axis=1)

    def directions(self, angles: Array) -> Array:
        """Unit directions (2, 5, 3, 3) from (2, 25) angles, as ``angles`` returns them or interpolated."""
        joints = angles[:, : 4 * _ANGLES].reshape(2, 4, _ANGLES)
        bones = [self._first(joints[..., 0], joints[..., 1])]
        for joint in (2, 3):
            inward = normalised(cross(self._axes, bones[-1]))
            bones.append(_towards(bones[-1], inward, joints[..., joint]))
        fingers = np.where(self._usable, np.stack(bones, axis=2), self._relaxed[:, 1:])
        thumb = angles[:, 4 * _ANGLES :].reshape(2, 3, 3)
        thumb = np.where(length(thumb) > 1e-3, normalised(thumb), self._relaxed[:, 0])
        return np.concatenate([thumb[:, None], fingers], axis=1)

    def _first(self, spread: Array, bend: Array) -> Array:
        return _towards(_towards(self._straight, self._inward, bend), self._axes, spread)


class FingerMotion:
    """Filters fingers over time: eased to relaxed where unseen, with limited angular speed."""

    def __init__(self, joints: FingerJoints) -> None:
        self._joints = joints
        self.reset()

    def reset(self) -> None:
        """Resets the motion state."""
        self._held: Array | None = None
        self._time = -np.inf

    def __call__(self, fingers: Array, trust: Array, decay: float, time: float, smooth: bool) -> Array:
        """Filters joint angles (2, 25), see ``FingerJoints.angles``.

        Args:
            fingers: (2, 5, 3, 3) unit directions measured, in the rest hands' axes.
            trust: (2,) in each hand's.
            decay: share of the way back to relaxed that unseen fingers take since the last call.
            time: seconds.
            smooth: whether ``time`` runs on from the last call.
        """
        relaxed = self._joints.relaxed_angles
        held = relaxed if self._held is None else self._held
        fallback = held + decay * (relaxed - held)
        share = trust[:, None]
        angles = share * self._joints.angles(fingers) + (1 - share) * fallback
        if smooth and self._held is not None:
            step = _FASTEST * max(time - self._time, 0.0)
            angles = np.clip(angles, held - step, held + step)
        self._held, self._time = angles, time
        return angles


def _dot(first: Array, second: Array) -> Array:
    result: Array = np.einsum("...i,...i->...", first, second)
    return result


def _flexion(wanted: Array, straight: Array, inward: Array) -> Array:
    """Flexion angle from ``straight`` in the direction ``inward``, radians, from -120 to 240 degrees."""
    angle = np.arctan2(_dot(wanted, inward), _dot(wanted, straight))
    return np.where(angle < _FROM, angle + 2 * np.pi, angle)


def _towards(start: Array, side: Array, angle: Array) -> Array:
    """Rotates unit directions by ``angle`` from ``start`` to ``side``, which is orthogonal to it."""
    return start * np.cos(angle)[..., None] + side * np.sin(angle)[..., None]

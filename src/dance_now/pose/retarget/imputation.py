"""Imputation of unseen body parts: they decay from their last direction to a rest pose."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.vectors import basis, cross, length, normalised
from dance_now.pose.retarget.kinematics import CharacterBody
from dance_now.pose.retarget.motion_state import safe_unit
from dance_now.pose.retarget.posture_reading import PostureMeasurement

Array = npt.NDArray[np.float64]

NO_TURN: Final = np.tile(np.eye(3)[:2], (2, 1))  # x and y axes of both palms at rest
_FOOT_BELOW_LEVEL: Final = np.radians(20)  # from ankle to big toe on an adult who stands
_RELAXED_ARMS: Final = normalised(
    np.array([[[0.25, -0.95, 0.05], [0.1, -0.95, 0.25]], [[-0.25, -0.95, 0.05], [-0.1, -0.95, 0.25]]])
)
_UPRIGHT: Final = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


class DirectionImputer:
    """Imputes unit rows over time: unseen ones decay to rest."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Resets all rows."""
        self._held: Array | None = None

    def __call__(self, measured: Array, trust: Array, rest: Array, decay: float) -> Array:
        """Returns unit rows (n, 3): measured ones where trusted, else the last ones, decaying to rest.

        Args:
            measured: (n, 3) unit rows.
            trust: (n,) in [0, 1].
            rest: (n, 3) unit rows.
            decay: blend towards rest since the last call, in [0, 1].
        """
        held = rest if self._held is None else self._held
        fallback = safe_unit(held + decay * (rest - held), rest)
        share = trust[:, None]
        self._held = safe_unit(share * measured + (1 - share) * fallback, fallback)
        return self._held


class PoseImputer:
    """Imputes a person's unseen directions for one character."""

    def __init__(self, body: CharacterBody) -> None:
        """Takes the character's body with the rest directions of limbs, feet and hands."""
        self._body = body
        self._rest_frames = np.swapaxes(body.rig.rest_frames[:2].astype(np.float64), 1, 2)
        below = np.arcsin(np.clip(-body.toes[:, 1], -1.0, 1.0))
        self._foot_tilt = np.stack([_about_x(angle) for angle in below - _FOOT_BELOW_LEVEL])
        self._trunk, self._limbs, self._ends = DirectionImputer(), DirectionImputer(), DirectionImputer()

    def reset(self) -> None:
        """Resets the motion state."""
        for each in (self._trunk, self._limbs, self._ends):
            each.reset()

    def limbs(self, seen: PostureMeasurement, decay: float) -> Array:
        """Directions (13, 3) of trunk, head, arms and legs; unseen ones decay to rest."""
        rest = self._body.rest_posture
        trunk = self._trunk(seen.trunk, seen.trunk_trust, _UPRIGHT, decay).copy()
        if seen.trunk_trust[0] < 0.5 <= seen.trunk_trust[1]:
            trunk[0] = trunk[1]
        elif seen.trunk_trust[1] < 0.5 <= seen.trunk_trust[0]:
            trunk[1] = trunk[0]
        hips, chest = self.frames(trunk)
        relaxed = [
            chest.T[:2],
            (_RELAXED_ARMS @ chest.T).reshape(4, 3),
            (rest.limbs[2:] @ hips.T).reshape(4, 3),
        ]
        measured = np.concatenate([seen.head.T[:2], seen.limbs.reshape(8, 3)])
        trust = np.concatenate([[seen.head_trust] * 2, seen.limb_trust.ravel()])
        limbs = self._limbs(measured, trust, np.concatenate(relaxed), decay)
        return np.concatenate([trunk, limbs])

    def ends(self, limbs: Array, seen: PostureMeasurement, decay: float) -> tuple[Array, Array]:
        """Directions (6, 3) of feet and palms in the frames of their parent bones, and the trust (6,)."""
        body = self._body
        carriers = body.carriers(*self.frames(limbs[:3]), limbs[5:].reshape(4, 2, 3))
        forearms, shins = carriers[:2], carriers[2:]
        feet = (self._foot_tilt @ np.swapaxes(shins, 1, 2) @ seen.feet[..., None])[..., 0]
        hands = np.swapaxes(forearms, 1, 2) @ seen.palms @ np.swapaxes(body.palm_frames, 1, 2)
        measured = np.concatenate([feet, np.swapaxes(hands, 1, 2)[:, :2].reshape(4, 3)])
        hand_trust = np.where(body.has_hand, seen.palm_trust, 0.0)
        trust = np.concatenate([seen.feet_trust, np.repeat(hand_trust, 2)])
        return self._ends(measured, trust, np.concatenate([body.toes, NO_TURN]), decay), trust

    def frames(self, trunk: Array) -> tuple[Array, Array]:
        """Rotations of pelvis and chest from hip line, shoulder line and trunk."""
        hips, chest = _square(trunk[:2], trunk[2]) @ self._rest_frames
        return hips, chest


def _square(across: Array, up: Array) -> Array:
    """Orthonormal bases (2, 3, 3) of two x axes (2, 3) and one up (3,); parallel ones get another up."""
    parallel = length(cross(across, np.broadcast_to(up, (2, 3)))) < 1e-3
    instead = across[:, [2, 0, 1]] + np.array([0.0, 0.0, 0.5])
    return basis(across, np.where(parallel, instead, up))


def _about_x(angle: float) -> Array:
    """Rotation (3, 3) about x that lowers a forward direction by ``angle`` radians."""
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])

"""Hand contacts: moves a character's hands to the places of its own body that the person's hands touch."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.contacts.body_landmarks import (
    CONTACT_ROWS,
    FOLLOWS_HAND,
    BodyLandmarks,
    BodySurface,
    hand_probes,
)
from dance_now.pose.contacts.contact_state import Touch
from dance_now.pose.contacts.two_bone import solve_two_bones
from dance_now.pose.model.vectors import length, normalised
from dance_now.pose.retarget import joint_limits as limits
from dance_now.pose.retarget.kinematics import CharacterBody, Posture

Array = npt.NDArray[np.float64]

_LEAST: Final = 0.01  # share of a touch
_FIRMNESS: Final = 1e-3
_FARTHEST: Final = 0.4  # of the character's height
_ARMS: Final = np.array([[5, 6, 7], [2, 3, 4]])
_HANGING_ELBOW: Final = np.array([[0.35, -0.75, -0.55], [-0.35, -0.75, -0.55]])  # in the chest's axes


class HandContacts:
    """Moves the hands of one character."""

    def __init__(self, body: CharacterBody, surface: BodySurface | None = None) -> None:
        self._body = body
        self._landmarks = BodyLandmarks.of(body.skeleton, surface)
        rest = body.rest
        self._lengths = np.linalg.norm(rest[_ARMS[:, 1:]] - rest[_ARMS[:, :-1]], axis=2)
        self._farthest = _FARTHEST * body.skeleton.height

    def __call__(self, posture: Posture, touch: Touch) -> Posture:
        """The posture with its arms changed, hands turned as before where wrists allow it."""
        if touch.share.max() <= _LEAST:
            return posture
        points = self._body.points(posture)
        moves = self.moves(points, posture, touch)
        arms = posture.limbs[:2]
        goals = (arms * self._lengths[..., None]).sum(axis=1) + moves
        side = _HANGING_ELBOW @ posture.chest.T
        solved = limits.clamp_arms(solve_two_bones(arms, self._lengths, goals, side), posture.chest)
        limbs = np.concatenate([solved, posture.limbs[2:]])
        forearms = self._body.carriers(posture.hips, posture.chest, limbs)[:2]
        hands = limits.clamp_hands(posture.hands, forearms, self._body.palm_frames[:, :, 0])
        moved = touch.share[:, None, None] > _LEAST
        return replace(
            posture,
            limbs=np.where(np.concatenate([moved, moved * False])[..., :1], limbs, posture.limbs),
            hands=np.where(moved, hands, posture.hands),
        )

    def moves(self, points: Array, posture: Posture, touch: Touch) -> Array:
        """Ways (2, 3) in metres by which the hands should move.

        Where hands touch each other, both move.
        """
        used = points[CONTACT_ROWS]
        frames = np.stack([posture.head, posture.chest, posture.hips])
        landmarks = self._landmarks(used, frames)
        probes = self._probes(used)
        sizes = self._landmarks.sizes
        wanted = touch.landmarks @ landmarks + (sizes[:, None] * touch.offsets).sum(axis=1)
        missing = wanted - (touch.probes[..., None] * probes).sum(axis=1)
        followed = touch.landmarks @ FOLLOWS_HAND
        share = np.clip(touch.share, 0.0, 1.0)
        follow = np.where(share[::-1] > _LEAST, followed, 0.0)
        matrix = np.array([[1.0, -follow[0]], [-follow[1], 1.0]])
        firm = np.diag(_FIRMNESS + (1 - share) / np.maximum(share, _LEAST))
        moves = np.linalg.solve(matrix.T @ matrix + firm, matrix.T @ (missing * (share[:, None] > _LEAST)))
        return np.where(length(moves) > self._farthest, normalised(moves) * self._farthest, moves)

    def _probes(self, used: Array) -> Array:
        probes = hand_probes(used)
        wrists = used[[7, 4]][:, None]
        result: Array = np.where(self._body.has_hand[:, None, None], probes, wrists)
        return result

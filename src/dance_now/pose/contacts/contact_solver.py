"""Contact solver: changes a character's posture so that its hands and feet keep the person's contacts."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.contacts.body_landmarks import BodySurface
from dance_now.pose.contacts.foot_contacts import HEELS, TOES, FootContacts
from dance_now.pose.contacts.hand_contacts import HandContacts
from dance_now.pose.model.body_scale import SOLE_BELOW_POINTS
from dance_now.pose.retarget.kinematics import CharacterBody, Posture
from dance_now.pose.retarget.motion_state import MotionState

Array = npt.NDArray[np.float64]

_SEEN: Final = 0.5


class ContactSolver:
    """Keeps the contacts of one character."""

    def __init__(self, body: CharacterBody, surface: BodySurface | None = None) -> None:
        self._hands, self._feet = HandContacts(body, surface), FootContacts(body)

    def hold_hands(self, posture: Posture, state: MotionState) -> Posture:
        """The posture with its hands where the person's touch, of the character's own body."""
        return posture if state.contacts is None else self._hands(posture, state.contacts.touch)

    def hold_feet(
        self, posture: Posture, points: Array, scale: float, place: Array, state: MotionState
    ) -> tuple[Posture, Array]:
        """Holds the feet where they stand: posture and translation; arguments as of ``FootContacts``."""
        if state.contacts is None or state.contacts.stance is None:
            return posture, place
        return self._feet(posture, points, scale, place, state.contacts.stance, ground_line(state))


def ground_line(state: MotionState) -> float:
    """Height of the ground under a person's lowest foot, view frame, pixels; minus infinity if unseen."""
    rows = np.concatenate([TOES, HEELS])
    seen = np.asarray(state.point_trust)[rows] > _SEEN
    if not seen.any() or state.height <= 0:
        return -np.inf
    lowest = float(np.asarray(state.points)[rows[seen], 1].min())
    return lowest - SOLE_BELOW_POINTS * state.height

"""Foot contacts: holds a character's standing feet where they are, by its legs and, if need be, its root."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.contacts.contact_state import Stance
from dance_now.pose.contacts.two_bone import reach, solve_two_bones
from dance_now.pose.model.vectors import length, normalised
from dance_now.pose.retarget.kinematics import CharacterBody, Posture

Array = npt.NDArray[np.float64]

TOES: Final = np.array([19, 22])
HEELS: Final = np.array([21, 24])
ANKLES: Final = np.array([14, 11])
_LEGS: Final = np.array([[12, 13, 14], [9, 10, 11]])
_LEAST: Final = 1e-3  # share
_SINK: Final = 0.004  # of the character's height: soles below the ground that are let be
_ROUNDS: Final = 3
_LAZINESS: Final = 0.1  # weight of the body's own place against the legs' lengths
_SMALL_MOVE: Final = 0.025  # of the character's height


class FootContacts:
    """Holds the feet of one character."""

    def __init__(self, body: CharacterBody) -> None:
        self._body = body
        rest = body.rest
        self._lengths = np.linalg.norm(rest[_LEGS[:, 1:]] - rest[_LEGS[:, :-1]], axis=2)
        self._reach = reach(self._lengths)
        low = float(body.skeleton.bounds[0, 1])
        self._known = bool(body.skeleton.known[TOES].all() and body.skeleton.known[HEELS].all())
        self._soles = np.maximum(rest[np.stack([TOES, HEELS]), 1] - low, 0.0)  # (2, 2): toes, heels

    @property
    def toe_rows(self) -> npt.NDArray[np.int_]:
        """Keypoints that are held: big toes, or ankles on a body without feet; left, right."""
        return TOES if self._known else ANKLES

    @property
    def sole_heights(self) -> Array:
        """Heights (2,) of ``toe_rows`` above the ground at rest, metres."""
        low = float(self._body.skeleton.bounds[0, 1])
        return np.asarray(np.maximum(self._body.rest[self.toe_rows, 1] - low, 0.0), np.float64)

    def __call__(
        self, posture: Posture, points: Array, scale: float, place: Array, stance: Stance, ground: float
    ) -> tuple[Posture, Array]:
        """Changes the legs of a posture, and moves the body where a leg does not reach.

        Args:
            posture: as seen by the camera.
            points: (137, 3) of the posture, metres.
            scale: pixels of the image per metre.
            place: (2,) translation to the image, view frame.
            stance: what is held where.
            ground: height in the image below which no sole goes, view frame, pixels; infinite and negative
                where it is not known.

        Returns:
            The posture, and the translation (2,).
        """
        below = self._below_ground(points, scale, place, ground)
        if stance.planted.max() <= _LEAST and below.max() <= 0:
            return posture, place
        headings = self._headings(points, stance)
        steps = points[self.toe_rows] - points[ANKLES]
        toes = headings * length(steps)  # from the ankles
        goals = points[ANKLES].copy()
        held = (stance.anchors - place) / scale - toes[:, :2]
        goals[:, :2] += stance.planted[:, None] * (held - goals[:, :2])
        goals[:, 1] += below * (1 - stance.planted)
        firm = np.maximum(stance.planted, below > 0)
        hips = points[_LEGS[:, 0]]
        shift = self._shift(points[ANKLES] - hips, goals - hips, firm)
        ways = goals - hips
        ways[:, :2] -= shift * firm[:, None]
        legs = posture.limbs[2:]
        solved = solve_two_bones(legs, self._lengths, self._within(ways), np.tile(posture.hips[:, 2], (2, 1)))
        changed = (firm > _LEAST)[:, None, None]
        limbs = np.concatenate([posture.limbs[:2], np.where(changed, solved, legs)])
        shins = self._body.carriers(posture.hips, posture.chest, limbs)[2:]
        feet = self._body.swing(2, shins, headings) if self._known else posture.feet
        return replace(posture, limbs=limbs, feet=feet), place + shift * scale

    def _headings(self, points: Array, stance: Stance) -> Array:
        """Directions (2, 3) from ankle to toes, held where the whole sole stands."""
        own = normalised(points[self.toe_rows] - points[ANKLES])
        share = np.where(length(stance.headings)[:, 0] > 0.5, stance.flat, 0.0)
        return normalised(own + share[:, None] * (stance.headings - own))

    def _below_ground(self, points: Array, scale: float, place: Array, ground: float) -> Array:
        """How far (2,) each foot is below the ground, metres."""
        if not self._known or not np.isfinite(ground):
            return np.zeros(2)
        rows = np.stack([TOES, HEELS])
        lowest = (points[rows, 1] - self._soles).min(axis=0) + (place[1] - ground) / scale
        result: Array = np.maximum(-lowest - _SINK * self._body.skeleton.height, 0.0)
        return result

    def _within(self, ways: Array) -> Array:
        """Ways (2, 3) from hips to ankles with less depth where the leg would be too short."""
        flat = length(ways[:, :2])[:, 0]
        most = np.sqrt(np.maximum(self._reach**2 - np.minimum(flat, self._reach) ** 2, 0.0))
        depth = np.clip(ways[:, 2], -most, most)
        return np.column_stack([ways[:, :2], depth])

    def _shift(self, before: Array, ways: Array, firm: Array) -> Array:
        """Way (2,) in the image that the body moves; metres.

        An almost straight leg bends far if its end moves little, so the body keeps the legs' lengths if a
        small move does it; and it goes further where a leg is too short.

        Args:
            before: (2, 3) from hips to ankles in the posture; ``ways`` (2, 3) as they should be.
            firm: (2,) share of each leg.
        """
        along = normalised(before)[:, :2]
        longer = (along * (ways - before)[:, :2]).sum(axis=1)
        weighted = along * firm[:, None]
        shift = np.linalg.solve(weighted.T @ along + _LAZINESS * np.eye(2), weighted.T @ longer)
        most = _SMALL_MOVE * self._body.skeleton.height
        shift = shift * most / np.maximum(most, np.hypot(*shift))
        weight = firm / max(float(firm.sum()), 1.0)
        for _ in range(_ROUNDS):
            flat = ways[:, :2] - shift
            size = length(flat)
            beyond = np.maximum(size - self._reach[:, None], 0.0) * flat / np.maximum(size, 1e-9)
            shift = shift + (weight[:, None] * beyond).sum(axis=0)
        return np.asarray(shift)

"""Face rig: displacements of a character's face keypoints by an expression (VRM expression presets).

A character from an avatar has expressions with the displacement of each face keypoint. A person's expression
is composed of those, so the result is one that the character can have. For a character without them,
lids, lips and brows are moved as on a generic face.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.retarget.face_expression import VOWELS, Expression

Array = npt.NDArray[np.float64]

_LIDS: Final = {"Left": ((43, 47), (44, 46)), "Right": ((37, 41), (38, 40))}
_EYES: Final = {"Left": slice(42, 48), "Right": slice(36, 42)}
_BROWS: Final = {"Left": slice(22, 27), "Right": slice(17, 22)}
_PUPILS: Final = {"Left": 69, "Right": 68}
_MEETING: Final = 0.3  # of an eye's height above the lower lid: where lids meet
_LEFT_OPEN: Final = 0.1  # of an eye's height, when shut
_WIDEST_MOUTH: Final = 0.25  # between the lips, in distances of the eyes
_UPPER_LIP: Final = 0.35  # of the opening; the rest is the lower lip's
# share of its lip's motion that each point follows
_UPPER: Final = {61: 0.75, 62: 1.0, 63: 0.75, 49: 0.4, 50: 0.8, 51: 0.9, 52: 0.8, 53: 0.4}
_LOWER: Final = {
    65: 0.75,
    66: 1.0,
    67: 0.75,
    55: 0.5,
    56: 0.8,
    57: 0.9,
    58: 0.8,
    59: 0.5,
    7: 0.4,
    8: 0.5,
    9: 0.4,
}
_MOUTH_CORNERS: Final = {48: -1.0, 60: -1.0, 54: 1.0, 64: 1.0}
_CORNER_REACH: Final = 0.08  # in distances of the eyes
_BROW_REACH: Final = 0.12
_GAZE_REACH: Final = (0.2, 0.15)  # of the eye's width and height
_MOOD: Final = 0.7  # greatest weight of an emotion
_BROW_FROM: Final = 0.3
_SMILE: Final = 0.6
_SHUTTING: Final = 0.3  # of an eye's height: a smile that closes eyes more is not used


class FaceRig:
    """Computes face keypoint displacements of one skeleton."""

    def __init__(self, skeleton: Skeleton) -> None:
        """Reads the rest face and the expressions of ``skeleton``."""
        self._rest = skeleton.rest[FACE].astype(np.float64)
        self._known = skeleton.known[FACE]
        self._moves = {name: move.astype(np.float64) for name, move in skeleton.expressions.items()}
        self._can_smile = "happy" in self._moves and self._lid_closure(self._moves["happy"]) < _SHUTTING

    def displacement(self, expression: Expression) -> Array:
        """Displacement (70, 3) of the face points from rest in metres, character frame."""
        if not self._known.any() or expression == Expression():
            return np.zeros(self._rest.shape)
        if not self._moves:
            return self._generic_displacement(expression) * self._known[:, None]
        return np.asarray(
            sum(
                (weight * self._moves[name] for name, weight in self.weights(expression).items()),
                np.zeros(self._rest.shape),
            )
        )

    def weights(self, expression: Expression) -> dict[str, float]:
        """Weights in [0, 1] of the character's own expressions, by their VRM names.

        Those that move lids add up to at most 1 for each eye, and those that move the mouth too, as in the
        training data.
        """
        moods = {
            name: value for name, value in self._emotion_weights(expression).items() if name in self._moves
        }
        room = 1.0 - sum(moods.values())
        chosen = moods | {name: room * value for name, value in viseme_weights(expression).items()}
        left, right = max(expression.left_eye, 0.0), max(expression.right_eye, 0.0)
        if {"blinkLeft", "blinkRight"} <= self._moves.keys():
            chosen |= {"blinkLeft": room * left, "blinkRight": room * right}
        else:
            chosen["blink"] = room * (left + right) / 2
        chosen |= _gaze_weights(expression)
        return {name: value for name, value in chosen.items() if value > 0.01 and name in self._moves}

    def _emotion_weights(self, expression: Expression) -> dict[str, float]:
        brows = (expression.left_brow + expression.right_brow) / 2
        strength = _MOOD * max(abs(brows) - _BROW_FROM, 0.0) / (1 - _BROW_FROM)
        smile = (
            _SMILE * max(expression.mouth_width, 0.0) * (1 - expression.mouth_open)
            if self._can_smile and expression.vowels is None
            else 0.0
        )
        if strength * (brows < 0) > smile:
            return {"angry": strength}
        return {"happy": smile} if smile > strength else {"surprised": strength}

    def _lid_closure(self, move: Array) -> float:
        """Share of the eye's height by which an expression closes the eyes."""
        pairs = np.array([pair for side in _LIDS.values() for pair in side])
        gap = self._rest[pairs[:, 0], 1] - self._rest[pairs[:, 1], 1]
        closing = move[pairs[:, 1], 1] - move[pairs[:, 0], 1]
        return float(closing.sum() / max(float(gap.sum()), 1e-6))

    def _generic_displacement(self, expression: Expression) -> Array:
        """Displacement for a face without expressions, from its rest points alone."""
        rest, move = self._rest, np.zeros(self._rest.shape)
        apart = float(np.linalg.norm(rest[_EYES["Left"]].mean(axis=0) - rest[_EYES["Right"]].mean(axis=0)))
        for side, shut, brow in (
            ("Left", expression.left_eye, expression.left_brow),
            ("Right", expression.right_eye, expression.right_brow),
        ):
            for upper, lower in _LIDS[side]:
                closing = (rest[upper] - rest[lower]) * shut * (1 - _LEFT_OPEN)
                move[upper] -= closing * (1 - _MEETING)
                move[lower] += closing * _MEETING
            move[_BROWS[side], 1] += brow * _BROW_REACH * apart
            size = np.ptp(rest[_EYES[side], :2], axis=0)
            move[_PUPILS[side], :2] += (
                np.array([expression.gaze_left, expression.gaze_up]) * _GAZE_REACH * size
            )
        opening = expression.mouth_open * _WIDEST_MOUTH * apart
        _add(move, _UPPER, 1, opening * _UPPER_LIP)
        _add(move, _LOWER, 1, -opening * (1 - _UPPER_LIP))
        _add(move, _MOUTH_CORNERS, 0, expression.mouth_width * _CORNER_REACH * apart)
        return move


def _add(move: Array, shares: Mapping[int, float], axis: int, way: float) -> None:
    move[list(shares), axis] += np.array(list(shares.values())) * way


def viseme_weights(expression: Expression) -> dict[str, float]:
    """Viseme weights of the vowels, at most 1 together: from open to shut, and from wide to pursed."""
    if expression.vowels is not None:
        return dict(zip(VOWELS, expression.vowels, strict=True))
    opening = expression.mouth_open
    wide, pursed = max(expression.mouth_width, 0.0), max(-expression.mouth_width, 0.0)
    slightly = max(1 - opening * 2, 0.0)  # an open mouth says "ah" whatever its corners do
    return {
        "aa": opening * (1 - pursed) * (1 - 0.5 * wide * slightly),
        "ee": opening * 0.5 * wide * slightly,
        "oh": opening * pursed,
        "ou": (1 - opening) * max(pursed - 0.3, 0.0) / 0.7,
    }


def _gaze_weights(expression: Expression) -> dict[str, float]:
    """Gaze weights of the four directions."""
    aside, up = expression.gaze_left, expression.gaze_up
    return {"lookLeft": aside, "lookRight": -aside, "lookUp": up, "lookDown": -up}

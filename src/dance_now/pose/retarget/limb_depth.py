"""Limb directions in three dimensions from a drawn pose with rough depth, or none.

The picture gives a limb's x and y well. How far it comes towards the viewer follows from its known length
(well for a limb seen end-on, badly for one that lies in the picture's plane) and from the estimator's depth
(the sign well, the size badly); the two are weighed by their errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.body_scale import SEGMENT_INDEX

Array = npt.NDArray[np.float64]

_RAW_ERROR: Final = 0.3  # of the limb's length
_LENGTH_ERROR: Final = 0.08
_SIGN_SOFTNESS: Final = 0.15
_LONGEST: Final = 1.05
_STEEPEST_CAMERA: Final = 0.6  # depth for each pixel of height
_RARELY, _OFTEN = 0.2, 15.0  # changes of side a second: anywhere, and in the picture's plane
_NEAR_PLANE: Final = 0.15  # hidden share of a limb's squared length
_CLEAR_DEPTH: Final = 0.3  # of the length: more is no surer
_WORD: Final = 15.0  # log odds a second
_FIRST_WORD: Final = 0.2  # seconds that a first picture counts for
_LONGEST_STEP: Final = 0.2  # seconds
_SURE: Final = 4.0  # log odds
_DECIDED: Final = 2.0  # a limb is on one side or the other, seldom between
_SLOPE_SECONDS: Final = 2.0
_STANDING: Final = 0.80  # ankles to neck, of the standing height
_TRUNK: Final = SEGMENT_INDEX["trunk"]
_LEGS: Final = [SEGMENT_INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("thigh", "shin")]
_DEADZONES: Final = np.where(np.arange(len(SEGMENT_INDEX)) == _TRUNK, 0.2, 0.1)  # of the length

# Towards the chest's front (1) or its back (-1): where a limb points that the picture shows shortened.
_USUAL_SIDE: Final = {
    "left_upper_arm": 0.5,
    "right_upper_arm": 0.5,
    "left_forearm": 1.0,
    "right_forearm": 1.0,
    "left_thigh": 1.0,
    "right_thigh": 1.0,
    "left_shin": -1.0,
    "right_shin": -1.0,
    "left_foot": 1.0,
    "right_foot": 1.0,
}
_FORWARD: Final = np.array([_USUAL_SIDE.get(name, 0.0) for name in SEGMENT_INDEX])
_ACROSS: Final = np.array([name in ("hips", "shoulders") for name in SEGMENT_INDEX])


@dataclass(frozen=True, eq=False)
class Sticks:
    """SEGMENTS of a person as drawn, view frame (x right, y up, z towards the viewer), pixels.

    Attributes:
        flat: (19, 2) from start to end.
        raw: (19,) the estimator's depth along each, brought to pixels.
        known: (19,) bool: where ``raw`` means anything.
        trust: (19,) in each, in [0, 1].
        lengths: (19,) true lengths.
    """

    flat: Array
    raw: Array
    known: npt.NDArray[np.bool_]
    trust: Array
    lengths: Array


class DepthLifter:
    """Gives one person's limbs their depth, from picture to picture.

    Whether a limb points towards the viewer or away is remembered: estimators take the one for the other for
    some tenths of a second, though a limb can only get from one to the other through the picture's plane.

    Attributes:
        slope: of the camera, see ``level``.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the person and the camera."""
        self.slope = 0.0
        self._slope_trust = 0.0
        self._settled = False
        self._sides = SideMemory(_FIRST_WORD)
        self._ahead: list[Array] | None = None

    def record(self) -> None:
        """Looks through a whole clip from now on, to be followed by ``settle``."""
        self._ahead = []

    def settle(self) -> None:
        """Keeps the slope as it is known now.

        What was recorded is what lies ahead: after this come the same pictures in reverse order.
        """
        self._settled = True
        self._sides = SideMemory(_FIRST_WORD / 10)  # what lies ahead has spoken already

    def __call__(self, sticks: Sticks, time: float, *, turn: float, height: float) -> Array:
        """(19, 3) segments as a level camera would see them; only their directions are meant.

        Args:
            sticks: the person's.
            time: seconds.
            turn: sideways turn of the body, see ``lift``.
            height: the person's standing height in pixels.
        """
        step = self._sides.step_to(time)
        expected, odds = self._sides(sticks, time)
        if self._ahead is not None and not self._settled:
            self._ahead.append(expected.astype(np.float32))
        elif self._ahead:
            odds = odds + self._ahead.pop()
        segments = lift(sticks.flat, sticks.raw, sticks.known, sticks.lengths, turn, odds)
        if not self._settled:
            self._learn_slope(segments, sticks.trust * sticks.known, height, step)
        return calmed(segments @ level(self.slope).T, sticks.lengths)

    def _learn_slope(self, segments: Array, trust_in_segments: Array, height: float, step: float) -> None:
        slope, trust = camera_slope(segments, _STANDING * height)
        trust *= float(trust_in_segments[[_TRUNK, *_LEGS]].min())
        step = min(step, 1.0) if step > 0 else _SLOPE_SECONDS
        memory = _SLOPE_SECONDS if self._ahead is None else np.inf
        self._slope_trust = min(self._slope_trust + trust * step, memory)
        if self._slope_trust > 0:
            self.slope += (slope - self.slope) * trust * step / self._slope_trust


class SideMemory:
    """On which side of the picture's plane each limb points: the forward pass of a hidden Markov model.

    The two states are towards the viewer and away. They change rarely, except for a limb that lies near the
    plane.
    """

    def __init__(self, first_word: float) -> None:
        """Knows nothing; ``first_word`` is how many seconds the first picture counts for."""
        self._first_word = first_word
        self._odds = np.zeros(len(SEGMENT_INDEX))
        self._time = -np.inf

    def step_to(self, time: float) -> float:
        """Seconds since the last picture; 0 for the first."""
        return max(time - self._time, 0.0) if np.isfinite(self._time) else 0.0

    def __call__(self, sticks: Sticks, time: float) -> tuple[Array, Array]:
        """Log odds (19,) of each pointing towards the viewer, before and with this picture's word."""
        step = min(self.step_to(time), _LONGEST_STEP)
        drawn = np.sqrt((sticks.flat * sticks.flat).sum(axis=1)) / np.maximum(sticks.lengths, 1e-6)
        hidden = 1 - np.minimum(drawn, 1.0) ** 2
        rate = _RARELY + _OFTEN * np.exp(-((hidden / _NEAR_PLANE) ** 2))
        change = 0.5 * (1 - np.exp(-2 * rate * step))
        likely = 1 / (1 + np.exp(-self._odds))
        likely = likely + change * (1 - 2 * likely)
        expected = np.log(likely / (1 - likely))
        word = np.clip(sticks.raw / (_CLEAR_DEPTH * np.maximum(sticks.lengths, 1e-6)), -1.0, 1.0)
        word *= sticks.known * sticks.trust * _WORD * (step if self._time > -np.inf else self._first_word)
        self._odds = np.clip(expected + word, -_SURE, _SURE)
        self._time = time
        return expected, self._odds


def lift(
    flat: Array,
    raw: Array,
    known: npt.NDArray[np.bool_],
    lengths: Array,
    turn: float = 0.0,
    odds: Array | None = None,
) -> Array:
    """Segments with their depth made possible and likely.

    Args:
        flat: (19, 2) segments as drawn, view frame (x right, y up), pixels.
        raw: (19,) the estimator's depth along each, towards the viewer positive, in pixels.
        known: (19,) where ``raw`` means anything.
        lengths: (19,) true lengths in pixels.
        turn: sideways turn of the body, -1 (to the picture's left) to 1; used where depth is unknown.
        odds: (19,) log odds of each pointing towards the viewer, from other pictures; without, ``raw``
            decides.

    Returns:
        (19, 3) segments; only their directions are meant.
    """
    drawn = np.sqrt((flat * flat).sum(axis=1))
    lengths = np.maximum(lengths, 1e-6)
    hidden = np.sqrt(np.maximum(lengths**2 - drawn**2, 0.0))
    # the error of the hidden part grows without bound as a limb comes to lie in the picture's plane
    hidden_weight = (hidden / (_LENGTH_ERROR * lengths)) ** 2
    raw_weight = 1 / _RAW_ERROR**2
    size = (np.abs(raw) * raw_weight + hidden * hidden_weight) / (raw_weight + hidden_weight)
    limit = np.sqrt(np.maximum((_LONGEST * lengths) ** 2 - drawn**2, 0.0))
    measured = np.tanh(raw / (_SIGN_SOFTNESS * lengths)) * np.minimum(size, limit)
    if odds is not None:
        right = 1 / (1 + np.exp(-_DECIDED * odds * np.sign(raw)))
        instead = hidden * hidden_weight / (raw_weight + hidden_weight)
        measured = right * measured - (1 - right) * np.sign(raw) * np.minimum(instead, limit)
    # a trunk's true length is known too badly to add depth to what the estimator says, only to bound it
    measured[_TRUNK] = np.clip(raw[_TRUNK], -hidden[_TRUNK], hidden[_TRUNK])
    guessed = _usual_side(flat, turn, lengths) * hidden**2 / (hidden + 0.2 * lengths)
    return np.column_stack([flat, np.where(known, measured, guessed)])


def camera_slope(segments: Array, standing: float) -> tuple[float, float]:
    """How much a camera that looks down or up tilts everybody, from the line of ankles to neck.

    Args:
        segments: (19, 3) from ``lift``.
        standing: distance from ankles to neck on somebody who stands straight, pixels.

    Returns:
        Depth for each pixel of height, and the trust in it in [0, 1]: a bent body says nothing.
    """
    axis = segments[_TRUNK] - segments[_LEGS].sum(axis=0) / 2
    length = float(np.linalg.norm(axis))
    if length < 1e-6 or axis[1] < 0.6 * length:
        return 0.0, 0.0
    slope = float(np.clip(axis[2] / axis[1], -_STEEPEST_CAMERA, _STEEPEST_CAMERA))
    return slope, float(np.clip((length / max(standing, 1e-6) - 0.8) / 0.1, 0.0, 1.0))


def level(slope: float) -> Array:
    """(3, 3) rotation from the view of a camera tilted by ``slope`` to that of a level one."""
    cosine = 1 / np.hypot(1.0, slope)
    sine = slope * cosine
    return np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])


def calmed(segments: Array, lengths: Array) -> Array:
    """(19, 3) segments without small depths: limbs are straight, people upright, more than estimates are."""
    share = (segments[:, 2] / np.maximum(lengths, 1e-6)) ** 2
    calm = segments.copy()
    calm[:, 2] *= share / (share + _DEADZONES**2)
    return calm


def sideways_turn(nose_offset: float, nose_reach: float) -> float:
    """Turn of a body without depth, -1 to 1, from how far the nose is beside the ears (pixels)."""
    return float(np.tanh(1.5 * nose_offset / max(nose_reach, 1e-6)))


def _usual_side(flat: Array, turn: float, lengths: Array) -> Array:
    shoulders = SEGMENT_INDEX["shoulders"]
    facing = float(np.clip(flat[shoulders, 0] / lengths[shoulders], -1, 1))
    facing = float(np.sign(facing) * np.sqrt(abs(facing)))  # a shortened line still mostly faces the viewer
    return np.where(_ACROSS, -turn, _FORWARD * facing)

"""Limb directions in three dimensions from a drawn pose with rough depth, or none.

The picture gives a limb's x and y well. How far it comes towards the viewer follows from its known length
(well for a limb seen end-on, badly for one that lies in the picture's plane) and from the estimator's depth
(the sign well, the size badly); the two are weighed by their errors.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.person import SEGMENT_INDEX

Array = npt.NDArray[np.float64]

_RAW_ERROR: Final = 0.3  # of the limb's length
_LENGTH_ERROR: Final = 0.08
_SIGN_SOFTNESS: Final = 0.2
_LONGEST: Final = 1.05
_STEEPEST_CAMERA: Final = 0.6  # depth for each pixel of height
_TRUNK: Final = SEGMENT_INDEX["trunk"]
_LEGS: Final = [SEGMENT_INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("thigh", "shin")]
_DEADZONES: Final = np.where(np.arange(len(SEGMENT_INDEX)) == _TRUNK, 0.3, 0.15)  # of the length

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


def lift(flat: Array, raw: Array, known: npt.NDArray[np.bool_], lengths: Array, turn: float = 0.0) -> Array:
    """Segments with their depth made possible and likely.

    Args:
        flat: (19, 2) segments as drawn, view frame (x right, y up), pixels.
        raw: (19,) the estimator's depth along each, towards the viewer positive, in pixels.
        known: (19,) where ``raw`` means anything.
        lengths: (19,) true lengths in pixels.
        turn: sideways turn of the body, -1 (to the picture's left) to 1; used where depth is unknown.

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

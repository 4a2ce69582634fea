"""Limb depth: 3D segment directions from 2D keypoints, limb lengths and the estimator's rough depth.

The image gives a limb's x and y precisely. Its depth follows from its known length (precisely for a limb
seen end-on, badly for one that lies in the image plane) and from the estimator's depth (the sign reliably,
the size badly); the two are weighted by their errors. The sign is filtered over time by a hidden Markov
model.
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
_RARELY, _OFTEN = 0.2, 15.0  # changes of sign a second: anywhere, and in the image plane
_NEAR_PLANE: Final = 0.15  # hidden share of a limb's squared length
_CLEAR_DEPTH: Final = 0.3  # of the length: more is no stronger evidence
_EVIDENCE_RATE: Final = 15.0  # log odds a second
_FIRST_SECONDS: Final = 0.2  # weight of the first frame, as a duration
_LONGEST_STEP: Final = 0.2  # seconds
_MAX_LOG_ODDS: Final = 4.0  # log odds
_DECIDED: Final = 2.0  # steepness: the sign is mostly one or the other
_SLOPE_SECONDS: Final = 2.0
_STANDING: Final = 0.80  # ankles to neck, of the standing height
_TRUNK: Final = SEGMENT_INDEX["trunk"]
_LEGS: Final = [SEGMENT_INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("thigh", "shin")]
_DEADZONES: Final = np.where(np.arange(len(SEGMENT_INDEX)) == _TRUNK, 0.2, 0.1)  # of the length

# Sign of the depth of a foreshortened limb: towards the chest's front (1) or its back (-1).
_DEFAULT_SIGN: Final = {
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
_FORWARD: Final = np.array([_DEFAULT_SIGN.get(name, 0.0) for name in SEGMENT_INDEX])
_ACROSS: Final = np.array([name in ("hips", "shoulders") for name in SEGMENT_INDEX])


@dataclass(frozen=True, eq=False)
class SegmentObservation:
    """Observed SEGMENTS of a person, view frame (x right, y up, z towards the viewer), pixels.

    Attributes:
        projected: (19, 2) from start to end.
        raw: (19,) the estimator's depth along each, scaled to pixels.
        known: (19,) bool: where ``raw`` is valid.
        trust: (19,) in each, in [0, 1].
        lengths: (19,) true lengths.
    """

    projected: Array
    raw: Array
    known: npt.NDArray[np.bool_]
    trust: Array
    lengths: Array


class DepthLifter:
    """Estimates the depth of one person's limbs from frame to frame.

    Whether a limb points towards the viewer or away is filtered over time: estimators confuse the two for
    some tenths of a second, though a limb can only change through the image plane.

    Attributes:
        slope: of the camera: its downward tilt as depth for each pixel of height, see ``leveling_rotation``.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Resets the estimates of the person and the camera."""
        self.slope = 0.0
        self._slope_trust = 0.0
        self._frozen = False
        self._depth_signs = DepthSignFilter(_FIRST_SECONDS)
        self._ahead: list[Array] | None = None

    def record(self) -> None:
        """Starts to record a whole clip, before ``freeze``."""
        self._ahead = []

    def freeze(self) -> None:
        """Freezes the slope as estimated so far.

        The recorded states become the backward messages: after this come the same frames in reverse order.
        """
        self._frozen = True
        self._depth_signs = DepthSignFilter(_FIRST_SECONDS / 10)  # the recorded states carry evidence already

    def __call__(self, observed: SegmentObservation, time: float, *, yaw: float, height: float) -> Array:
        """Lifts the segments to (19, 3) as a level camera would see them; only their directions are valid.

        Args:
            observed: the person's segments.
            time: seconds.
            yaw: of the body, see ``lift_segments``.
            height: the person's standing height in pixels.
        """
        step = self._depth_signs.step_to(time)
        expected, log_odds = self._depth_signs(observed, time)
        if self._ahead is not None and not self._frozen:
            self._ahead.append(expected.astype(np.float32))
        elif self._ahead:
            log_odds = log_odds + self._ahead.pop()
        segments = lift_segments(
            observed.projected, observed.raw, observed.known, observed.lengths, yaw, log_odds
        )
        if not self._frozen:
            self._learn_slope(segments, observed.trust * observed.known, height, step)
        return suppress_small_depths(segments @ leveling_rotation(self.slope).T, observed.lengths)

    def _learn_slope(self, segments: Array, trust_in_segments: Array, height: float, step: float) -> None:
        slope, trust = estimate_camera_slope(segments, _STANDING * height)
        trust *= float(trust_in_segments[[_TRUNK, *_LEGS]].min())
        step = min(step, 1.0) if step > 0 else _SLOPE_SECONDS
        memory = _SLOPE_SECONDS if self._ahead is None else np.inf
        self._slope_trust = min(self._slope_trust + trust * step, memory)
        if self._slope_trust > 0:
            self.slope += (slope - self.slope) * trust * step / self._slope_trust


class DepthSignFilter:
    """Filters the sign of each limb's depth: forward pass of a two-state hidden Markov model.

    The two states are towards the viewer and away. They change rarely, except for a limb that lies near the
    plane.
    """

    def __init__(self, first_seconds: float) -> None:
        """Starts without evidence; ``first_seconds`` is the weight of the first frame, as a duration."""
        self._first_seconds = first_seconds
        self._log_odds = np.zeros(len(SEGMENT_INDEX))
        self._time = -np.inf

    def step_to(self, time: float) -> float:
        """Seconds since the last frame; 0 for the first."""
        return max(time - self._time, 0.0) if np.isfinite(self._time) else 0.0

    def __call__(self, observed: SegmentObservation, time: float) -> tuple[Array, Array]:
        """Updates the log odds (19,) of each pointing towards the viewer: before and after this frame."""
        step = min(self.step_to(time), _LONGEST_STEP)
        drawn = np.sqrt((observed.projected * observed.projected).sum(axis=1)) / np.maximum(
            observed.lengths, 1e-6
        )
        hidden = 1 - np.minimum(drawn, 1.0) ** 2
        rate = _RARELY + _OFTEN * np.exp(-((hidden / _NEAR_PLANE) ** 2))
        change = 0.5 * (1 - np.exp(-2 * rate * step))
        likely = 1 / (1 + np.exp(-self._log_odds))
        likely = likely + change * (1 - 2 * likely)
        expected = np.log(likely / (1 - likely))
        evidence = np.clip(observed.raw / (_CLEAR_DEPTH * np.maximum(observed.lengths, 1e-6)), -1.0, 1.0)
        evidence *= (
            observed.known
            * observed.trust
            * _EVIDENCE_RATE
            * (step if self._time > -np.inf else self._first_seconds)
        )
        self._log_odds = np.clip(expected + evidence, -_MAX_LOG_ODDS, _MAX_LOG_ODDS)
        self._time = time
        return expected, self._log_odds


def lift_segments(
    projected: Array,
    raw: Array,
    known: npt.NDArray[np.bool_],
    lengths: Array,
    yaw: float = 0.0,
    log_odds: Array | None = None,
) -> Array:
    """Lifts 2D segments to 3D with depths that agree with limb lengths and the estimator.

    Args:
        projected: (19, 2) segments in the image, view frame (x right, y up), pixels.
        raw: (19,) the estimator's depth along each, towards the viewer positive, in pixels.
        known: (19,) where ``raw`` is valid.
        lengths: (19,) true lengths in pixels.
        yaw: of the body, -1 (to the image's left) to 1; used where depth is unknown.
        log_odds: (19,) log odds of each pointing towards the viewer, from other frames; without, ``raw``
            decides.

    Returns:
        (19, 3) segments; only their directions are valid.
    """
    drawn = np.sqrt((projected * projected).sum(axis=1))
    lengths = np.maximum(lengths, 1e-6)
    hidden = np.sqrt(np.maximum(lengths**2 - drawn**2, 0.0))
    # the error of the hidden part grows without bound as a limb comes to lie in the image plane
    hidden_weight = (hidden / (_LENGTH_ERROR * lengths)) ** 2
    raw_weight = 1 / _RAW_ERROR**2
    size = (np.abs(raw) * raw_weight + hidden * hidden_weight) / (raw_weight + hidden_weight)
    limit = np.sqrt(np.maximum((_LONGEST * lengths) ** 2 - drawn**2, 0.0))
    measured = np.tanh(raw / (_SIGN_SOFTNESS * lengths)) * np.minimum(size, limit)
    if log_odds is not None:
        right = 1 / (1 + np.exp(-_DECIDED * log_odds * np.sign(raw)))
        instead = hidden * hidden_weight / (raw_weight + hidden_weight)
        measured = right * measured - (1 - right) * np.sign(raw) * np.minimum(instead, limit)
    # a trunk's true length is too uncertain to add depth to the estimator's, only to bound it
    measured[_TRUNK] = np.clip(raw[_TRUNK], -hidden[_TRUNK], hidden[_TRUNK])
    guessed = _default_depth(projected, yaw, lengths) * hidden**2 / (hidden + 0.2 * lengths)
    return np.column_stack([projected, np.where(known, measured, guessed)])


def estimate_camera_slope(segments: Array, standing: float) -> tuple[float, float]:
    """Estimates the camera's tilt from the line of ankles to neck.

    Args:
        segments: (19, 3) from ``lift_segments``.
        standing: distance from ankles to neck of a person who stands straight, pixels.

    Returns:
        The slope (depth for each pixel of height), and the trust in it in [0, 1]: 0 for a bent body.
    """
    axis = segments[_TRUNK] - segments[_LEGS].sum(axis=0) / 2
    length = float(np.linalg.norm(axis))
    if length < 1e-6 or axis[1] < 0.6 * length:
        return 0.0, 0.0
    slope = float(np.clip(axis[2] / axis[1], -_STEEPEST_CAMERA, _STEEPEST_CAMERA))
    return slope, float(np.clip((length / max(standing, 1e-6) - 0.8) / 0.1, 0.0, 1.0))


def leveling_rotation(slope: float) -> Array:
    """Rotation (3, 3) from the view of a camera tilted by ``slope`` to that of a level one."""
    cosine = 1 / np.hypot(1.0, slope)
    sine = slope * cosine
    return np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])


def suppress_small_depths(segments: Array, lengths: Array) -> Array:
    """Shrinks small depths of segments (19, 3): limbs are straighter, people more upright than estimated."""
    share = (segments[:, 2] / np.maximum(lengths, 1e-6)) ** 2
    calm = segments.copy()
    calm[:, 2] *= share / (share + _DEADZONES**2)
    return calm


def estimate_yaw(nose_offset: float, nose_reach: float) -> float:
    """Estimates the yaw of a body without depth, -1 to 1, from the nose's offset from the ears (pixels)."""
    return float(np.tanh(1.5 * nose_offset / max(nose_reach, 1e-6)))


def _default_depth(projected: Array, yaw: float, lengths: Array) -> Array:
    shoulders = SEGMENT_INDEX["shoulders"]
    facing = float(np.clip(projected[shoulders, 0] / lengths[shoulders], -1, 1))
    facing = float(np.sign(facing) * np.sqrt(abs(facing)))  # a shortened line still mostly faces the viewer
    return np.where(_ACROSS, -yaw, _FORWARD * facing)

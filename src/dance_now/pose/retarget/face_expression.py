"""Facial expression estimation from face keypoints, relative to the person's own neutral face.

Each measure is a ratio within one face, in the head's own frame. How far open an eye or how high a brow
rests differs from person to person, so a neutral face is learned over time, starting from, and staying
near, an average adult's (after Farkas, "Anthropometry of the Head and Face", 1994, as far as the
face networks mark the same points); a single photo is compared with the average alone.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import astuple, dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.vectors import basis, cross, length
from dance_now.pose.smoothing.one_euro import OneEuroFilter

Array = npt.NDArray[np.float64]

# Measures: openness of the left and right eye (of its width); opening and width of the mouth, height of the
# left and right brow above the eye (of the distance between the eyes); gaze to the left and up (of an eye's
# width).
_AVERAGE: Final = np.array([0.33, 0.33, 0.02, 0.80, 0.32, 0.32, 0.0, 0.0])
_LOWEST: Final = np.array([0.15, 0.15, 0.0, 0.50, 0.20, 0.20, -0.08, -0.22])
_HIGHEST: Final = np.array([1.60, 1.60, 0.10, 1.10, 0.80, 0.80, 0.08, 0.08])  # drawn faces have large eyes
# Share of the time that a measure is below its neutral value: eyes are mostly open, mouths mostly shut.
_QUANTILES: Final = np.array([0.7, 0.7, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5])

_LIDS: Final = (((43, 47), (44, 46)), ((37, 41), (38, 40)))  # left, right: upper and lower points
_CORNERS: Final = ((42, 45), (36, 39))  # from the person's right to the left
_LIPS: Final = ((61, 67), (62, 66), (63, 65))
_BROWS: Final = (slice(22, 27), slice(17, 22))
_PUPILS: Final = (69, 68)
_NEEDED: Final = np.array([0, 16, 27, 33, *range(17, 27), *range(36, 49), 54, *range(60, 68)])

_WINDOW_SAMPLES: Final = 120
_SAMPLE_SECONDS: Final = 0.1
_SAMPLE_TRUST: Final = 0.3  # below, the neutral face is not updated
_PRIOR_SECONDS: Final = 1.5
_LEAST_CONFIDENCE: Final = 0.3
# Pixels between the eyes, from no to full trust: below, lids are two or three pixels apart and flicker.
_SMALL_FACE: Final = (16.0, 28.0)
_SMALL_EYES: Final = (18.0, 40.0)  # the same for lids alone
_YAW: Final = np.radians([45.0, 60.0])
_NOD: Final = np.radians([40.0, 55.0])
# A face that looks down seems to close the eyes: lids follow the gaze, and the eyes are foreshortened.
_NOD_OF_LIDS: Final = np.radians([8.0, 40.0])
_LIDS_WITH_GAZE: Final = 1.8  # share of the eye's opening lost, for a gaze lower by an eye's width
_LOWEST_GAZE: Final = 0.2
_ASIDE: Final = (0.2, 0.3)  # how far the bridge of the nose is off the middle of a flat face's width
_RISE_SECONDS, _FALL_SECONDS = 0.1, 0.3
# departures from neutral: end of the dead zone, and full expression
_EYE_CLOSING: Final = (0.15, 0.7)  # of the neutral openness
_WINK: Final = (0.5, 0.85)  # difference of the eyes: noise below, a wink above
_MOUTH_OPENING: Final = (0.015, 0.28)  # speech opens a mouth by 0.1 to 0.2
_MOUTH_WIDENING: Final = (0.05, 0.25)  # of the neutral width
_BROW_MOVING: Final = (0.03, 0.14)
_GAZE_MOVING: Final = (0.03, 0.22)


VOWELS: Final = ("aa", "ih", "ou", "ee", "oh")
"""VRM's names of the mouth shapes that speech is made of."""
# How open and how wide the mouth is in each of VOWELS, for faces without these shapes.
_OPEN: Final = np.array([1.0, 0.25, 0.3, 0.45, 0.65])
_WIDE: Final = np.array([0.0, 0.8, -1.0, 0.5, -0.7])


@dataclass(frozen=True)
class Expression:
    """Facial expression coefficients; all 0 for a neutral face.

    Attributes:
        left_eye, right_eye: how far closed, 1 is shut; down to -0.5 for eyes opened wide.
        mouth_open: 1 is wide open.
        mouth_width: from -1 (pursed) to 1 (drawn wide, as by a smile).
        left_brow, right_brow: from -1 (lowered) to 1 (raised).
        gaze_left, gaze_up: from -1 to 1, to the person's left and up.
        vowels: (5,) weights of VOWELS where the mouth follows a sound; else opening and width shape it.
    """

    left_eye: float = 0.0
    right_eye: float = 0.0
    mouth_open: float = 0.0
    mouth_width: float = 0.0
    left_brow: float = 0.0
    right_brow: float = 0.0
    gaze_left: float = 0.0
    gaze_up: float = 0.0
    vowels: tuple[float, ...] | None = field(default=None, repr=False)

    def speaking(self, vowels: Array) -> Expression:
        """The same face with a mouth that says a mixture (5,) of VOWELS."""
        opening, width = float(np.clip(vowels @ _OPEN, 0, 1)), float(np.clip(vowels @ _WIDE, -1, 1))
        return replace(self, mouth_open=opening, mouth_width=width, vowels=tuple(vowels.tolist()))


class ExpressionReader:
    """Estimates one person's expression from frame to frame.

    Example:
        >>> read = ExpressionReader()
        >>> read(Pose.empty(), time=0.0)
        Expression(left_eye=0.0, right_eye=0.0, mouth_open=0.0, mouth_width=0.0, left_brow=0.0, \
right_brow=0.0, gaze_left=0.0, gaze_up=0.0)
    """

    def __init__(self) -> None:
        self._filter = OneEuroFilter(min_cutoff=1.5, beta=6.0, derivative_cutoff=5.0)
        self._known: Array | None = None
        self.reset()

    def fix_neutral(self, neutral: Array | None) -> None:
        """Takes a person's neutral face (8,) as known, also after a reset; None learns it again."""
        self._known = neutral

    def reset(self) -> None:
        """Resets the estimate of the person."""
        self._filter.reset()
        self._samples: deque[Array] = deque(maxlen=_WINDOW_SAMPLES)
        self._neutral: Array = _AVERAGE
        self._sampled = -np.inf
        self._time = -np.inf
        self._share = np.zeros(len(_AVERAGE))

    def __call__(self, pose: Pose, time: float) -> Expression:
        """Estimates the expression of the face in ``pose``; a lost, tiny or averted face eases to neutral.

        Args:
            pose: in pixels; its depth is used where it is known for the whole face.
            time: seconds, rising from call to call until ``reset``.
        """
        measures, trust = measure_face(pose)
        seen = float(trust.max())
        values = self._filter.filter(measures if seen > 0 else np.full(len(_AVERAGE), np.nan), time)
        self._ease(trust, time)
        if seen > 0.5 and time - self._sampled >= _SAMPLE_SECONDS:
            self._samples.append(np.where(trust > _SAMPLE_TRUST, measures, self.neutral))
            self._neutral = self._usual()
            self._sampled = time
        self._time = time
        if not self._share.any():
            return Expression()
        shown = self._share * _departures(values, self.neutral)
        return Expression(*shown.tolist())

    @property
    def neutral(self) -> Array:
        """Measures (8,) of the person's neutral face, as far as it is known."""
        return self._neutral if self._known is None else self._known

    def _usual(self) -> Array:
        """Neutral face estimated from the samples, blended with the average."""
        seconds = len(self._samples) * _SAMPLE_SECONDS
        samples = np.sort(np.array(self._samples), axis=0)
        rows = np.round(_QUANTILES * (len(samples) - 1)).astype(int)
        usual = samples[rows, np.arange(len(_AVERAGE))]
        share = 0.0 if len(samples) < 2 else seconds / (seconds + _PRIOR_SECONDS)
        return np.clip(_AVERAGE + share * (usual - _AVERAGE), _LOWEST, _HIGHEST)

    def _ease(self, trust: Array, time: float) -> None:
        if not np.isfinite(self._time):
            self._share = trust
            return
        seconds = np.where(trust > self._share, _RISE_SECONDS, _FALL_SECONDS)
        share = trust + (self._share - trust) * np.exp(-max(time - self._time, 0.0) / seconds)
        self._share = np.where((trust == 0) & (share < 0.01), 0.0, share)


def clip_neutral(measures: Array) -> Array:
    """Clips measures (8,) to those that neutral faces have.

    Raises:
        ValueError: another shape, or not finite.
    """
    if measures.shape != _AVERAGE.shape or not np.isfinite(measures).all():
        raise ValueError("a neutral face has eight finite measures")
    return np.clip(measures, _LOWEST, _HIGHEST)


def measure_face(pose: Pose) -> tuple[Array, Array]:
    """Measures a face: eight ratios, and the trust in each in [0, 1]."""
    nothing = np.zeros(len(_AVERAGE))
    if pose.face[_NEEDED, 2].min() < _LEAST_CONFIDENCE:
        return nothing, nothing
    solid = bool(pose.has_depth[FACE][_NEEDED].all())
    points = np.column_stack([pose.face[:, :2], pose.depth[FACE]]).astype(np.float64) * [1.0, -1.0, -1.0]
    if not solid:
        points[:, 2] = 0.0
    left, right = ((points[first] + points[last]) / 2 for first, last in _CORNERS)
    apart = float(np.linalg.norm(left - right))
    up = points[27] - points[33]
    if apart < 1e-3 or float(length(cross(left - right, up))[0]) < 1e-3 * apart * apart:
        return nothing, nothing
    head = basis(left - right, up)
    trust = np.full(len(_AVERAGE), _trust(points, head, solid) * _ramp_up(apart, _SMALL_FACE))
    trust[:2] *= _ramp_up(apart, _SMALL_EYES) * _ramp_down(_nod(head), (_NOD_OF_LIDS[0], _NOD_OF_LIDS[1]))
    return _measurements(points @ head, apart), trust


def _measurements(points: Array, apart: float) -> Array:
    """Ratios of (70, 3) points in the head's own frame whose eyes are ``apart`` pixels."""
    measures = np.zeros(len(_AVERAGE))
    gaze = np.zeros(2)
    for side, (first, last) in enumerate(_CORNERS):
        middle = (points[first] + points[last]) / 2
        width = max(float(np.linalg.norm(points[last] - points[first])), 1e-3)
        measures[side] = np.mean([points[up, 1] - points[low, 1] for up, low in _LIDS[side]]) / width
        measures[4 + side] = (points[_BROWS[side], 1].mean() - middle[1]) / apart
        gaze += (points[_PUPILS[side], :2] - middle[:2]) / (2 * width)
    measures[2] = np.mean([points[up, 1] - points[low, 1] for up, low in _LIPS]) / apart
    measures[3] = float(np.linalg.norm(points[54] - points[48])) / apart
    measures[6:] = gaze
    return np.clip(measures, -2.0, 2.0)


def _trust(points: Array, head: Array, solid: bool) -> float:
    """Trust in a face: less for faces turned away, whose far half is guessed."""
    if solid:
        forward = head[:, 2]
        yaw = abs(float(np.arctan2(forward[0], forward[2])))
        return _ramp_down(yaw, (_YAW[0], _YAW[1])) * _ramp_down(abs(_nod(head)), (_NOD[0], _NOD[1]))
    level = points @ head[:, 0]
    width = float(level[16] - level[0])
    if width <= 1e-3:
        return 0.0
    return _ramp_down(abs(float(level[27] - level[0]) / width - 0.5), _ASIDE)


def _nod(head: Array) -> float:
    """Downward pitch of a face, radians; 0 for one without depth."""
    return math.asin(min(max(-float(head[1, 2]), -1.0), 1.0))


def _ramp_up(value: float, span: tuple[float, float]) -> float:
    """Linear ramp: 0 up to the span's start, 1 from its end on."""
    return 1.0 - _ramp_down(value, span)


def _ramp_down(value: float, span: tuple[float, float]) -> float:
    """Linear ramp: 1 up to the span's start, 0 from its end on."""
    return min(max((span[1] - value) / (span[1] - span[0]), 0.0), 1.0)


def _departures(values: Array, neutral: Array) -> Array:
    """Expression coefficients (8,) from measures and the neutral face."""
    off = values - neutral
    result = np.zeros(len(_AVERAGE))
    lowered = neutral[:2] * (1 - _LIDS_WITH_GAZE * np.clip(-off[7], 0.0, _LOWEST_GAZE))
    closing = np.maximum(1 - values[:2] / lowered, 0.0) + np.minimum(1 - values[:2] / neutral[:2], 0.0)
    result[:2] = _couple_lids(np.clip(_apply_dead_zone(closing, _EYE_CLOSING), -0.5, 1.0))
    result[2] = np.clip(_apply_dead_zone(off[2], _MOUTH_OPENING), 0.0, 1.0)
    result[3] = np.clip(_apply_dead_zone(off[3] / neutral[3], _MOUTH_WIDENING), -1.0, 1.0)
    result[4:6] = np.clip(_apply_dead_zone(off[4:6], _BROW_MOVING), -1.0, 1.0)
    result[6:] = np.clip(_apply_dead_zone(off[6:], _GAZE_MOVING), -1.0, 1.0) * (
        1 - np.clip(result[:2].mean(), 0, 1)
    )
    return result


def _couple_lids(lids: Array) -> Array:
    """Couples both lids (2,), unless one is clearly open and the other shut."""
    wink = 1 - _ramp_down(abs(float(lids[0] - lids[1])), _WINK)
    return lids.mean() + wink * (lids - lids.mean())


def _apply_dead_zone(off: npt.ArrayLike, span: tuple[float, float]) -> Array:
    """Dead zone: 0 within the span's start on both sides, 1 and -1 at its end."""
    off = np.asarray(off, np.float64)
    return np.sign(off) * np.maximum(np.abs(off) - span[0], 0.0) / (span[1] - span[0])


def expression_values(expression: Expression) -> Array:
    """Coefficients (8,) of an expression in the order of its attributes."""
    return np.array(astuple(expression)[:8], np.float64)

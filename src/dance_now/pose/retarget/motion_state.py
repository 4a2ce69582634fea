"""Motion state: a person's posture in one frame as arrays that can be smoothed, and the live smoother."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray
from dance_now.pose.contacts.contact_state import Contacts
from dance_now.pose.model.vectors import length
from dance_now.pose.smoothing.one_euro import OneEuroFilter, blend

Array = npt.NDArray[np.float64]

_SHORTEST: Final = 1e-3
# Rows of the body that move together: trunk, head, left arm, right arm, left leg, right leg.
BODY_PARTS: Final = (
    np.array([1, 2, 5, 8, 9, 12]),
    np.array([0, 15, 16, 17, 18]),
    np.array([6, 7]),
    np.array([3, 4]),
    np.array([13, 14, 19, 20, 21]),
    np.array([10, 11, 22, 23, 24]),
)
TRUNK: Final = 0
_SUMS: Final = np.array([np.isin(np.arange(25), rows) for rows in BODY_PARTS], np.float64)
PART_OF_POINT: Final = np.array(
    [next(part for part, rows in enumerate(BODY_PARTS) if row in rows) for row in range(25)]
)
PART_OF_LIMB: Final = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
_PART_CUTOFF: Final = 0.6  # Hz: cutoff of each of the two low-passes that speeds are measured with
# Noise of the parts' speeds, standing heights a second.
_PART_SPEED_NOISE: Final = np.array([0.015, 0.015, 0.035, 0.035, 0.035, 0.035])
_PART_GAIN: Final = 40.0  # Hz for a standing height a second
_MAX_EXTRA_CUTOFF: Final = 2.0  # Hz
_FIRST_SECONDS: Final = 6.0  # until then states are averaged; afterwards the filters are as slow
_FRAME_SECONDS: Final = 1 / 30
_ROW_SECONDS: Final = 0.3
_ROW_GAP_SECONDS: Final = 0.5


@dataclass(frozen=True, eq=False)
class MotionState:
    """Motion state of a person in one frame; about 1.5 kB. Sides in the order left, right.

    All values are complete: unseen ones have trust 0 and decay to rest. Directions are those that
    a level camera would see, in the view frame, of length 1 or (interpolated) less.

    Attributes:
        time: seconds.
        limbs: (13, 3) hip line, shoulder line (right to left), trunk (upwards); the head's x and y axes;
            upper and lower limb of left arm, right arm, left leg, right leg.
        limb_trust: (13,) in [0, 1].
        ends: (6, 3) ankle to big toe of both feet, and the x and y axes of both palms, each in the axes of
            the bone that carries it.
        end_trust: (6,).
        fingers: (2, 25) joint angles, see ``FingerJoints``; ``finger_trust`` (2,).
        expression: (8,) the numbers of an ``Expression``.
        points: (25, 2) the body's points, x and y (up) in pixels of the image; ``point_trust`` (25,).
        foot_contact: (2,) ground contact of each foot in [0, 1].
        height: the person's standing height in pixels; 0 where nobody has been seen.
        visible_fraction: of the height above the lower image edge, see ``PostureMeasurement``.
        hidden_below: row of the image below which something hides the person, see ``Pose``.
        slope: of the camera, see ``limb_depth.leveling_rotation``.
        imputed: (137,) bool: points that were not seen.
        vowels: (5,) weights of VOWELS where the mouth follows a sound; None: it follows the face.
        contacts: touches of the hands and feet that stand; None where nobody was read.
    """

    time: float
    limbs: Array
    limb_trust: Array
    ends: Array
    end_trust: Array
    fingers: Array
    finger_trust: Array
    expression: Array
    points: Array
    point_trust: Array
    foot_contact: Array
    height: float
    visible_fraction: float
    hidden_below: float
    slope: float
    imputed: BoolArray
    vowels: Array | None = None
    contacts: Contacts | None = None


def part_centers(points: Array, trust: Array) -> Array:
    """Centers (..., 6, 2) of BODY_PARTS from the body's points (..., 25, 2) and the trust in them."""
    weights = np.maximum(trust, 1e-6)[..., None]
    result: Array = (_SUMS @ (points * weights)) / (_SUMS @ weights)
    return result


class PartMotionDetector:
    """Detects slow motion of body parts.

    The mean motion of a part is more reliable than that of one point, since an estimator's errors are mostly
    independent. So a person who sways or leans is told from jitter by mean speeds of parts over some tenths
    of a second.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Resets the motion state."""
        self._slow: Array | None = None
        self._slower = np.zeros((len(BODY_PARTS), 2))
        self._time = self._start = 0.0

    def __call__(self, points: Array, trust: Array, time: float) -> Array:
        """Extra cutoffs (6,) in Hz for BODY_PARTS; the first frames are averaged.

        Args:
            points: (25, 2) the body's points, of the standing height.
            trust: (25,) in [0, 1].
            time: seconds.
        """
        now = part_centers(points, trust)
        if self._slow is None:
            self._slow = self._slower = now
            self._time = self._start = time
        step, self._time = max(time - self._time, 0.0), time
        self._slow = blend(self._slow, now, _PART_CUTOFF, step)
        self._slower = blend(self._slower, self._slow, _PART_CUTOFF, step)
        speed = length(self._slow - self._slower)[:, 0] * 2 * np.pi * _PART_CUTOFF
        raised = np.minimum(_PART_GAIN * np.maximum(speed - _PART_SPEED_NOISE, 0.0), _MAX_EXTRA_CUTOFF)
        passed = time - self._start
        first = 1 / (2 * np.pi * max(passed, _FRAME_SECONDS)) if passed < _FIRST_SECONDS else 0.0
        result: Array = np.maximum(np.maximum(raised, raised[TRUNK]), first)  # a moving trunk moves all parts
        return result


class LiveSmoother:
    """Smooths one person's motion in real time by One-Euro filters.

    Cutoffs treat a limb's rotation by one radian like a body's motion by half its height.
    """

    def __init__(self) -> None:
        self._limbs = OneEuroFilter(
            0.03, 2.5, 2.0, speed_deadband=0.6, shared_speed=True, departure_scale=0.2
        )
        self._ends = OneEuroFilter(0.3, 1.2, 3.0, speed_deadband=1.0, shared_speed=True)
        self._fingers = OneEuroFilter(0.4, 0.8, 3.0, speed_deadband=1.0)
        self._points = OneEuroFilter(
            0.025, 8.0, 1.5, speed_deadband=0.2, shared_speed=True, departure_scale=0.06
        )
        self._trust = OneEuroFilter(1.5)
        self._part_motion = PartMotionDetector()
        self._hidden_below = HiddenRowFilter()
        self.reset()

    def reset(self) -> None:
        """Resets the motion state."""
        for each in (
            *(self._limbs, self._ends, self._fingers, self._points, self._trust),
            *(self._part_motion, self._hidden_below),
        ):
            each.reset()
        self._unit = 0.0

    def __call__(self, reading: MotionState) -> MotionState:
        """Smooths the next frame."""
        self._unit = self._unit or max(reading.height, 1.0)
        time = reading.time
        trust = self._trust.filter(np.concatenate([reading.point_trust, reading.foot_contact]), time)
        points = reading.points / self._unit
        extra_cutoff = self._part_motion(points, reading.point_trust, time)[:, None]
        return replace(
            reading,
            limbs=self._limbs.filter(reading.limbs, time, extra_cutoff[PART_OF_LIMB]),
            ends=self._ends.filter(reading.ends, time),
            fingers=self._fingers.filter(reading.fingers, time),
            points=self._points.filter(points, time, extra_cutoff[PART_OF_POINT]) * self._unit,
            point_trust=trust[:-2],
            foot_contact=trust[-2:],
            hidden_below=self._hidden_below(reading.hidden_below, time),
        )


class HiddenRowFilter:
    """Filter of the row below which furniture hides a person: it moves slowly, and outlives short gaps."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Resets the row."""
        self._row = np.inf
        self._seen = self._time = -np.inf

    def __call__(self, row: float, time: float) -> float:
        """Filters the row of the next frame, infinite where nothing hides the person; ``time`` in seconds."""
        step, self._time = time - self._time, time
        if np.isfinite(row):
            self._seen = time
            keep = float(np.exp(-max(step, 0.0) / _ROW_SECONDS)) if np.isfinite(self._row) else 0.0
            self._row = row + keep * (self._row - row) if keep else row
        elif time - self._seen > _ROW_GAP_SECONDS:
            self._row = np.inf
        return self._row


def safe_unit(rows: Array, fallback: Array) -> Array:
    """Normalises rows (n, 3); ``fallback`` for those that are nearly 0."""
    size = length(rows)
    return np.where(size > _SHORTEST, rows / np.maximum(size, _SHORTEST), fallback)

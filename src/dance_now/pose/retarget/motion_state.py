"""What a person does in one frame, as numbers that can be smoothed before a character is posed by them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray
from dance_now.pose.model.vectors import length
from dance_now.pose.smoothing.one_euro import OneEuro, blend

Array = npt.NDArray[np.float64]

_SHORTEST: Final = 1e-3
# Rows of the body that move together: trunk, head, left arm, right arm, left leg, right leg.
PARTS: Final = (
    np.array([1, 2, 5, 8, 9, 12]),
    np.array([0, 15, 16, 17, 18]),
    np.array([6, 7]),
    np.array([3, 4]),
    np.array([13, 14, 19, 20, 21]),
    np.array([10, 11, 22, 23, 24]),
)
TRUNK: Final = 0
_SUMS: Final = np.array([np.isin(np.arange(25), rows) for rows in PARTS], np.float64)
PART_OF_PLACE: Final = np.array(
    [next(part for part, rows in enumerate(PARTS) if row in rows) for row in range(25)]
)
PART_OF_LIMB: Final = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
_STIR_CUTOFF: Final = 0.6  # Hz, twice: of the low-passes that speeds are measured with
_STIR_STILL: Final = np.array([0.015, 0.015, 0.035, 0.035, 0.035, 0.035])  # standing heights a second: noise
_STIR_GAIN: Final = 40.0  # Hz for a standing height a second
_MOST_STIR: Final = 2.0  # Hz
_FIRST_SECONDS: Final = 6.0  # after these, the mean of all is as slow as the filters themselves
_FRAME_SECONDS: Final = 1 / 30


@dataclass(frozen=True, eq=False)
class Reading:
    """One frame of a person's motion; about 1.5 kB. Sides in the order left, right.

    Everything is complete: what was not seen has trust 0 and is on its way to rest. Directions are those that
    a level camera would see, in the view frame, of length 1 or (between two of them) less.

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
        places: (25, 2) the body's points, x and y (up) in pixels of the picture; ``place_trust`` (25,).
        standing: (2,) how much each foot is the one on the ground.
        height: the person's standing height in pixels; 0 where nobody has been seen.
        shown: how much of the person lies above the picture's lower edge, see ``PostureMeasurement``.
        slope: of the camera, see ``depth.level``.
        filled: (137,) bool: points that were not seen.
    """

    time: float
    limbs: Array
    limb_trust: Array
    ends: Array
    end_trust: Array
    fingers: Array
    finger_trust: Array
    expression: Array
    places: Array
    place_trust: Array
    standing: Array
    height: float
    shown: float
    slope: float
    filled: BoolArray


def middles(places: Array, trust: Array) -> Array:
    """(..., 6, 2) where PARTS are, from places (..., 25, 2) of the body's points and the trust in them."""
    weights = np.maximum(trust, 1e-6)[..., None]
    result: Array = (_SUMS @ (places * weights)) / (_SUMS @ weights)
    return result


class Stirring:
    """Which parts of a body are on their way, however slowly.

    What all points of a part do together is known better than what one of them does: an estimator's errors
    are mostly each point's own. So a person who sways or leans is told from one whose points tremble by mean
    speeds of parts over some tenths of a second.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets all motion."""
        self._slow: Array | None = None
        self._slower = np.zeros((len(PARTS), 2))
        self._time = self._start = 0.0

    def __call__(self, places: Array, trust: Array, time: float) -> Array:
        """(6,) Hz that the cutoffs for PARTS are to be raised by; first moments are averaged.

        Args:
            places: (25, 2) the body's points, of the standing height.
            trust: (25,) in [0, 1].
            time: seconds.
        """
        now = middles(places, trust)
        if self._slow is None:
            self._slow = self._slower = now
            self._time = self._start = time
        step, self._time = max(time - self._time, 0.0), time
        self._slow = blend(self._slow, now, _STIR_CUTOFF, step)
        self._slower = blend(self._slower, self._slow, _STIR_CUTOFF, step)
        speed = length(self._slow - self._slower)[:, 0] * 2 * np.pi * _STIR_CUTOFF
        raised = np.minimum(_STIR_GAIN * np.maximum(speed - _STIR_STILL, 0.0), _MOST_STIR)
        passed = time - self._start
        first = 1 / (2 * np.pi * max(passed, _FRAME_SECONDS)) if passed < _FIRST_SECONDS else 0.0
        result: Array = np.maximum(
            np.maximum(raised, raised[TRUNK]), first
        )  # who walks takes all parts along
        return result


class LiveSmoother:
    """Smooths one person's motion as it comes, by One-Euro filters.

    Turning a limb by a radian is about as much as moving the whole body by half its height.
    """

    def __init__(self) -> None:
        self._limbs = OneEuro(0.03, 2.5, 2.0, still=0.6, shared=True, slack=0.2)
        self._ends = OneEuro(0.3, 1.2, 3.0, still=1.0, shared=True)
        self._fingers = OneEuro(0.4, 0.8, 3.0, still=1.0)
        self._places = OneEuro(0.025, 8.0, 1.5, still=0.2, shared=True, slack=0.06)
        self._trust = OneEuro(1.5)
        self._stirring = Stirring()
        self.reset()

    def reset(self) -> None:
        """Forgets all motion."""
        for each in (self._limbs, self._ends, self._fingers, self._places, self._trust, self._stirring):
            each.reset()
        self._unit = 0.0

    def __call__(self, reading: Reading) -> Reading:
        """The frame after the last one, smoothed."""
        self._unit = self._unit or max(reading.height, 1.0)
        time = reading.time
        trust = self._trust.filter(np.concatenate([reading.place_trust, reading.standing]), time)
        places = reading.places / self._unit
        more = self._stirring(places, reading.place_trust, time)[:, None]
        return replace(
            reading,
            limbs=self._limbs.filter(reading.limbs, time, more[PART_OF_LIMB]),
            ends=self._ends.filter(reading.ends, time),
            fingers=self._fingers.filter(reading.fingers, time),
            places=self._places.filter(places, time, more[PART_OF_PLACE]) * self._unit,
            place_trust=trust[:-2],
            standing=trust[-2:],
        )


def safe_unit(rows: Array, fallback: Array) -> Array:
    """Rows (n, 3) of length 1; ``fallback`` for those that are nearly 0."""
    size = length(rows)
    return np.where(size > _SHORTEST, rows / np.maximum(size, _SHORTEST), fallback)

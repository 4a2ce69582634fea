"""What a person does in one frame, as numbers that can be smoothed before a character is posed by them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.arrays import BoolArray
from dance_now.pose.smoothing import OneEuro
from dance_now.pose.vectors import length

Array = npt.NDArray[np.float64]

_SHORTEST: Final = 1e-3


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
        shown: how much of the person lies above the picture's lower edge, see ``Measurement``.
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


class LiveSmoother:
    """Smooths one person's motion as it comes, by One-Euro filters.

    Turning a limb by a radian is about as much as moving the whole body by half its height.
    """

    def __init__(self) -> None:
        self._limbs = OneEuro(0.05, 2.5, 2.0, still=0.6, shared=True, slack=0.13)
        self._ends = OneEuro(0.3, 1.2, 3.0, still=1.0, shared=True)
        self._fingers = OneEuro(0.4, 0.8, 3.0, still=1.0)
        self._places = OneEuro(0.05, 8.0, 1.5, still=0.2, shared=True, slack=0.035)
        self._trust = OneEuro(1.5)
        self.reset()

    def reset(self) -> None:
        """Forgets all motion."""
        for each in (self._limbs, self._ends, self._fingers, self._places, self._trust):
            each.reset()
        self._unit = 0.0

    def __call__(self, reading: Reading) -> Reading:
        """The frame after the last one, smoothed."""
        self._unit = self._unit or max(reading.height, 1.0)
        time = reading.time
        trust = self._trust.filter(np.concatenate([reading.place_trust, reading.standing]), time)
        return replace(
            reading,
            limbs=self._limbs.filter(reading.limbs, time),
            ends=self._ends.filter(reading.ends, time),
            fingers=self._fingers.filter(reading.fingers, time),
            places=self._places.filter(reading.places / self._unit, time) * self._unit,
            place_trust=trust[:-2],
            standing=trust[-2:],
        )


class Completed:
    """Rows over time, those not seen on their way to rest."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets all rows."""
        self._held: Array | None = None

    def __call__(self, measured: Array, trust: Array, rest: Array, drift: float) -> Array:
        """Unit rows (n, 3): measured ones where trusted, else the last ones on their way to rest.

        Args:
            measured: (n, 3) unit rows.
            trust: (n,) in [0, 1].
            rest: (n, 3) unit rows.
            drift: share of the way to rest since the last call.
        """
        held = rest if self._held is None else self._held
        fallback = safe_unit(held + drift * (rest - held), rest)
        share = trust[:, None]
        self._held = safe_unit(share * measured + (1 - share) * fallback, fallback)
        return self._held


def safe_unit(rows: Array, fallback: Array) -> Array:
    """Rows (n, 3) of length 1; ``fallback`` for those that are nearly 0."""
    size = length(rows)
    return np.where(size > _SHORTEST, rows / np.maximum(size, _SHORTEST), fallback)

"""Where a character stands in a person's picture: feet on the person's feet, or head on the person's head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.body import CharacterBody
from dance_now.pose.person import ANKLE_HEIGHT, CROWN_ABOVE_EARS, SOLE_BELOW_POINTS
from dance_now.pose.smoothing import OneEuro

Array = npt.NDArray[np.float64]

_SOLE_ROWS: Final = np.array([14, 19, 21, 11, 22, 24])  # ankle, big toe, heel; left, then right
_FEET: Final = np.array([[14, 19], [11, 22]])
_GROUND_SOFTNESS: Final = 0.04  # of the person's height
_SWITCH_SECONDS: Final = 0.4


@dataclass(frozen=True, eq=False)
class Sighting:
    """What of a person fixes the place: all in the view frame, pixels.

    Attributes:
        points: (137, 2) the person's points.
        weights: (137,) trust in each in [0, 1].
        height: the person's standing height.
        up: (2,) the head's upward direction as drawn.
    """

    points: Array
    weights: Array
    height: float
    up: Array


class Placing:
    """Finds a character's place, steadily over time."""

    def __init__(self, body: CharacterBody) -> None:
        """Reads the soles' and the crown's distance from the keypoints off ``body``."""
        lowest, highest = body.skeleton.bounds.astype(np.float64)
        self._sole = np.maximum(body.rest[_SOLE_ROWS, 1] - lowest[1], 0.0)
        self._sole_known = body.skeleton.known[_SOLE_ROWS].astype(np.float64)
        self._crown = max(highest[1] - float(body.rest[[17, 18], 1].mean()), 0.0)
        self._filter = OneEuro(minimum_cutoff=1.2, beta=6.0)
        self.reset()

    def reset(self) -> None:
        """Forgets the last place."""
        self._filter.reset()
        self._last: Array | None = None
        self._on_feet: float | None = None
        self._time = -np.inf

    def offset(self, points: Array, scale: float, seen: Sighting, time: float, smooth: bool) -> Array:
        """(2,) what to add to the character's points, view frame pixels.

        Args:
            points: (137, 3) the character's points in pixels, anywhere.
            scale: the character's pixels per metre.
            seen: the person.
            time: seconds.
            smooth: whether ``time`` runs on from the last call.
        """
        feet, feet_trust = self._feet(points, scale, seen)
        upper, upper_trust = self._upper(points, scale, seen)
        if feet_trust + upper_trust <= 0.01:
            return self._last if self._last is not None else np.zeros(2)
        wanted = 1.0 if upper_trust <= 0.01 else feet_trust
        step = max(time - self._time, 0.0)
        if self._on_feet is None or not smooth:
            self._on_feet = wanted
        self._on_feet += (wanted - self._on_feet) * (1 - float(np.exp(-step / _SWITCH_SECONDS)))
        share = self._on_feet if feet_trust > 0.01 else 0.0
        place = share * feet + (1 - share) * upper
        if smooth:
            place = self._filter.filter(place / seen.height, time) * seen.height
        self._time, self._last = time, place
        return place

    def _feet(self, points: Array, scale: float, seen: Sighting) -> tuple[Array, float]:
        """Soles on the person's soles, sideways by the foot that stands."""
        softness = _GROUND_SOFTNESS * seen.height
        weights = seen.weights[_SOLE_ROWS] * self._sole_known
        ankles = np.array([ANKLE_HEIGHT, 0.0, 0.0] * 2) * seen.height
        theirs = seen.points[_SOLE_ROWS, 1] - ankles
        ours = points[_SOLE_ROWS, 1] - self._sole * scale
        trust = float(min(1.0, max(weights[:3].max(), weights[3:].max()) * 1.25))
        if trust <= 0.01:
            return np.zeros(2), 0.0
        lift = _lowest(theirs, weights, softness) - _lowest(ours, weights, softness)
        lift -= SOLE_BELOW_POINTS * seen.height
        middle = seen.points[_FEET, :].mean(axis=1)  # (2, 2)
        standing = weights.reshape(2, 3)[:, :2].min(axis=1) * np.exp(
            -(middle[:, 1] - middle[:, 1].min()) / (1.5 * softness)
        )
        if standing.sum() <= 1e-6:
            middle, own = seen.points[_FEET[:, 0]], points[_FEET[:, 0], 0]
            standing = weights.reshape(2, 3)[:, 0] + 1e-6
        else:
            own = points[_FEET, 0].mean(axis=1)
        sideways = ((middle[:, 0] - own) * standing).sum() / standing.sum()
        return np.array([sideways, lift]), trust

    def _upper(self, points: Array, scale: float, seen: Sighting) -> tuple[Array, float]:
        """The crown on the person's crown; without a head, the neck or the hips on the person's."""
        ears = [17, 18]
        theirs = seen.points[ears].mean(axis=0) + seen.up * CROWN_ABOVE_EARS * seen.height
        ours = points[ears, :2].mean(axis=0) + seen.up * self._crown * scale
        choices = [(theirs - ours, float(seen.weights[ears].mean()))]
        choices += [(seen.points[row] - points[row, :2], float(seen.weights[row])) for row in (1, 8)]
        place, left = np.zeros(2), 1.0
        for move, weight in choices:
            place += left * weight * move
            left *= 1 - weight
        return place / max(1 - left, 1e-6), 1 - left


def _lowest(heights: Array, weights: Array, softness: float) -> float:
    """A smooth minimum, so that changing feet is no jump."""
    use = weights > 0.01
    lowest = heights[use].min()
    share = (weights * np.exp(-np.clip((heights - lowest) / softness, 0, 50)))[use]
    return float((heights[use] * share).sum() / share.sum())

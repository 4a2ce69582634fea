"""Placement of a character in the image: scale and position from the person's.

A person visible from crown to sole gives height and ground. Of a cropped person, the character shows the
same part: its head is as large as a person's in a portrait, whatever share of the character's own height a
head is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.body_scale import ANKLE_HEIGHT, BELOW_CROWN, CROWN_ABOVE_EARS, SOLE_BELOW_POINTS
from dance_now.pose.retarget.kinematics import CharacterBody

Array = npt.NDArray[np.float64]

_SOLE_ROWS: Final = np.array([14, 19, 21, 11, 22, 24])  # ankle, big toe, heel; left, then right
_FEET: Final = np.array([[14, 19], [11, 22]])
_EARS: Final = np.array([17, 18])
_GROUND_SOFTNESS: Final = 0.04  # of the person's height
_SWITCH_SECONDS: Final = 0.4
_RATIO_SECONDS: Final = 0.8
# Of the height: clip range of the visible part. Below head and neck, a character shows as much as of these.
_PARTS: Final = (0.153, 1.0)
_MIN_WEIGHT: Final = 0.01
_MIN_HEADROOM_SCALE: Final = 0.8  # a character is made so much smaller at most to fit under the image's edge


@dataclass(frozen=True, eq=False)
class PlacementTarget:
    """Measurements of a person that determine scale and position: view frame, pixels.

    Attributes:
        points: (137, 2) the person's points.
        weights: (137,) trust in each in [0, 1]; 0 outside the image.
        height: the person's standing height.
        visible_fraction: of that, from the crown down, above the lower image edge.
        up: (2,) the head's upward direction in the image.
    """

    points: Array
    weights: Array
    height: float
    visible_fraction: float
    up: Array

    @property
    def crown(self) -> Array:
        """Top of the head (2,)."""
        return self.points[_EARS].mean(axis=0) + self.up * CROWN_ABOVE_EARS * self.height


class Placement:
    """Computes a character's scale and position, smoothly over time."""

    def __init__(self, body: CharacterBody) -> None:
        """Takes the distances of soles, crown and joints from ``body``."""
        lowest, highest = body.skeleton.bounds.astype(np.float64)[:, 1]
        self._height = max(body.skeleton.height, 1e-3)
        self._sole = np.maximum(body.rest[_SOLE_ROWS, 1] - lowest, 0.0)
        self._sole_known = body.skeleton.known[_SOLE_ROWS].astype(np.float64)
        self._crown = max(highest - float(body.rest[_EARS, 1].mean()), 0.0)
        below = [(highest - float(body.rest[rows, 1].mean())) / self._height for rows, _ in BELOW_CROWN[:-1]]
        self._below_crown = np.maximum.accumulate([*below, 1.0])
        self.reset()

    def reset(self) -> None:
        """Resets the position."""
        self._last: Array | None = None
        self._to_feet = np.zeros(2)
        self._on_feet = self._ratio = self._room = np.nan
        self._time = -np.inf

    def __call__(
        self, points: Array, seen: PlacementTarget, time: float, smooth: bool, height_ratio: float = 1.0
    ) -> tuple[float, Array]:
        """Computes the scale in pixels per metre of the character, and the translation (2,), view frame.

        Args:
            points: (137, 3) the character's points in metres, anywhere.
            seen: the person.
            time: seconds.
            smooth: whether ``time`` runs on from the last call.
            height_ratio: the character's height over the person's.
        """
        step = time - self._time if smooth else np.inf
        self._ratio = _ease(self._ratio, self._visible_part_ratio(seen), step / _RATIO_SECONDS)
        full = seen.height * height_ratio * self._ratio / self._height
        self._room = _ease(
            self._room, self._headroom_scale(points * full, full, seen), step / _SWITCH_SECONDS
        )
        scale = full * self._room
        feet, feet_trust = self._feet(points * scale, scale, seen)
        upper, upper_trust = self._upper(points * scale, scale, seen)
        if feet_trust + upper_trust <= _MIN_WEIGHT:
            return scale, self._last if self._last is not None else np.zeros(2)
        # a cropped character is cropped by the same edge, whatever its size
        upper[1] -= (1 - height_ratio) * min(seen.visible_fraction, 1.0) * seen.height
        if upper_trust <= _MIN_WEIGHT:
            upper, feet_trust = feet, 1.0
        if feet_trust > 0:
            self._to_feet = feet - upper  # of feet no longer seen, it is kept until the head alone counts
        self._on_feet = _ease(self._on_feet, feet_trust, step / _SWITCH_SECONDS)
        place = upper + self._on_feet * self._to_feet
        self._time, self._last = time, place
        return scale, place

    def _visible_part_ratio(self, seen: PlacementTarget) -> float:
        """Height ratio at which the character shows the same part of its body as the person."""
        shown = float(np.clip(seen.visible_fraction, *_PARTS))
        theirs = [below for _, below in BELOW_CROWN]
        return shown / float(np.interp(shown, theirs, self._below_crown))

    def _headroom_scale(self, points: Array, scale: float, seen: PlacementTarget) -> float:
        """Scale factor that keeps the head below the upper image edge.

        It may leave the image as far as the person's own does.
        """
        feet, feet_trust = self._feet(points, scale, seen)
        if feet_trust <= 0 or seen.weights[_EARS].min() < 0.5:
            return 1.0
        edge = max(float(seen.crown[1]), 0.0)
        crown = float((points[_EARS, 1].mean() + feet[1]) + seen.up[1] * self._crown * scale)
        sole = float((points[_SOLE_ROWS, 1] - self._sole * scale).min() + feet[1])
        if crown <= edge or sole >= edge:
            return 1.0
        return 1.0 + feet_trust * (max((edge - sole) / (crown - sole), _MIN_HEADROOM_SCALE) - 1.0)

    def _feet(self, points: Array, scale: float, seen: PlacementTarget) -> tuple[Array, float]:
        """Translation that aligns the soles with the person's, sideways by the foot on the ground."""
        softness = _GROUND_SOFTNESS * seen.height
        weights = seen.weights[_SOLE_ROWS] * self._sole_known
        ankles = np.array([ANKLE_HEIGHT, 0.0, 0.0] * 2) * seen.height
        theirs = seen.points[_SOLE_ROWS, 1] - ankles
        ours = points[_SOLE_ROWS, 1] - self._sole * scale
        if weights.max() <= _MIN_WEIGHT:
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
        return np.array([sideways, lift]), float(min(1.0, weights.max() * 1.25))

    def _upper(self, points: Array, scale: float, seen: PlacementTarget) -> tuple[Array, float]:
        """Translation that aligns the crown, or without a head the neck or the hips, with the person's."""
        ours = points[_EARS, :2].mean(axis=0) + seen.up * self._crown * scale
        choices = [(seen.crown - ours, float(seen.weights[_EARS].mean()))]
        choices += [(seen.points[row] - points[row, :2], float(seen.weights[row])) for row in (1, 8)]
        place, left = np.zeros(2), 1.0
        for move, weight in choices:
            place += left * weight * move
            left *= 1 - weight
        return place / max(1 - left, 1e-6), 1 - left


def _ease(held: float, wanted: float, steps: float) -> float:
    """Eases a value exponentially to another; at once without a previous one. ``steps``: time constants."""
    if not np.isfinite(held):
        return wanted
    return float(wanted + (held - wanted) * np.exp(-max(steps, 0.0)))


def _lowest(heights: Array, weights: Array, softness: float) -> float:
    """Smooth minimum, so that a change of the standing foot causes no jump."""
    use = weights > _MIN_WEIGHT
    lowest = heights[use].min()
    share = (weights * np.exp(-np.clip((heights - lowest) / softness, 0, 50)))[use]
    return float((heights[use] * share).sum() / share.sum())

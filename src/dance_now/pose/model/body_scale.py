"""Body scale estimation: standing height and limb lengths of a person in pixels.

An image shows lengths foreshortened, so nothing is measured directly: limbs are compared with the average
proportions of an adult (after Drillis and Contini, "Body segment parameters", 1964, moved to the joints
that pose estimators mark), the height is estimated from the limbs that are least foreshortened, and in a
video both are refined slowly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.keypoints import LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.vectors import length

Array = npt.NDArray[np.float64]

# name: (start, end, share of the standing height, shares its length with)
_TABLE: Final = {
    "hips": (9, 12, 0.122, 0),
    "shoulders": (2, 5, 0.21, 1),
    "trunk": (8, 1, 0.315, 2),
    "left_upper_arm": (5, 6, 0.17, 3),
    "right_upper_arm": (2, 3, 0.17, 3),
    "left_forearm": (6, 7, 0.152, 4),
    "right_forearm": (3, 4, 0.152, 4),
    "left_thigh": (12, 13, 0.245, 5),
    "right_thigh": (9, 10, 0.245, 5),
    "left_shin": (13, 14, 0.242, 6),
    "right_shin": (10, 11, 0.242, 6),
    "left_foot": (14, 19, 0.125, 7),
    "right_foot": (11, 22, 0.125, 7),
    "left_index": (LEFT_HAND.start, LEFT_HAND.start + 5, 0.05, 8),
    "right_index": (RIGHT_HAND.start, RIGHT_HAND.start + 5, 0.05, 8),
    "left_little": (LEFT_HAND.start, LEFT_HAND.start + 17, 0.048, 9),
    "right_little": (RIGHT_HAND.start, RIGHT_HAND.start + 17, 0.048, 9),
    "left_palm": (LEFT_HAND.start + 17, LEFT_HAND.start + 5, 0.026, 10),
    "right_palm": (RIGHT_HAND.start + 17, RIGHT_HAND.start + 5, 0.026, 10),
}
SEGMENT_NAMES: Final = tuple(_TABLE)
SEGMENT_INDEX: Final = {name: index for index, name in enumerate(SEGMENT_NAMES)}
SEGMENTS: Final = np.array([row[:2] for row in _TABLE.values()])
SEGMENT_RATIOS: Final = np.array([row[2] for row in _TABLE.values()])
_GROUPS: Final = np.array([row[3] for row in _TABLE.values()])
_GROUP_COUNT: Final = int(_GROUPS.max()) + 1
_HEIGHT_SEGMENTS: Final = np.arange(1, 11)  # hips and hands are too short to measure a height with
_GROUP_WEIGHTS: Final = (
    np.bincount(_GROUPS[_HEIGHT_SEGMENTS], SEGMENT_RATIOS[_HEIGHT_SEGMENTS], _GROUP_COUNT)
    / SEGMENT_RATIOS[_HEIGHT_SEGMENTS].sum()
)
EAR_DISTANCE: Final = 0.08
ANKLE_HEIGHT: Final = 0.045
SOLE_BELOW_POINTS: Final = 0.015  # heels and toes are marked on the foot; 0.009 to 0.029 measured
CROWN_ABOVE_EARS: Final = 0.1  # with hair; 0.101 to 0.108 measured
_KNEE: Final = 1 - ANKLE_HEIGHT - _TABLE["left_shin"][2]
_HIP: Final = _KNEE - _TABLE["left_thigh"][2]
# Points of the body from the head down, and how far they are below the crown of somebody who stands.
BELOW_CROWN: Final = (
    (np.array([17, 18]), CROWN_ABOVE_EARS),
    (np.array([1]), _HIP - _TABLE["trunk"][2]),
    (np.array([9, 12]), _HIP),
    (np.array([10, 13]), _KNEE),
    (np.array([11, 14]), 1 - ANKLE_HEIGHT),
    (np.array([19, 21, 22, 24]), 1.0),
)

_EARS: Final = np.array([17, 18])
_STRAIGHT: Final = 0.97  # of the distance down a body that stands straight, its drawn distance
_SMALLEST, _LARGEST = 16.0, 32768.0  # pixels
_HEIGHT_QUANTILE: Final = 0.55
_FACTOR_RANGE: Final = (0.8, 1.25)
_FACTOR_QUANTILE: Final = 0.6
_FACTOR_SPEED: Final = 0.25  # a second
_GROW_SECONDS, _SHRINK_SECONDS = 0.5, 1.5
# Sum of the height ratios of the limbs seen: no estimate below the first, full weight from the second on
# (trunk, arms and thighs).
_MIN_LIMBS, _FULL_LIMBS = 0.15, 1.6
_HEAD_RANGE: Final = (0.75, 1.3)  # a person's height over that of an adult with the same head
_HEAD_SECONDS: Final = 2.0
_GAIN_PRIOR, _GAIN_PRIOR_WEIGHT, _SHARE_PRIOR_WEIGHT = 1.0, 0.1, 1.0
_GAIN_RANGE: Final = (0.2, 2.0)
_GAIN_SECONDS: Final = 4.0


@dataclass(frozen=True)
class Proportions:
    """How a person's proportions differ from the average adult's.

    Attributes:
        factors: of the length of each kind of limb, 11 numbers.
        head_factor: standing height over that of an adult with the same head.
    """

    factors: tuple[float, ...] = (1.0,) * _GROUP_COUNT
    head_factor: float = 1.0

    @classmethod
    def clipped(cls, factors: Sequence[float], head_factor: float) -> Proportions:
        """Proportions within the range of people.

        Raises:
            ValueError: another number of factors, or not finite.
        """
        values = np.array([*factors, head_factor], np.float64)
        if values.shape != (_GROUP_COUNT + 1,) or not np.isfinite(values).all():
            raise ValueError(f"proportions are {_GROUP_COUNT} finite factors and one of the head")
        limbs = np.clip(values[:-1], *_FACTOR_RANGE).tolist()
        return cls(tuple(limbs), float(np.clip(values[-1], *_HEAD_RANGE)))


class BodyScaleEstimator:
    """Estimates one person's height, limb lengths and the gain of the estimator's depth, over time.

    Attributes:
        height: standing height in pixels; 0 before the first measurement.
        depth_gain: (19,) factors that scale the estimator's depth along each of SEGMENTS to pixels.

    Example:
        >>> BodyScaleEstimator().height
        0.0
    """

    def __init__(self) -> None:
        self._start = Proportions()
        self.reset()

    @property
    def proportions(self) -> Proportions:
        """The person's proportions as estimated so far."""
        return Proportions(tuple(self._factors.tolist()), self._head_factor)

    def start_with(self, proportions: Proportions) -> None:
        """Takes proportions as known, now and after a reset; they are still refined."""
        self._start = proportions
        self._factors = np.array(proportions.factors)
        self._head_factor = proportions.head_factor

    def reset(self) -> None:
        """Resets the estimate."""
        self.height = 0.0
        self.depth_gain = np.full(len(_GROUPS), _GAIN_PRIOR)
        self._factors = np.array(self._start.factors)
        self._head_factor = self._start.head_factor
        self._products = np.zeros((2, _GROUP_COUNT))
        self._time = -np.inf
        self._weight = 0.0
        self._frozen = False

    def freeze(self) -> None:
        """Freezes proportions and the depth gain; the height, which depends on the distance, starts anew."""
        self._frozen = True
        self.height = 0.0

    @property
    def lengths(self) -> Array:
        """True length (19,) of each of SEGMENTS in pixels."""
        return self.height * SEGMENT_RATIOS * self._factors[_GROUPS]

    def update(
        self,
        projected: Array,
        raw_depth: Array,
        weights: Array,
        time: float,
        min_height: float = 0.0,
        head_height: float = 0.0,
    ) -> None:
        """Updates the estimate with one frame.

        Args:
            projected: (19,) lengths of SEGMENTS in the image, pixels.
            raw_depth: (19,) the estimator's depth along each, 0 where unknown.
            weights: (19,) trust in each in [0, 1].
            time: seconds.
            min_height: lower bound of the height from the distance of ears and legs, 0 where not seen; close
                to the height of somebody who stands straight.
            head_height: height of an adult with this head, 0 where not seen; used where limbs are missing.
        """
        first = self.height == 0
        step = 0.0 if first else max(time - self._time, 0.0)
        weights = np.where(projected < _LARGEST, weights, 0.0)
        trust = weights[_HEIGHT_SEGMENTS] * SEGMENT_RATIOS[_HEIGHT_SEGMENTS]
        enough = min(1.0, float(trust.sum()) / _FULL_LIMBS) if trust.sum() >= _MIN_LIMBS else 0.0
        by_head = 0.0
        if head_height > 0:
            by_head = float(np.clip(head_height * self._head_factor, _SMALLEST, _LARGEST))
        if enough == 0 and by_head == 0:
            return
        seen, solid = by_head, projected
        if enough > 0:
            min_height = min_height if min_height < _LARGEST else 0.0
            rough = self.height or max(_height_of(projected, trust), min_height)
            if not self._frozen:
                self._learn_gain(projected, raw_depth, weights, rough, step)
            solid = np.hypot(
                projected, np.minimum(self.depth_gain * np.abs(raw_depth), 0.9 * rough * SEGMENT_RATIOS)
            )
            by_limbs = max(_height_of(solid, trust), min_height)
            # limbs and heads look shortened, never longer
            seen = max(by_limbs, by_limbs**enough * by_head ** (1 - enough))
        self._time = time
        if first:
            self.height, self._weight = seen, 0.0
            return
        self._weight += step  # the first moments are averaged, whatever the time constants
        seconds = _GROW_SECONDS if seen > self.height else _SHRINK_SECONDS
        blend = step / max(step + min(seconds, self._weight), 1e-9)
        self.height *= float((seen / self.height) ** (blend * (1.0 if by_head else enough)))
        if not self._frozen:
            self._learn_factors(solid, weights, step)
            if enough == 1 and head_height > 0:
                factor = float(np.clip(self.height / head_height, *_HEAD_RANGE))
                self._head_factor += (factor - self._head_factor) * step / (step + _HEAD_SECONDS)

    def _learn_gain(
        self, projected: Array, raw_depth: Array, weights: Array, height: float, step: float
    ) -> None:
        length = height * SEGMENT_RATIOS * self._factors[_GROUPS]
        hidden = np.sqrt(np.maximum(length**2 - projected**2, 0.0))
        raw = np.minimum(np.abs(raw_depth), 8 * length)
        use = weights * (raw > 0)
        found = [np.bincount(_GROUPS, use * raw * other, _GROUP_COUNT) for other in (hidden, raw)]
        keep = float(np.exp(-step / _GAIN_SECONDS)) if self._time > -np.inf else 0.0
        self._products = np.stack(found) / height**2 + keep * self._products
        # The sums of past frames fade, so a prior weighs like a fraction of one frame: the usual gain for
        # all limbs together, and all limbs' gain for each.
        over, under = self._products.sum(axis=1)
        common = (over + _GAIN_PRIOR * _GAIN_PRIOR_WEIGHT) / (under + _GAIN_PRIOR_WEIGHT)
        over, under = self._products + _SHARE_PRIOR_WEIGHT * np.array([[common], [1.0]])
        self.depth_gain = np.clip(over / under, *_GAIN_RANGE)[_GROUPS]

    def _learn_factors(self, solid: Array, weights: Array, step: float) -> None:
        """Moves each length towards a high quantile of what is seen, left and right together."""
        longer = solid > self.lengths
        move = np.where(longer, _FACTOR_QUANTILE, _FACTOR_QUANTILE - 1.0) * weights
        summed = np.bincount(_GROUPS, move, _GROUP_COUNT) / np.bincount(_GROUPS, minlength=_GROUP_COUNT)
        factors = np.clip(self._factors + summed * _FACTOR_SPEED * min(step, 0.2), *_FACTOR_RANGE)
        # lengths are relative to the height: were they all to grow, so would the depth, and they with it
        self._factors = factors / np.exp(_GROUP_WEIGHTS @ np.log(factors))


def _height_of(lengths: Array, trust: Array) -> float:
    """Height in pixels from limb lengths: a weighted high quantile, as lengths are foreshortened."""
    heights = lengths[_HEIGHT_SEGMENTS] / SEGMENT_RATIOS[_HEIGHT_SEGMENTS]
    order = np.argsort(heights)
    total = np.cumsum(trust[order])
    chosen = order[min(int(np.searchsorted(total, _HEIGHT_QUANTILE * total[-1])), len(order) - 1)]
    return float(np.clip(heights[chosen], _SMALLEST, _LARGEST))


def height_lower_bound(points: Array, weights: Array) -> float:
    """Lower bound of the standing height from the distance of ears to ankles and soles, 0 where not seen."""
    if weights[_EARS].min() < 0.5:
        return 0.0
    ears = points[_EARS].mean(axis=0)
    least = 0.0
    for rows, below_crown in BELOW_CROWN[4:]:
        seen = rows[weights[rows] > 0.5]
        if seen.size:
            reach = float(length(points[seen] - ears).max())
            least = max(least, reach / (below_crown - CROWN_ABOVE_EARS))
    return _STRAIGHT * least


def visible_height_fraction(
    points: Array, known: npt.NDArray[np.bool_], height: float, size: tuple[float, float] | None
) -> float:
    """Fraction of the body height above the lower image edge, from the crown down; 1 if it is not cropped.

    Points that an estimator guesses below the edge give the direction at best: a part of the body is assumed
    to reach down at least its own length.
    """
    if size is None or height <= 0:
        return 1.0
    above: float | None = None  # image pixels above the edge
    share = 0.0
    for rows, below_crown in BELOW_CROWN:
        there = rows[known[rows]]
        least = (below_crown - share) * height
        if there.size:
            here = size[1] + float(points[there, 1].mean())
            drop = least if above is None else max(above - here, least)
        elif above is None:
            share = below_crown
            continue
        else:
            drop, here = least, above - least
        if here < 0:
            start = here + drop if above is None else above
            return share + (below_crown - share) * float(np.clip(start / max(drop, 1e-6), 0.0, 1.0))
        above, share = here, below_crown
    return 1.0

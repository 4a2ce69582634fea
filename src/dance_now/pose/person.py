"""How large a person is in a picture: the standing height and the length of each limb, in pixels.

A photo shows lengths foreshortened, so nothing is measured directly: limbs are compared with the average
proportions of an adult (after Drillis and Contini, "Body segment parameters", 1964, moved to the joints
that pose estimators mark), the height is read off the limbs that are least foreshortened, and in a video
both are refined slowly.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.keypoints import LEFT_HAND, RIGHT_HAND

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
SHARES: Final = np.array([row[2] for row in _TABLE.values()])
_GROUPS: Final = np.array([row[3] for row in _TABLE.values()])
_GROUP_COUNT: Final = int(_GROUPS.max()) + 1
_HEIGHT_ROWS: Final = np.arange(1, 11)  # hips and hands are too short to measure a height with
EAR_DISTANCE: Final = 0.08
ANKLE_HEIGHT: Final = 0.045
SOLE_BELOW_POINTS: Final = 0.015  # heels and toes are marked on the foot; 0.009 to 0.029 measured
CROWN_ABOVE_EARS: Final = 0.075

_SMALLEST, _LARGEST = 16.0, 32768.0  # pixels
_HEIGHT_QUANTILE: Final = 0.65
_SPAN_SHARE: Final = 0.97
_FACTOR_RANGE: Final = (0.8, 1.25)
_FACTOR_QUANTILE: Final = 0.8
_FACTOR_SPEED: Final = 0.25  # a second
_GROW_SECONDS, _SHRINK_SECONDS = 0.5, 1.5
_GAIN_PRIOR, _GAIN_PRIOR_WEIGHT = 0.5, 0.02
_GAIN_RANGE: Final = (0.15, 1.2)
_GAIN_SECONDS: Final = 4.0


class PersonSize:
    """A running estimate of one person's height, limb lengths and of how much the depth exaggerates.

    Attributes:
        height: standing height in pixels; 0 before anybody was measured.
        depth_gain: what the estimator's depth is to be multiplied by to be in pixels. (BlazePose's depth
            is about three times too large.)

    Example:
        >>> PersonSize().height
        0.0
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the person."""
        self.height = 0.0
        self.depth_gain = _GAIN_PRIOR
        self._factors = np.ones(_GROUP_COUNT)
        self._products = np.zeros(2)
        self._time = -np.inf
        self._weight = 0.0

    @property
    def lengths(self) -> Array:
        """(19,) true length of each of SEGMENTS in pixels."""
        return self.height * SHARES * self._factors[_GROUPS]

    def update(self, flat: Array, raw_depth: Array, weights: Array, time: float, span: float = 0.0) -> None:
        """Learns from one picture.

        Args:
            flat: (19,) drawn lengths of SEGMENTS in pixels.
            raw_depth: (19,) the estimator's depth along each, 0 where unknown.
            weights: (19,) trust in each in [0, 1].
            time: seconds.
            span: drawn distance from the ears to the farther sole, 0 where not seen. Nobody is shorter than
                that allows, and somebody who stands straight is about as tall.
        """
        first = self.height == 0
        step = 0.0 if first else max(time - self._time, 0.0)
        weights = np.where(flat < _LARGEST, weights, 0.0)
        trust = weights[_HEIGHT_ROWS] * SHARES[_HEIGHT_ROWS]
        if trust.sum() < 0.15:
            return
        least = _SPAN_SHARE * span / (1 - CROWN_ABOVE_EARS) if span < _LARGEST else 0.0
        rough = self.height or max(_height_of(flat, trust), least)
        self._learn_gain(flat, raw_depth, weights, rough, step)
        solid = np.hypot(flat, np.minimum(self.depth_gain * np.abs(raw_depth), 0.9 * rough * SHARES))
        seen = max(_height_of(solid, trust), least)
        self._time = time
        if first:
            self.height, self._weight = seen, 0.0
            return
        self._weight += step  # the first moments are averaged, whatever the time constants
        seconds = _GROW_SECONDS if seen > self.height else _SHRINK_SECONDS
        blend = step / max(step + min(seconds, self._weight), 1e-9)
        self.height *= float((seen / self.height) ** (blend * min(1.0, trust.sum() / 0.8)))
        self._learn_factors(solid, weights, step)

    def _learn_gain(self, flat: Array, raw_depth: Array, weights: Array, height: float, step: float) -> None:
        length = height * SHARES * self._factors[_GROUPS]
        hidden = np.sqrt(np.maximum(length**2 - flat**2, 0.0))
        raw = np.minimum(np.abs(raw_depth), 8 * length)
        use = weights * (raw > 0)
        found = np.array([(use * raw * hidden).sum(), (use * raw**2).sum()]) / height**2
        keep = float(np.exp(-step / _GAIN_SECONDS)) if self._time > -np.inf else 0.0
        self._products = found + keep * self._products
        # the sums of past pictures fade, so the prior weighs like a fraction of one picture
        over, under = self._products + np.array([_GAIN_PRIOR, 1.0]) * _GAIN_PRIOR_WEIGHT
        self.depth_gain = float(np.clip(over / under, *_GAIN_RANGE))

    def _learn_factors(self, solid: Array, weights: Array, step: float) -> None:
        """Moves each length towards a high quantile of what is seen, left and right together."""
        longer = solid > self.lengths
        move = np.where(longer, _FACTOR_QUANTILE, _FACTOR_QUANTILE - 1.0) * weights
        summed = np.bincount(_GROUPS, move, _GROUP_COUNT) / np.bincount(_GROUPS, minlength=_GROUP_COUNT)
        self._factors = np.clip(self._factors + summed * _FACTOR_SPEED * min(step, 0.2), *_FACTOR_RANGE)


def _height_of(lengths: Array, trust: Array) -> float:
    """Height in pixels that most limbs agree with: a weighted high quantile, as lengths look shortened."""
    heights = lengths[_HEIGHT_ROWS] / SHARES[_HEIGHT_ROWS]
    order = np.argsort(heights)
    total = np.cumsum(trust[order])
    chosen = order[min(int(np.searchsorted(total, _HEIGHT_QUANTILE * total[-1])), len(order) - 1)]
    return float(np.clip(heights[chosen], _SMALLEST, _LARGEST))

"""Both hands of a person, followed from frame to frame.

A hand is first looked for where the body network marks wrist and knuckles, and from then on around its own
points, moved along with the body's wrist. It never leaves its arm: what lies too far from the body's wrist,
or what both sides have found, is given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dance_now.arrays import FloatArray, Image
from dance_now.pose.blazehand import HAND_SHARE, HandNetwork, HandReading, region_from_body, region_from_hand
from dance_now.pose.litert import Region
from dance_now.pose.steady import SteadyRegion

SIDES: Final = ("left", "right")
_EXPECTED: Final = 0.27  # side of a hand's square, of the standing height
_SMALLEST_HAND: Final = 12.0  # pixels
_FIRST_LOOKS: Final = 3
_PRESENT: Final = 0.5  # enough to go on following
# Enough to be told: on 104 hands that MediaPipe Holistic saw too, readings below lay 14 % of the hand's size
# from its points, all others 3 %.
_SURE: Final = 0.8
_RIGHT_SIDE: Final = 0.1  # least agreement of the network's handedness with the arm's side, for a new hand
_FARTHEST: Final = 0.6  # of a hand's length, from the body's wrist to the hand's
_SIZES: Final = (0.45, 1.5)  # of the expected square
_SAME_HAND: Final = 0.35  # of a hand's length: mean distance of the points of two hands that are one


@dataclass(frozen=True, eq=False)
class Arm:
    """Where the body network sees one hand.

    Attributes:
        wrist, index, little: (2,) pixels: wrist and knuckles.
        seen: whether the wrist is seen well enough to look there.
    """

    wrist: FloatArray
    index: FloatArray
    little: FloatArray
    seen: bool


class Hands:
    """Reads the left and the right hand of one person."""

    def __init__(self, network: HandNetwork) -> None:
        self._network = network
        self._sides = [_Follower(network, side) for side in SIDES]

    def reset(self) -> None:
        """Forgets both hands."""
        for side in self._sides:
            side.reset()

    def __call__(self, image: Image, arms: tuple[Arm, Arm], height: float) -> list[HandReading | None]:
        """The left and the right hand, None where it is not seen well.

        Args:
            image: (H, W, 3) uint8 RGB.
            arms: left and right.
            height: the person's standing height in pixels.
        """
        expected = _EXPECTED * height
        if expected * HAND_SHARE < _SMALLEST_HAND:
            self.reset()
            return [None, None]
        found = [side(image, arm, expected) for side, arm in zip(self._sides, arms, strict=True)]
        wrong = _taken_twice(found, arms, expected)
        if wrong is not None:
            found[wrong] = None
            self._sides[wrong].lose()
        return [hand if hand is not None and hand.presence >= _SURE else None for hand in found]


class _Follower:
    """One side's hand."""

    def __init__(self, network: HandNetwork, side: str) -> None:
        self._network = network
        self._is_right = side == "right"
        self.reset()

    def reset(self) -> None:
        self.lose()
        self._fresh = True

    def lose(self) -> None:
        """Goes back to where the body network sees the hand."""
        self._steady = SteadyRegion()
        self._candidate: Region | None = None
        self._fresh = False

    def __call__(self, image: Image, arm: Arm, expected: float) -> HandReading | None:
        if not arm.seen:
            self.reset()
            return None
        if self._steady.is_known:
            return self._followed(image, arm, expected)
        looks = _FIRST_LOOKS if self._fresh else 1
        self._fresh = False
        return self._searched(image, arm, expected, looks)

    def _followed(self, image: Image, arm: Arm, expected: float) -> HandReading | None:
        region = self._steady.at(arm.wrist)
        reading = self._network(image, region) if region is not None else None
        square = self._next_square(reading, arm, expected)
        if reading is None or square is None or reading.presence < _PRESENT:
            self.lose()
            return None
        self._steady.update(square, arm.wrist)
        return reading

    def _searched(self, image: Image, arm: Arm, expected: float, looks: int) -> HandReading | None:
        """Looks where the body network points; a second look, around what was found, is much surer.

        In a video each frame is one look; in a picture of its own all looks are taken at once.
        """
        for _ in range(looks):
            second = self._candidate is not None
            region = self._candidate or region_from_body(arm.wrist, arm.index, arm.little, expected)
            reading = self._network(image, region)
            square = self._next_square(reading, arm, expected)
            self._candidate = None
            if reading is None or square is None:
                return None
            if reading.presence >= _PRESENT and second and self._fits_side(reading):
                self._steady.update(square, arm.wrist)
                return reading
            # what looks good goes on; what does not gets one more chance
            self._candidate = square if reading.presence >= _PRESENT or not second else None
        return None

    def _next_square(self, reading: HandReading | None, arm: Arm, expected: float) -> Region | None:
        """The square for the next look, or None if this cannot be the arm's hand."""
        if reading is None:
            return None
        square = region_from_hand(reading.points)
        length = HAND_SHARE * max(expected, square.size)
        near = float(np.hypot(*(reading.points[0] - arm.wrist))) < _FARTHEST * length
        possible = _SIZES[0] * expected < square.size < _SIZES[1] * expected
        return square if near and possible else None

    def _fits_side(self, reading: HandReading) -> bool:
        return (reading.rightness if self._is_right else 1 - reading.rightness) >= _RIGHT_SIDE


def _taken_twice(found: list[HandReading | None], arms: tuple[Arm, Arm], expected: float) -> int | None:
    """Which side has found the other side's hand, if one has: 0 is the left."""
    left, right = found
    if left is None or right is None:
        return None
    apart = float(np.linalg.norm(left.points - right.points, axis=1).mean())
    if apart > _SAME_HAND * HAND_SHARE * expected:
        return None
    rightness = (left.rightness + right.rightness) / 2
    away = [
        float(np.hypot(*(hand.points[0] - arm.wrist))) / expected
        for hand, arm in zip((left, right), arms, strict=True)
    ]
    # the network's word on the side counts like a hand's length
    return int(away[1] - away[0] > HAND_SHARE * (2 * rightness - 1))

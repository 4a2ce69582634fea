"""Both hands of a person, followed from frame to frame.

A hand is first looked for where the body network marks wrist and knuckles, and from then on around its own
points, moved along with the body's wrist where that moves far. It never leaves its arm: what lies too far
from the body's wrist, or what both sides have found, is given up, and what each side has found of the other
is exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.networks.blazehand import (
    HAND_SHARE,
    HandNetwork,
    HandReading,
    region_from_body,
    region_from_hand,
)
from dance_now.pose.networks.litert import Region

SIDES: Final = ("left", "right")
_EXPECTED: Final = 0.27  # side of a hand's square, of the standing height
_SMALLEST_HAND: Final = 12.0  # pixels
_FIRST_LOOKS: Final = 3
_PRESENT: Final = 0.5  # enough to go on following
# Enough to be told: on 93 hands that MediaPipe Holistic saw too, readings from 0.8 up to here lay 8 % of the
# hand's size from its points, all others 2.4 %.
_SURE: Final = 0.9
# Of a square's side. A wrist that moves less from one frame to the next may only seem to, and a square that
# trembles with it makes the hand's points tremble.
_WRIST_TREMBLE: Final = 0.1
_RIGHT_SIDE: Final = 0.1  # least agreement of the network's handedness with the arm's side, for a new hand
_FARTHEST: Final = 0.6  # of a hand's length, from the body's wrist to the hand's
_SIZES: Final = (0.45, 1.5)  # of the expected square
_CROSSED: Final = 0.15  # of a square's side: how much better two hands must fit the other arms
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


class HandTracker:
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
        left, right = self._sides
        if _crossed(found, arms, expected):
            found.reverse()
            left.exchange(right)
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
        self._square: Region | None = None
        self._wrist: FloatArray | None = None
        self._candidate: Region | None = None
        self._fresh = False

    def exchange(self, other: _Follower) -> None:
        """Takes the other side's hand and gives its own."""
        self._square, other._square = other._square, self._square

    def __call__(self, image: Image, arm: Arm, expected: float) -> HandReading | None:
        if not arm.seen:
            self.reset()
            return None
        if self._square is not None and self._wrist is not None:
            return self._followed(image, _carried(self._square, arm.wrist - self._wrist), arm, expected)
        looks = _FIRST_LOOKS if self._fresh else 1
        self._fresh = False
        return self._searched(image, arm, expected, looks)

    def _followed(self, image: Image, region: Region, arm: Arm, expected: float) -> HandReading | None:
        reading = self._network(image, region)
        square = self._next_square(reading, arm, expected)
        if reading is None or square is None or reading.presence < _PRESENT:
            self.lose()
            return None
        self._square, self._wrist = square, arm.wrist
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
                self._square, self._wrist = square, arm.wrist
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


def _carried(square: Region, moved: FloatArray) -> Region:
    """The square moved along with its wrist, as far as that has moved beyond its trembling."""
    way = float(np.hypot(*moved))
    share = max(way - _WRIST_TREMBLE * square.size, 0.0) / max(way, 1e-6)
    return replace(square, x=square.x + share * float(moved[0]), y=square.y + share * float(moved[1]))


def _misfit(hand: HandReading, arm: Arm, is_right: bool, expected: float) -> float:
    """How badly a hand fits an arm, in squares: its way from the wrist, and the side that the network says.

    The network's word on the side counts like a hand's length.
    """
    away = float(np.hypot(*(hand.points[0] - arm.wrist))) / expected
    return away + HAND_SHARE * (1 - hand.rightness if is_right else hand.rightness)


def _crossed(found: list[HandReading | None], arms: tuple[Arm, Arm], expected: float) -> bool:
    """Whether each side has found the other side's hand."""
    left, right = found
    if left is None or right is None:
        return False
    as_is = _misfit(left, arms[0], False, expected) + _misfit(right, arms[1], True, expected)
    changed = _misfit(right, arms[0], False, expected) + _misfit(left, arms[1], True, expected)
    return changed + _CROSSED < as_is


def _taken_twice(found: list[HandReading | None], arms: tuple[Arm, Arm], expected: float) -> int | None:
    """Which side has found the other side's hand, if one has: 0 is the left."""
    left, right = found
    if left is None or right is None:
        return None
    apart = float(np.linalg.norm(left.points - right.points, axis=1).mean())
    if apart > _SAME_HAND * HAND_SHARE * expected:
        return None
    as_left = _misfit(left, arms[0], False, expected) + _misfit(right, arms[0], False, expected)
    as_right = _misfit(left, arms[1], True, expected) + _misfit(right, arms[1], True, expected)
    return int(as_left < as_right)

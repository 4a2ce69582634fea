"""Both hands of a person, followed from frame to frame.

A hand is first looked for where the body network marks wrist and knuckles, and from then on around its own
points, moved along with the body's wrist. It never leaves its arm: what lies too far from the body's wrist, or
what both sides have found, is given up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.arrays import FloatArray, Image
from dance_now.pose.blazehand import HAND_SHARE, HandNetwork, HandReading, region_from_body, region_from_hand
from dance_now.pose.litert import Region
from dance_now.pose.smoothing import OneEuro

Array = npt.NDArray[np.float64]

SIDES: Final = ("left", "right")
_EXPECTED: Final = 0.27  # side of a hand's square, of the standing height
_SMALLEST_HAND: Final = 12.0  # pixels
_FIRST_LOOKS: Final = 3
_PRESENT: Final = 0.5
_RIGHT_SIDE: Final = 0.1  # least agreement of the network's handedness with the arm's side, for a new hand
_FARTHEST: Final = 0.6  # of a hand's length, from the body's wrist to the hand's
_SIZES: Final = (0.45, 1.5)  # of the expected square
_SAME_HAND: Final = 0.35  # of a hand's length: mean distance of the points of two hands that are one
_FRAME_SECONDS: Final = 1 / 30  # the clock of the filters: estimators are not told the time
_REGION_CUTOFF: Final = 1.0  # Hz at rest
_REGION_BETA: Final = 12.0  # Hz for a speed of one square a second


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
        """The left and the right hand, None where it is not seen.

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
            self._sides[wrong].reset()
        return found


class _Follower:
    """One side's hand."""

    def __init__(self, network: HandNetwork, side: str) -> None:
        self._network = network
        self._is_right = side == "right"
        self.reset()

    def reset(self) -> None:
        self._next: Region | None = None
        self._wrist: FloatArray | None = None
        self._known = False
        self._fresh = True
        self._steady: OneEuro | None = None
        self._frame_count = 0

    def __call__(self, image: Image, arm: Arm, expected: float) -> HandReading | None:
        if not arm.seen:
            self.reset()
            return None
        looks = _FIRST_LOOKS if self._fresh else 1
        self._fresh = False
        reading = None
        for _ in range(looks):
            region = self._region(arm, expected)
            reading = self._network(image, region)
            self._next = None if reading is None else self._checked(reading, arm, expected)
            if self._next is None or reading is None or (self._known and reading.presence < _PRESENT):
                self._lose()
                return None
        if reading is None or reading.presence < _PRESENT or not (self._known or self._fits_side(reading)):
            return None
        self._known = True
        self._hold(arm)
        return reading

    def _region(self, arm: Arm, expected: float) -> Region:
        if self._next is None:
            return region_from_body(arm.wrist, arm.index, arm.little, expected)
        if self._wrist is None:
            return self._next
        moved = arm.wrist - self._wrist
        self._wrist = None  # moved along once
        return replace(self._next, x=self._next.x + float(moved[0]), y=self._next.y + float(moved[1]))

    def _checked(self, reading: HandReading, arm: Arm, expected: float) -> Region | None:
        """The square for the next look, or None if this cannot be the arm's hand."""
        region = region_from_hand(reading.points)
        length = HAND_SHARE * expected
        near = float(np.hypot(*(reading.points[0] - arm.wrist))) < _FARTHEST * max(
            length, HAND_SHARE * region.size
        )
        possible = _SIZES[0] * expected < region.size < _SIZES[1] * expected
        return region if near and possible else None

    def _fits_side(self, reading: HandReading) -> bool:
        return (reading.rightness if self._is_right else 1 - reading.rightness) >= _RIGHT_SIDE

    def _hold(self, arm: Arm) -> None:
        """Steadies the next square: a trembling square makes trembling points."""
        region = self._next
        if region is None:
            return
        if self._steady is None:
            self._steady = OneEuro(_REGION_CUTOFF, _REGION_BETA / region.size, derivative_cutoff=3.0)
        self._frame_count += 1
        up = np.array([np.sin(region.angle), -np.cos(region.angle)]) * region.size / 2
        centre = np.array([region.x, region.y]) - arm.wrist
        centre, up = self._steady.filter(np.stack([centre, up]), self._frame_count * _FRAME_SECONDS)
        x, y = centre + arm.wrist
        angle = float(np.arctan2(up[0], -up[1]))
        self._next = Region(float(x), float(y), 2 * float(np.hypot(*up)), angle)
        self._wrist = arm.wrist

    def _lose(self) -> None:
        self.reset()
        self._fresh = False


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

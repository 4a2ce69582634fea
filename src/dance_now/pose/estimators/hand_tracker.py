"""Hand tracker: both hands of a person from frame to frame.

A hand is first searched where the body network marks wrist and knuckles, and from then on around its own
landmarks, moved along with the body's wrist where that moves far. It stays bound to its arm: landmarks too
far from the body's wrist, and duplicates of the other side's hand, are dropped, and hands that have been
assigned to the wrong sides are swapped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.detection import PosePart
from dance_now.pose.networks.blazehand import (
    HAND_SHARE,
    HandLandmarks,
    HandNetwork,
    region_from_body,
    region_from_hand,
)
from dance_now.pose.networks.litert import Region

SIDES: Final = ("left", "right")
_PARTS: Final[tuple[PosePart, PosePart]] = ("left_hand", "right_hand")
_EXPECTED: Final = 0.27  # side of a hand's square, of the standing height
_SMALLEST_HAND: Final = 12.0  # pixels
_INITIAL_PASSES: Final = 3
_PRESENT: Final = 0.5  # presence to keep tracking
# Presence to report: on 93 hands that MediaPipe Holistic found too, those from 0.8 up to here lay 8 % of the
# hand's size from its points, all others 2.4 %.
_SURE: Final = 0.9
# Of a square's side. Wrist motion below this may be jitter, which a moving square would pass on to the hand's
# points.
_WRIST_TREMBLE: Final = 0.1
_RIGHT_SIDE: Final = 0.1  # least agreement of the network's handedness with the arm's side, for a new hand
_FARTHEST: Final = 0.6  # of a hand's length, from the body's wrist to the hand's
_SIZES: Final = (0.45, 1.5)  # of the expected square
_CROSSED: Final = 0.15  # of a square's side: how much better two hands must fit the other arms
_SAME_HAND: Final = 0.35  # of a hand's length: mean distance of the points of two hands that are one


@dataclass(frozen=True, eq=False)
class Arm:
    """Coarse hand points of the body network.

    Attributes:
        wrist, index, little: (2,) pixels: wrist and knuckles.
        seen: whether the wrist is confident enough to search there.
    """

    wrist: FloatArray
    index: FloatArray
    little: FloatArray
    seen: bool


class HandTracker:
    """Tracks the left and the right hand of one person.

    Attributes:
        carried: the hands of the last result that were not read in that frame.
    """

    def __init__(self, network: HandNetwork) -> None:
        self._network = network
        self._sides = [_SideTracker(network, side) for side in SIDES]
        self.carried: frozenset[PosePart] = frozenset()

    def reset(self) -> None:
        """Resets both hands."""
        for side in self._sides:
            side.reset()

    def __call__(
        self,
        image: Image,
        arms: tuple[Arm, Arm],
        height: float,
        read: tuple[bool, bool] = (True, True),
    ) -> list[HandLandmarks | None]:
        """Estimates the left and the right hand; None where confidence is low.

        Args:
            image: (H, W, 3) uint8 RGB.
            arms: left and right.
            height: the person's standing height in pixels.
            read: which hands to read; another one is carried along with its wrist, unless it has just
                appeared.
        """
        expected = _EXPECTED * height
        if expected * HAND_SHARE < _SMALLEST_HAND:
            self.reset()
            return [None, None]
        new = [asked or side.is_appearing for asked, side in zip(read, self._sides, strict=True)]
        self.carried = frozenset(part for part, each in zip(_PARTS, new, strict=True) if not each)
        found = [
            side(image, arm, expected) if each else side.carried(arm)
            for side, arm, each in zip(self._sides, arms, new, strict=True)
        ]
        left, right = self._sides
        if _are_swapped(found, arms, expected):
            found.reverse()
            left.swap(right)
        wrong = _duplicate_side(found, arms, expected)
        if wrong is not None:
            found[wrong] = None
            self._sides[wrong].lose()
        return [hand if hand is not None and hand.presence >= _SURE else None for hand in found]


class _SideTracker:
    """Tracker of one side's hand.

    Attributes:
        is_appearing: whether the last pass saw a hand that another pass has to confirm.
    """

    def __init__(self, network: HandNetwork, side: str) -> None:
        self._network = network
        self._is_right = side == "right"
        self.reset()

    def reset(self) -> None:
        self.lose()
        self._fresh = True

    def lose(self) -> None:
        """Drops the track; the next search starts from the body network's points."""
        self._square: Region | None = None
        self._wrist: FloatArray | None = None
        self._latest: HandLandmarks | None = None
        self._candidate: Region | None = None
        self._fresh = False
        self.is_appearing = False

    def swap(self, other: _SideTracker) -> None:
        """Swaps the tracked hands of the two sides."""
        self._square, other._square = other._square, self._square
        self._latest, other._latest = other._latest, self._latest

    def carried(self, arm: Arm) -> HandLandmarks | None:
        """The hand as it was read last, moved along with its wrist."""
        if not arm.seen:
            self.reset()
        if self._latest is None or self._wrist is None:
            return None
        return self._latest.moved(arm.wrist - self._wrist)

    def __call__(self, image: Image, arm: Arm, expected: float) -> HandLandmarks | None:
        if not arm.seen:
            self.reset()
            return None
        if self._square is not None and self._wrist is not None:
            return self._track(image, _moved_with_wrist(self._square, arm.wrist - self._wrist), arm, expected)
        looks = _INITIAL_PASSES if self._fresh else 1
        self._fresh = False
        return self._search(image, arm, expected, looks)

    def _track(self, image: Image, region: Region, arm: Arm, expected: float) -> HandLandmarks | None:
        reading = self._network(image, region)
        square = self._next_square(reading, arm, expected)
        if reading is None or square is None or reading.presence < _PRESENT:
            self.lose()
            return None
        self._square, self._wrist, self._latest = square, arm.wrist, reading
        return reading

    def _search(self, image: Image, arm: Arm, expected: float, looks: int) -> HandLandmarks | None:
        """Searches around the body network's points; a second pass around the first result is more reliable.

        In a video each frame is one pass; in a single photo all passes run at once.
        """
        for _ in range(looks):
            second = self._candidate is not None
            region = self._candidate or region_from_body(arm.wrist, arm.index, arm.little, expected)
            reading = self._network(image, region)
            square = self._next_square(reading, arm, expected)
            self._candidate, self.is_appearing = None, False
            if reading is None or square is None:
                return None
            if reading.presence >= _PRESENT and second and self._fits_side(reading):
                self._square, self._wrist, self._latest = square, arm.wrist, reading
                return reading
            # a confident result is continued; another gets one more pass
            self.is_appearing = reading.presence >= _PRESENT
            self._candidate = square if self.is_appearing or not second else None
        return None

    def _next_square(self, reading: HandLandmarks | None, arm: Arm, expected: float) -> Region | None:
        """Region of interest for the next pass; None if this cannot be the arm's hand."""
        if reading is None:
            return None
        square = region_from_hand(reading.points)
        length = HAND_SHARE * max(expected, square.size)
        near = float(np.hypot(*(reading.points[0] - arm.wrist))) < _FARTHEST * length
        possible = _SIZES[0] * expected < square.size < _SIZES[1] * expected
        return square if near and possible else None

    def _fits_side(self, reading: HandLandmarks) -> bool:
        return (reading.right_handedness if self._is_right else 1 - reading.right_handedness) >= _RIGHT_SIDE


def _moved_with_wrist(square: Region, moved: FloatArray) -> Region:
    """Moves the square along with its wrist, as far as that has moved beyond its jitter."""
    way = float(np.hypot(*moved))
    share = max(way - _WRIST_TREMBLE * square.size, 0.0) / max(way, 1e-6)
    return replace(square, x=square.x + share * float(moved[0]), y=square.y + share * float(moved[1]))


def _misfit(hand: HandLandmarks, arm: Arm, is_right: bool, expected: float) -> float:
    """Misfit of a hand and an arm, in squares: distance from the wrist, and disagreement of handedness.

    Handedness weighs like a hand's length.
    """
    away = float(np.hypot(*(hand.points[0] - arm.wrist))) / expected
    return away + HAND_SHARE * (1 - hand.right_handedness if is_right else hand.right_handedness)


def _are_swapped(found: list[HandLandmarks | None], arms: tuple[Arm, Arm], expected: float) -> bool:
    """Tests whether each side tracks the other side's hand."""
    left, right = found
    if left is None or right is None:
        return False
    as_is = _misfit(left, arms[0], False, expected) + _misfit(right, arms[1], True, expected)
    changed = _misfit(right, arms[0], False, expected) + _misfit(left, arms[1], True, expected)
    return changed + _CROSSED < as_is


def _duplicate_side(found: list[HandLandmarks | None], arms: tuple[Arm, Arm], expected: float) -> int | None:
    """Side that duplicates the other side's hand, if one does: 0 is the left."""
    left, right = found
    if left is None or right is None:
        return None
    apart = float(np.linalg.norm(left.points - right.points, axis=1).mean())
    if apart > _SAME_HAND * HAND_SHARE * expected:
        return None
    as_left = _misfit(left, arms[0], False, expected) + _misfit(right, arms[0], False, expected)
    as_right = _misfit(left, arms[1], True, expected) + _misfit(right, arms[1], True, expected)
    return int(as_left < as_right)

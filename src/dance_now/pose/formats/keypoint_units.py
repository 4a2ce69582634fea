"""Unit of the coordinates in keypoint files, and the size of the image that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MAX_GUESSED_PIXELS
from dance_now.pose.formats.keypoint_json import Canvas
from dance_now.pose.formats.openpose_parser import OpenPosePerson

_MAX_NORMALIZED: Final = 2.0  # coordinates of an image in pixels go farther than this somewhere
_COMMON_SIZES: Final = (
    *((1280, 720), (720, 1280), (1920, 1080), (1080, 1920)),
    *((2560, 1440), (1440, 2560), (3840, 2160), (2160, 3840)),
)
# Programs scale pictures to whole multiples of 64 pixels first, which changes their aspect a little.
_ASPECT_TOLERANCE: Final = 0.08


class Units(Enum):
    """Unit of the coordinates in a set of files."""

    PIXELS = "pixels"
    NORMALIZED = "unit"  # shares of the image, 0 to 1
    SIGNED_NORMALIZED = "signed"  # shares of the image, -1 to 1


@dataclass(frozen=True)
class KeypointStatistics:
    """Statistics of a sample of the frames.

    Attributes:
        low: the lowest coordinate of all.
        right, bottom: the greatest x and y.
        has_person_ids: whether the files hold usable person_ids.
        is_signed: whether missing points are at (-1, -1), as in coordinates of -1..1.
    """

    low: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    has_person_ids: bool = False
    is_signed: bool = False

    @classmethod
    def of(cls, frames: Sequence[list[OpenPosePerson]]) -> KeypointStatistics:
        """Collects them from the people of some frames."""
        numbers = _are_person_ids([[each.person_id for each in people] for people in frames])
        signed = any(each.is_signed for people in frames for each in people)
        points = [each.pose.points[each.pose.visible, :2] for people in frames for each in people]
        if not sum(map(len, points)):
            return cls()
        every = np.concatenate(points)
        right, bottom = every.max(axis=0).tolist()
        return cls(float(every.min()), max(right, 0.0), max(bottom, 0.0), numbers, signed)

    @property
    def units(self) -> Units:
        """The likely unit."""
        if max(self.right, self.bottom, -self.low) > _MAX_NORMALIZED or self.right == self.bottom == 0:
            return Units.PIXELS
        return Units.SIGNED_NORMALIZED if self.is_signed or self.low < -0.05 else Units.NORMALIZED

    def guessed_size(self, path: Path, units: Units) -> tuple[int, int]:
        """A common video size that holds the points, 1280x720 first; (width, height).

        Raises:
            DanceNowError: the points lie too far out for any.
        """
        if units is not Units.PIXELS:
            return _COMMON_SIZES[0]
        for width, height in _COMMON_SIZES:
            if self.right <= width and self.bottom <= height:
                return width, height
        if 1.1 * self.right * self.bottom > MAX_GUESSED_PIXELS:
            raise DanceNowError(
                f"the keypoints in {path} reach {self.right:.0f}x{self.bottom:.0f} pixels, too far to guess "
                "the picture's size. Set size.",
                option="size",
            )
        return tuple(2 * int(np.ceil(side * 0.525)) for side in (self.right, self.bottom))  # type: ignore[return-value]


def canvas_scale(path: Path, canvas: Canvas, size: tuple[int, int]) -> tuple[float, float]:
    """Factors (x, y) from the picture that keypoints were made for to the one that they are used with.

    Raises:
        DanceNowError: the two differ in shape, so that one is no scaled version of the other.
    """
    scale = size[0] / canvas[0], size[1] / canvas[1]
    if abs(scale[0] / scale[1] - 1) > _ASPECT_TOLERANCE:
        raise DanceNowError(
            f"{path} was made for a picture of {canvas[0]:.0f}x{canvas[1]:.0f}, which differs in shape "
            f"from {size[0]}x{size[1]}. Give keypoints of the same picture, or that picture."
        )
    return scale


def _are_person_ids(frames: list[list[int | None]]) -> bool:
    """Tests whether the person_ids of the frames are identities.

    They are if everybody has a unique one, and if they are not just the positions in the list.
    """
    counted = all(numbers == list(range(len(numbers))) for numbers in frames)
    return not counted and all(
        None not in numbers and len(set(numbers)) == len(numbers) for numbers in frames
    )

"""Interface of networks that detect people and read one person at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.detection import Detection
from dance_now.pose.networks.litert import Region
from dance_now.pose.networks.person_detector import DetectedRegion, region_from_circle


@dataclass(frozen=True, eq=False)
class PersonLandmarks:
    """Output of a landmark network in one square of an image.

    Attributes:
        detection: pose and mask.
        circle: (2, 2) pixels: centre of the person, and the point above the head, which give the region of
            the next frame.
        certainty: in [0, 1]: mean confidence of the points inside the image; 0 where the network doubts that
            there is anybody, or too little of them is inside.
    """

    detection: Detection
    circle: FloatArray
    certainty: float

    @property
    def region(self) -> Region:
        """Region of interest for the next frame."""
        return region_from_circle(*self.circle)


class PersonNetwork(Protocol):
    """Interface of a detector and a single-person landmark network."""

    def detect(self, image: Image, squares: Sequence[Region]) -> list[DetectedRegion]:
        """Detects people in upright squares of an image, most prominent first; duplicates are possible."""
        ...

    def read_person(
        self, image: Image, region: Region, mask: FloatArray | None = None
    ) -> PersonLandmarks | None:
        """Estimates the person in a region; None where there is none.

        Args:
            image: (H, W, 3) uint8 RGB.
            region: a square around the person.
            mask: of the same person in an earlier region; it may be taken again instead of a new one.
        """
        ...

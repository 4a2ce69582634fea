"""Search for people in one image: candidates from several squares, and the evidence for each.

A detector finds people from about a third of its square's size on, and sees whom the image's edges cut better
with space around. So the whole image, smaller squares and a padded one are searched together, and what they
find is weighed: by the detector's score, by the certainty of the landmarks inside the image, and against
people who are not upright, which legs and furniture are mistaken for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from dance_now.core.arrays import Image
from dance_now.pose.estimators.person_network import PersonLandmarks, PersonNetwork
from dance_now.pose.networks.litert import Region
from dance_now.pose.networks.person_detector import (
    DetectedRegion,
    fine_regions,
    padded_region,
    search_regions,
)
from dance_now.pose.tracking.tracker import is_same_person

_LOOKS: Final = 4  # candidates that are read, for each person wanted
# Evidence from which a candidate is a person; from which one in a fine square is; and from which one in the
# whole image may be, if there is no other and it does not lie. On 150 views of rendered people the first was
# right in 121 of 122; parts of a rocket had 1.39, a horse 1.38, a wheel in a fine square 1.5.
_SURE: Final = 1.4
_SURE_AFAR: Final = 1.55
_STRONG: Final = 1.6  # evidence from which nothing else speaks against a candidate
_PLAUSIBLE: Final = 1.25
_LYING: Final = np.radians(75)
_CERTAIN: Final = 0.6  # certainty that goes with it
_TILT: Final = 0.5  # what an upside-down person lacks in evidence
_INVERTED: Final = np.radians(100)  # tilt from which the other way up is tried
_INVERTED_GAIN: Final = 0.1  # by which an upside-down reading must be the more certain one: few people are
_FINE_LOOKS: Final = 2  # fine squares searched in each frame of a video without people
_SAME_CENTRE: Final = 0.15  # of a region's size: regions so near are of one person
_SAME_SIZE: Final = 1.4  # and not more than so many times as large or small
# Squares for a person whose head and shoulders are above the image: centre across it, in widths; centre down
# it and side, in heights.
_LEGS_AT: Final = tuple(product((0.5, 0.25, 0.75), ((0.1, 2.5), (-0.2, 2.6))))
_LEGS: Final = np.array([9, 10, 11, 12, 13, 14])
_HEAD: Final = np.array([0, 17, 18])
_FEET: Final = np.array([11, 14])
_NECK, _HIPS = 1, 8
_FOLDED: Final = 0.4  # length of a trunk over that of the legs, as drawn; 0.1 to 0.3 measured on legs alone
_LEGS_SCORE: Final = 0.5  # of a person whom the detector does not find
_LEGS_SEEN: Final = 0.85  # confidence of hips, knees and ankles


@dataclass(frozen=True, eq=False)
class Candidate:
    """Possible person.

    Attributes:
        reading: the landmarks.
        score: of the detector.
    """

    reading: PersonLandmarks
    score: float

    @property
    def evidence(self) -> float:
        """Evidence that this is a person, read correctly."""
        return self.score + self.reading.certainty - _TILT * tilt(self.reading.region) / np.pi

    @property
    def is_sure(self) -> bool:
        """Tests whether the evidence suffices, wherever in the image the person is."""
        return self.reading.certainty >= _CERTAIN and self.evidence >= _SURE

    @property
    def is_strong(self) -> bool:
        """Tests whether the evidence leaves no doubt."""
        return self.is_sure and self.evidence >= _STRONG

    @property
    def is_plausible(self) -> bool:
        """Tests whether this may be a person, if there is nobody else."""
        return self.evidence >= _PLAUSIBLE and tilt(self.reading.region) < _LYING


class PersonSearch:
    """Finds people in single images by a detector and a landmark network."""

    def __init__(self, network: PersonNetwork) -> None:
        self._network = network

    def first_look(self, image: Image, count: int, turn: int) -> list[Candidate]:
        """Finds people in an image in which nobody is tracked: the largest first, doubtful ones last.

        Args:
            image: (H, W, 3) uint8 RGB.
            count: how many are wanted; if there are more, they follow.
            turn: number of the frame; the first one is searched more thoroughly.
        """
        sure = [each for each in self.look(image, count) if each.is_sure]
        if not sure:
            fine = fine_regions(image)
            some = [fine[(turn * _FINE_LOOKS + place) % len(fine)] for place in range(_FINE_LOOKS)]
            far = self.candidates(image, some if turn else fine, count)
            sure = [each for each in far if each.is_sure and each.evidence >= _SURE_AFAR]
        if sure:
            return sorted(sure, key=lambda each: (not each.is_strong, -each.reading.region.size))
        overall = self.candidates(image, [search_regions(image)[0], padded_region(image)], count)
        plausible = [each for each in overall if each.is_plausible]
        if plausible:
            return [max(plausible, key=lambda each: each.evidence)]
        found = self._find_by_legs(image) if turn == 0 else None
        return [] if found is None else [Candidate(found, _LEGS_SCORE)]

    def look(self, image: Image, count: int, known: Sequence[PersonLandmarks] = ()) -> list[Candidate]:
        """Candidates from the whole image, smaller squares and a padded one."""
        return self.candidates(image, [*search_regions(image), padded_region(image)], count, known)

    def candidates(
        self, image: Image, squares: Sequence[Region], count: int, known: Sequence[PersonLandmarks] = ()
    ) -> list[Candidate]:
        """Reads the people detected in some squares, without those known, each once.

        Each is estimated twice: the detector's region is rough, and a second pass, in the first one's own
        region, is what following frames will see. What fails it is not a person.
        """
        found: list[Candidate] = []
        for detected in _distinct(self._network.detect(image, squares), known, _LOOKS * count):
            reading = self._read(image, detected.region)
            if reading is None or is_legs_only(reading):
                continue
            if not any(
                is_same_person(reading.detection.pose, each.detection.pose)
                for each in [*known, *(candidate.reading for candidate in found)]
            ):
                found.append(Candidate(reading, detected.score))
        return found

    def _read(self, image: Image, region: Region) -> PersonLandmarks | None:
        first = self._network.read_person(image, region)
        if first is None:
            return None
        return self.upright(image, self._network.read_person(image, first.region))

    def upright(self, image: Image, reading: PersonLandmarks | None) -> PersonLandmarks | None:
        """Reads somebody who seems upside down once more, the other way up; returns the more certain one."""
        if reading is None or tilt(reading.region) < _INVERTED:
            return reading
        region = reading.region
        turned = Region(region.x, region.y, region.size, region.angle + np.pi)
        other = self._network.read_person(image, turned)
        if other is None or tilt(other.region) >= _INVERTED:
            return reading
        return other if other.certainty >= reading.certainty - _INVERTED_GAIN else reading

    def _find_by_legs(self, image: Image) -> PersonLandmarks | None:
        """Finds a person whose head and shoulders, which detectors rely on, are above the image."""
        height, width = image.shape[:2]
        for x, (y, side) in _LEGS_AT:
            found = self._network.read_person(image, Region(x * width, y * height, side * height, 0.0))
            if found is not None:
                found = self._network.read_person(image, found.region)
            if found is not None:
                body = found.detection.pose.body
                if body[_LEGS, 2].min() >= _LEGS_SEEN and body[_HEAD, 1].max() < 0:
                    return found
        return None


def tilt(region: Region) -> float:
    """Angle of a region from upright, radians in [0, pi]."""
    return float(abs((region.angle + np.pi) % (2 * np.pi) - np.pi))


def is_legs_only(reading: PersonLandmarks) -> bool:
    """Detects legs mistaken for a whole person, who then seems folded up with the head at the knees."""
    body = reading.detection.pose.body.astype(np.float64)
    head, neck, hips, feet = (body[rows, :2].mean(axis=0) for rows in (_HEAD, [_NECK], [_HIPS], _FEET))
    below = min(head[1], feet[1]) > hips[1]
    return bool(below and np.hypot(*(neck - hips)) < _FOLDED * np.hypot(*(feet - hips)))


def is_same_place(one: Region, other: Region) -> bool:
    """Tests whether two regions are around the same person."""
    apart = float(np.hypot(one.x - other.x, one.y - other.y))
    larger = max(one.size, other.size)
    return apart < _SAME_CENTRE * larger and larger < _SAME_SIZE * min(one.size, other.size)


def _distinct(
    detected: Sequence[DetectedRegion], known: Sequence[PersonLandmarks], most: int
) -> Iterator[DetectedRegion]:
    """The detections of people who are not known, the best of each person, at most so many."""
    places = [each.region for each in known]
    for each in sorted(detected, key=lambda each: -each.score):
        if most == 0:
            return
        if not any(is_same_place(each.region, place) for place in places):
            places.append(each.region)
            most -= 1
            yield each

"""Multi-person pose tracking: detection and per-person landmark networks combined over time.

Source: the pipeline of MediaPipe's pose tracking (Bazarevsky et al., "BlazePose", 2020): a tracked person
is estimated in a region known from the last frame, and the detector runs for new people only. Here for
several people at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, product
from typing import Final, Protocol

import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.detection import Detection, Person
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.litert import Region
from dance_now.pose.networks.person_detector import region_from_circle, search_regions
from dance_now.pose.smoothing.one_euro import OneEuroFilter
from dance_now.pose.tracking.instance_masks import instance_masks
from dance_now.pose.tracking.reidentification import color_histogram
from dance_now.pose.tracking.tracker import Observation, Tracker, is_same_person, pose_box

_MAX_CANDIDATES: Final = 3  # for each person wanted
_DETECT_INTERVAL: Final = 12  # frames, for new people
_HIDDEN_INTERVAL: Final = 3  # frames, for a hidden person
# Squares for a person whose head and shoulders are above the image: centre across it, in widths; centre down
# it and side, in heights.
_LEGS_AT: Final = tuple(product((0.5, 0.25, 0.75), ((0.1, 2.5), (-0.2, 2.6))))
_LEGS: Final = np.array([9, 10, 11, 12, 13, 14])
_HEAD: Final = np.array([0, 17, 18])
_FEET: Final = np.array([11, 14])
_NECK, _HIPS = 1, 8
_FOLDED: Final = 0.4  # length of a trunk over that of the legs, as drawn; 0.1 to 0.3 measured on legs alone
_LEGS_SEEN: Final = 0.85  # confidence of hips, knees and ankles
_HIDDEN_SEARCH_SIZE: Final = 2.0  # side of the square that is searched, of the person's extent
_FRAME_SECONDS: Final = 1 / 30  # the clock of the region's filter: estimators are not told the time
_REGION_CUTOFF: Final = 0.5  # Hz at rest
_REGION_BETA: Final = 9.0  # Hz for a speed of one region a second
_KNOWN_CENTRE: Final = 0.15  # of a region's size: a candidate so near a tracked person is the same one
_KNOWN_SIZE: Final = 1.4  # and not more than so many times as large or small


@dataclass(frozen=True, eq=False)
class PersonLandmarks:
    """Output of a landmark network in one square of an image.

    Attributes:
        detection: pose and mask.
        circle: (2, 2) pixels: centre of the person, and the point above the head, which give the region of
            the next frame.
        is_confident: whether this is a whole person with high confidence.
    """

    detection: Detection
    circle: FloatArray
    is_confident: bool


class PersonNetwork(Protocol):
    """Interface of a detector and a single-person landmark network."""

    def detect(self, image: Image, squares: Sequence[Region]) -> list[Region]:
        """Detects people in upright squares of an image, most prominent first; duplicates are possible."""
        ...

    def read_person(self, image: Image, region: Region) -> PersonLandmarks | None:
        """Estimates the person in a region; None where there is none."""
        ...


class MultiPersonTracker:
    """Estimates several people in successive frames by networks that read one person at a time.

    Tracked people are estimated in the region known from the last frame. For new people one square of the
    image is searched at intervals, for hidden ones the surroundings of their predicted position.
    With ``max_people`` 1 the most prominent person is tracked, and the detector does not run meanwhile.

    Args:
        network: detects and estimates people.
        max_people: how many people to track.
    """

    def __init__(self, network: PersonNetwork, max_people: int = 1) -> None:
        self._network = network
        self._max_people = max_people
        self._tracker = Tracker(max_people)
        self.reset()

    def reset(self) -> None:
        """Drops all tracks."""
        self._tracker.reset()
        self._squares: dict[int, _RegionSmoother] = {}
        self._count = 0

    def __call__(self, image: Image) -> tuple[Person, ...]:
        """Estimates the people in ``image``, in the order of their identities.

        Args:
            image: (H, W, 3) uint8 RGB of any size; it is not written to.

        Raises:
            ValueError: another shape or type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ValueError(f"an image must be (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
        image = np.ascontiguousarray(image)
        readings: list[PersonLandmarks] = []
        for square in self._squares.values():
            self._add_unless_known(readings, self._network.read_person(image, square.region))
        for reading in islice(self._detect_new(image, tuple(readings)), self._max_people - len(readings)):
            self._add_unless_known(readings, reading)
        self._count += 1
        return self._assign_identities(image, readings)

    def _assign_identities(self, image: Image, readings: list[PersonLandmarks]) -> tuple[Person, ...]:
        """Assigns IDs to the landmarks, and keeps the regions for the next frame."""
        found = [reading.detection for reading in readings]
        identities = self._tracker(
            # a single person needs no re-identification
            [
                Observation(each.pose, color_histogram(image, each) if self._max_people > 1 else None)
                for each in found
            ]
        )
        named = sorted((identity, place) for place, identity in enumerate(identities) if identity is not None)
        squares = {identity: self._squares.get(identity) or _RegionSmoother() for identity, _ in named}
        for identity, place in named:
            squares[identity].update(readings[place].circle)
        self._squares = squares
        own = instance_masks(found)
        return tuple(Person(identity, own[place]) for identity, place in named if identity > 0)

    @staticmethod
    def _add_unless_known(readings: list[PersonLandmarks], reading: PersonLandmarks | None) -> None:
        """Adds landmarks, unless they are of a person who is in the list already."""
        if reading is not None and not any(
            is_same_person(reading.detection.pose, known.detection.pose) for known in readings
        ):
            readings.append(reading)

    def _detect_new(self, image: Image, known: Sequence[PersonLandmarks]) -> Iterator[PersonLandmarks]:
        """Detects people who are not tracked yet, at the scheduled intervals."""
        if len(known) >= self._max_people:
            return
        if not known:
            yield from self._detect_all(image)
            return
        if self._count % _HIDDEN_INTERVAL == 0:
            hidden = self._tracker.hidden
            if hidden:
                yield from self._search_hidden(
                    image, hidden[self._count // _HIDDEN_INTERVAL % len(hidden)], known
                )
        if self._count % _DETECT_INTERVAL == 0:
            turn = self._count // _DETECT_INTERVAL
            whole, *smaller = search_regions(image)
            places = [each for square in smaller for each in (whole, square)] or [whole]
            square = next(islice(cycle(places), turn, None))
            yield from self._search(image, [square], known, sure=square is not whole)

    def _detect_all(self, image: Image) -> Iterator[PersonLandmarks]:
        """Detects people in an image in which nobody is tracked."""
        whole, *smaller = search_regions(image)
        found = list(islice(self._search(image, [whole], ()), self._max_people))
        if not found and self._count == 0:
            found = [each for each in [self._find_by_legs(image)] if each is not None]
        if not found or self._max_people > 1:
            smaller_ones = self._search(image, smaller, found, sure=True)
            found += islice(smaller_ones, self._max_people - len(found))
        yield from found

    def _find_by_legs(self, image: Image) -> PersonLandmarks | None:
        """Finds a person whose head and shoulders, which detectors rely on, are above the image."""
        height, width = image.shape[:2]
        for x, (y, side) in _LEGS_AT:
            found = self._network.read_person(image, Region(x * width, y * height, side * height, 0.0))
            if found is not None:
                found = self._network.read_person(image, region_from_circle(*found.circle))
            if found is not None:
                body = found.detection.pose.body
                if body[_LEGS, 2].min() >= _LEGS_SEEN and body[_HEAD, 1].max() < 0:
                    return found
        return None

    def _search_hidden(
        self, image: Image, hidden: Pose, known: Sequence[PersonLandmarks]
    ) -> Iterator[PersonLandmarks]:
        """Searches around the predicted position of a hidden person."""
        low, high = np.split(pose_box(hidden), 2)
        x, y = ((low + high) / 2).tolist()
        around = Region(x, y, _HIDDEN_SEARCH_SIZE * float((high - low).max()), 0.0)
        if around.is_usable(image):
            yield from self._search(image, [around], known)

    def _search(
        self, image: Image, views: Sequence[Region], known: Sequence[PersonLandmarks], sure: bool = False
    ) -> Iterator[PersonLandmarks]:
        """Finds new people in some squares, most prominent first; with ``sure``, only confident ones.

        Each candidate is estimated twice: the detector's region is rough, and a second pass, in the first
        one's own region, is what following frames will see. What fails it was no person.
        """
        places = [region_from_circle(*reading.circle) for reading in known]
        looks = _MAX_CANDIDATES * self._max_people
        for region in self._network.detect(image, views):
            if looks == 0:
                return
            if any(_same_place(region, place) for place in places):
                continue
            looks -= 1
            found = self._network.read_person(image, region)
            if found is not None:
                found = self._network.read_person(image, region_from_circle(*found.circle))
            if found is not None and (found.is_confident or not sure) and not _is_legs_only(found):
                places.append(region_from_circle(*found.circle))
                yield found


class _RegionSmoother:
    """Filter of a person's region of interest: jitter of the region causes jitter of the points."""

    def __init__(self) -> None:
        self._filter: OneEuroFilter | None = None
        self._count = 0

    def update(self, circle: FloatArray) -> None:
        """Updates the region with the alignment circle (2, 2) of this frame."""
        if self._filter is None:
            self._filter = OneEuroFilter(_REGION_CUTOFF, _REGION_BETA / region_from_circle(*circle).size)
        self._count += 1
        centre, end = self._filter.filter(circle, self._count * _FRAME_SECONDS)
        self.region = region_from_circle(centre, end)


def _is_legs_only(reading: PersonLandmarks) -> bool:
    """Detects legs mistaken for a whole person, who then seems folded up with the head at the knees."""
    body = reading.detection.pose.body.astype(np.float64)
    head, neck, hips, feet = (body[rows, :2].mean(axis=0) for rows in (_HEAD, [_NECK], [_HIPS], _FEET))
    below = min(head[1], feet[1]) > hips[1]
    return bool(below and np.hypot(*(neck - hips)) < _FOLDED * np.hypot(*(feet - hips)))


def _same_place(one: Region, other: Region) -> bool:
    apart = float(np.hypot(one.x - other.x, one.y - other.y))
    larger = max(one.size, other.size)
    return apart < _KNOWN_CENTRE * larger and larger < _KNOWN_SIZE * min(one.size, other.size)

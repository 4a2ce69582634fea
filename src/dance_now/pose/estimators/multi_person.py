"""Everybody in a picture, followed from picture to picture.

Source: the order of work of MediaPipe's pose tracking (Bazarevsky et al., "BlazePose", 2020): a person who
is followed is read in a square known from the last picture, and only who is new is looked for. Here for
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
from dance_now.pose.networks.person_detector import region_around, search_squares
from dance_now.pose.smoothing.one_euro import OneEuro
from dance_now.pose.tracking.instance_masks import instance_masks
from dance_now.pose.tracking.reidentification import colors_of
from dance_now.pose.tracking.tracker import Sighting, Tracker, box, same_person

_MOST_CANDIDATES: Final = 3  # for each person wanted
_LOOK_EVERY: Final = 12  # pictures, for people who are new
_SEEK_EVERY: Final = 3  # pictures, for somebody who is hidden
# Squares for somebody with head and shoulders above the picture: where across it, in widths; middle down it
# and side, in heights.
_LEGS_AT: Final = tuple(product((0.5, 0.25, 0.75), ((0.1, 2.5), (-0.2, 2.6))))
_LEGS: Final = np.array([9, 10, 11, 12, 13, 14])
_HEAD: Final = np.array([0, 17, 18])
_FEET: Final = np.array([11, 14])
_NECK, _HIPS = 1, 8
_FOLDED: Final = 0.4  # length of a trunk over that of the legs, as drawn; 0.1 to 0.3 measured on legs alone
_LEGS_SEEN: Final = 0.85  # confidence of hips, knees and ankles
_SEEK_AROUND: Final = 2.0  # side of the square that is searched, of the person's extent
_FRAME_SECONDS: Final = 1 / 30  # the clock of the region's filter: estimators are not told the time
_REGION_CUTOFF: Final = 0.5  # Hz at rest
_REGION_BETA: Final = 9.0  # Hz for a speed of one region a second
_KNOWN_CENTRE: Final = 0.15  # of a region's size: a candidate so near somebody known is the same person
_KNOWN_SIZE: Final = 1.4  # and not more than so many times as large or small


@dataclass(frozen=True, eq=False)
class Reading:
    """What a network reads in one square of a picture.

    Attributes:
        detection: pose and mask.
        circle: (2, 2) pixels: centre of the person, and the point above the head, which give the square of
            the next picture.
        is_sure: whether this is surely a whole person.
    """

    detection: Detection
    circle: FloatArray
    is_sure: bool


class PersonNetwork(Protocol):
    """Networks that find people and read one person's pose: what an estimator has to bring."""

    def find(self, image: Image, squares: Sequence[Region]) -> list[Region]:
        """Where in some upright squares of a picture people are, most prominent first; one may come twice."""
        ...

    def read(self, image: Image, region: Region) -> Reading | None:
        """The person in a region, or None where nobody is."""
        ...


class MultiPersonTracker:
    """The people in successive pictures: an estimator made of networks that read one person at a time.

    Everybody known is read in a square known from the last picture. For new people one square of the picture
    is searched every now and then, for those hidden the surroundings of the place where they are expected.
    With ``most`` 1 the most prominent person is followed, and nobody else is looked for meanwhile.

    Args:
        network: finds and reads people.
        most: how many people to follow.
    """

    def __init__(self, network: PersonNetwork, most: int = 1) -> None:
        self._network = network
        self._most = most
        self._tracker = Tracker(most)
        self.reset()

    def reset(self) -> None:
        """Forgets everybody."""
        self._tracker.reset()
        self._squares: dict[int, _SteadySquare] = {}
        self._count = 0

    def __call__(self, image: Image) -> tuple[Person, ...]:
        """Everybody in ``image`` in the order of their identities.

        Args:
            image: (H, W, 3) uint8 RGB of any size; it is not written to.

        Raises:
            ValueError: another shape or type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ValueError(f"a picture is (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
        image = np.ascontiguousarray(image)
        readings: list[Reading] = []
        for square in self._squares.values():
            self._take(readings, self._network.read(image, square.region))
        for reading in islice(self._look_around(image, tuple(readings)), self._most - len(readings)):
            self._take(readings, reading)
        self._count += 1
        return self._named(image, readings)

    def _named(self, image: Image, readings: list[Reading]) -> tuple[Person, ...]:
        """Gives the readings their identities, and keeps the squares for the next picture."""
        found = [reading.detection for reading in readings]
        identities = self._tracker(
            # one alone is confused with nobody
            [Sighting(each.pose, colors_of(image, each) if self._most > 1 else None) for each in found]
        )
        named = sorted((identity, place) for place, identity in enumerate(identities) if identity is not None)
        squares = {identity: self._squares.get(identity) or _SteadySquare() for identity, _ in named}
        for identity, place in named:
            squares[identity].update(readings[place].circle)
        self._squares = squares
        own = instance_masks(found)
        return tuple(Person(identity, own[place]) for identity, place in named if identity > 0)

    @staticmethod
    def _take(readings: list[Reading], reading: Reading | None) -> None:
        """Adds a reading, unless it is of somebody who has been read already."""
        if reading is not None and not any(
            same_person(reading.detection.pose, known.detection.pose) for known in readings
        ):
            readings.append(reading)

    def _look_around(self, image: Image, known: Sequence[Reading]) -> Iterator[Reading]:
        """People not followed yet, as far as it is time to look for them."""
        if len(known) >= self._most:
            return
        if not known:
            yield from self._look_anew(image)
            return
        if self._count % _SEEK_EVERY == 0:
            hidden = self._tracker.hidden
            if hidden:
                yield from self._seek(image, hidden[self._count // _SEEK_EVERY % len(hidden)], known)
        if self._count % _LOOK_EVERY == 0:
            turn = self._count // _LOOK_EVERY
            whole, *smaller = search_squares(image)
            places = [each for square in smaller for each in (whole, square)] or [whole]
            square = next(islice(cycle(places), turn, None))
            yield from self._search(image, [square], known, sure=square is not whole)

    def _look_anew(self, image: Image) -> Iterator[Reading]:
        """People in a picture in which nobody is known."""
        whole, *smaller = search_squares(image)
        found = list(islice(self._search(image, [whole], ()), self._most))
        if not found and self._count == 0:
            found = [each for each in [self._legs(image)] if each is not None]
        if not found or self._most > 1:
            smaller_ones = self._search(image, smaller, found, sure=True)
            found += islice(smaller_ones, self._most - len(found))
        yield from found

    def _legs(self, image: Image) -> Reading | None:
        """Somebody whose head and shoulders are above the picture, by which detectors know people."""
        height, width = image.shape[:2]
        for x, (y, side) in _LEGS_AT:
            found = self._network.read(image, Region(x * width, y * height, side * height, 0.0))
            if found is not None:
                found = self._network.read(image, region_around(*found.circle))
            if found is not None:
                body = found.detection.pose.body
                if body[_LEGS, 2].min() >= _LEGS_SEEN and body[_HEAD, 1].max() < 0:
                    return found
        return None

    def _seek(self, image: Image, hidden: Pose, known: Sequence[Reading]) -> Iterator[Reading]:
        """Somebody near the place where somebody hidden is expected."""
        low, high = np.split(box(hidden), 2)
        x, y = ((low + high) / 2).tolist()
        around = Region(x, y, _SEEK_AROUND * float((high - low).max()), 0.0)
        if around.usable(image):
            yield from self._search(image, [around], known)

    def _search(
        self, image: Image, views: Sequence[Region], known: Sequence[Reading], sure: bool = False
    ) -> Iterator[Reading]:
        """New people in some squares, most prominent first; with ``sure``, only who is clearly there.

        Each candidate is read twice: the detector's region is rough, and a second look, through the first
        one's own region, is what following pictures will see. What fails it was no person.
        """
        places = [region_around(*reading.circle) for reading in known]
        looks = _MOST_CANDIDATES * self._most
        for region in self._network.find(image, views):
            if looks == 0:
                return
            if any(_same_place(region, place) for place in places):
                continue
            looks -= 1
            found = self._network.read(image, region)
            if found is not None:
                found = self._network.read(image, region_around(*found.circle))
            if found is not None and (found.is_sure or not sure) and not _is_legs(found):
                places.append(region_around(*found.circle))
                yield found


class _SteadySquare:
    """Where to look for somebody next, held steady: a trembling square makes trembling points."""

    def __init__(self) -> None:
        self._filter: OneEuro | None = None
        self._count = 0

    def update(self, circle: FloatArray) -> None:
        """Takes the circle (2, 2) read in this picture."""
        if self._filter is None:
            self._filter = OneEuro(_REGION_CUTOFF, _REGION_BETA / region_around(*circle).size)
        self._count += 1
        centre, end = self._filter.filter(circle, self._count * _FRAME_SECONDS)
        self.region = region_around(centre, end)


def _is_legs(reading: Reading) -> bool:
    """Whether legs alone were taken for a whole person, who seems folded up with the head at the knees."""
    body = reading.detection.pose.body.astype(np.float64)
    head, neck, hips, feet = (body[rows, :2].mean(axis=0) for rows in (_HEAD, [_NECK], [_HIPS], _FEET))
    below = min(head[1], feet[1]) > hips[1]
    return bool(below and np.hypot(*(neck - hips)) < _FOLDED * np.hypot(*(feet - hips)))


def _same_place(one: Region, other: Region) -> bool:
    apart = float(np.hypot(one.x - other.x, one.y - other.y))
    larger = max(one.size, other.size)
    return apart < _KNOWN_CENTRE * larger and larger < _KNOWN_SIZE * min(one.size, other.size)

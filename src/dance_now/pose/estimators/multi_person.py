"""Multi-person pose tracking: detection and per-person landmark networks combined over time.

Source: the pipeline of MediaPipe's pose tracking (Bazarevsky et al., "BlazePose", 2020): a tracked person
is estimated in a region known from the last frame, and the detector runs for new people only. Here for
several people at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from typing import Final

import numpy as np

from dance_now.core.arrays import Image
from dance_now.pose.estimators.person_network import PersonLandmarks, PersonNetwork
from dance_now.pose.estimators.person_search import Candidate, PersonSearch, tilt
from dance_now.pose.model.detection import Person
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.exposure import stretch_dark
from dance_now.pose.networks.litert import Region
from dance_now.pose.networks.person_detector import region_from_circle, search_regions
from dance_now.pose.smoothing.one_euro import OneEuroFilter
from dance_now.pose.tracking.instance_masks import instance_masks
from dance_now.pose.tracking.reidentification import color_histogram
from dance_now.pose.tracking.tracker import Observation, Tracker, is_same_person, pose_box

_DETECT_INTERVAL: Final = 12  # frames, for new people
_HIDDEN_INTERVAL: Final = 3  # frames, for a hidden person
_HIDDEN_SEARCH_SIZE: Final = 2.0  # side of the square that is searched, of the person's extent
_MASK_PERIOD: Final = 8  # frames between two new masks where masks are not needed
_FRAME_SECONDS: Final = 1 / 30  # the clock of the region's filter: estimators are not told the time
_REGION_CUTOFF: Final = 0.5  # Hz at rest
_REGION_BETA: Final = 9.0  # Hz for a speed of one region a second
# Frames after a first look in which it is checked by another: a doubtful reading twice.
_CHECKS: Final = (3,)
_DOUBTFUL_CHECKS: Final = (1, 2, 4)
_TUMBLE: Final = np.radians(60)  # nobody turns over so far from one frame to the next
_LARGER: Final = 1.4  # a person so much larger than the one who is followed was overlooked


class MultiPersonTracker:
    """Estimates several people in successive frames by networks that read one person at a time.

    Tracked people are estimated in the region known from the last frame. For new people one square of the
    image is searched at intervals, for hidden ones the surroundings of their predicted position.
    With ``max_people`` 1 the largest person is tracked. The first look is checked by another some frames
    later: a wrong reading gives way to a better one. From then on the detector does not run.

    Args:
        network: detects and estimates people.
        max_people: how many people to track.

    Attributes:
        left_out: most people found in a frame beyond ``max_people``; only ``restart`` sets it back.
    """

    def __init__(self, network: PersonNetwork, max_people: int = 1) -> None:
        self._network = network
        self._search = PersonSearch(network)
        self._max_people = max_people
        self._tracker = Tracker(max_people)
        self.left_out = 0
        self.reset()

    def reset(self) -> None:
        """Drops all tracks."""
        self._tracker.reset()
        self._squares: dict[int, _RegionSmoother] = {}
        self._count = 0
        self._age = 0  # frames since a first look
        self._score = 0.0  # of the detector, for the first person found then

    def restart(self) -> None:
        """Makes the tracker as if it were new, for another source."""
        self.left_out = 0
        self.reset()

    def __call__(self, image: Image, masks: bool = True) -> tuple[Person, ...]:
        """Estimates the people in ``image``, in the order of their identities.

        Args:
            image: (H, W, 3) uint8 RGB of any size; it is not written to.
            masks: whether everybody needs a new mask; else some are carried along from earlier frames.

        Raises:
            ValueError: another shape or type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ValueError(f"an image must be (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
        image = stretch_dark(np.ascontiguousarray(image))
        readings = self._tracked(image, masks)
        if readings:
            self._age += 1
            for reading in islice(self._newcomers(image, readings), self._max_people - len(readings)):
                self._add_unless_known(readings, reading)
        else:
            self._age = 0
            found = self._search.first_look(image, self._max_people, self._count)
            readings = [each.reading for each in found[: self._max_people]]
            self._score = found[0].score if found else 0.0
            self.left_out = max(self.left_out, len(found) - len(readings))
        self._count += 1
        return self._assign_identities(image, readings)

    def _tracked(self, image: Image, masks: bool) -> list[PersonLandmarks]:
        """Reads the tracked people in their regions."""
        readings: list[PersonLandmarks] = []
        for identity, square in self._squares.items():
            needs_mask = masks or (self._count + identity) % _MASK_PERIOD == 0
            mask = None if needs_mask else square.mask
            reading = self._network.read_person(image, square.region, mask)
            if reading is not None:
                turned = tilt(reading.region) - tilt(square.region) > _TUMBLE
                if turned or self._age < max(_DOUBTFUL_CHECKS) or self._is_search_frame:
                    reading = self._search.upright(image, reading)
            rival = None if reading is None else self._rival(image, reading)
            if rival is not None:
                self._tracker.drop(identity)
                self._score, reading = rival.score, rival.reading
            self._add_unless_known(readings, reading)
        return readings

    @property
    def _is_search_frame(self) -> bool:
        return self._count % _DETECT_INTERVAL == 0

    def _rival(self, image: Image, reading: PersonLandmarks) -> Candidate | None:
        """Looks again soon after a first look at one person: who should be followed instead, if anybody.

        That is somebody larger, or the largest where the reading itself is doubtful.
        """
        if self._max_people > 1 or self._age + 1 not in _DOUBTFUL_CHECKS + _CHECKS:
            return None
        doubtful = not Candidate(reading, self._score).is_strong
        if self._age + 1 not in (_DOUBTFUL_CHECKS if doubtful else _CHECKS):
            return None
        size = reading.region.size
        rivals = [
            rival
            for rival in self._search.look(image, 1, known=[reading])
            if rival.is_strong and (doubtful or rival.reading.region.size > _LARGER * size)
        ]
        return max(rivals, key=lambda rival: rival.reading.region.size, default=None)

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
            squares[identity].update(readings[place])
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

    def _newcomers(self, image: Image, known: Sequence[PersonLandmarks]) -> list[PersonLandmarks]:
        """Detects people who are not tracked yet, at the scheduled intervals."""
        found: list[PersonLandmarks] = []
        if len(known) >= self._max_people:
            return found
        if self._count % _HIDDEN_INTERVAL == 0:
            hidden = self._tracker.hidden
            if hidden:
                found += self._search_hidden(
                    image, hidden[self._count // _HIDDEN_INTERVAL % len(hidden)], known
                )
        if self._is_search_frame:
            turn = self._count // _DETECT_INTERVAL
            whole, *smaller = search_regions(image)
            places = [each for square in smaller for each in (whole, square)] or [whole]
            square = next(islice(cycle(places), turn, None))
            found += [
                each.reading
                for each in self._search.candidates(image, [square], self._max_people, known)
                if square is whole or each.is_sure
            ]
        return found

    def _search_hidden(
        self, image: Image, hidden: Pose, known: Sequence[PersonLandmarks]
    ) -> list[PersonLandmarks]:
        """Searches around the predicted position of a hidden person."""
        low, high = np.split(pose_box(hidden), 2)
        x, y = ((low + high) / 2).tolist()
        around = Region(x, y, _HIDDEN_SEARCH_SIZE * float((high - low).max()), 0.0)
        if not around.is_usable(image):
            return []
        return [each.reading for each in self._search.candidates(image, [around], self._max_people, known)]


class _RegionSmoother:
    """Filter of a person's region of interest: jitter of the region causes jitter of the points.

    Attributes:
        region: for the next frame.
        mask: the person's, in the region of this frame.
    """

    def __init__(self) -> None:
        self._filter: OneEuroFilter | None = None
        self._count = 0

    def update(self, reading: PersonLandmarks) -> None:
        """Updates the region with the alignment circle of this frame."""
        circle, self.mask = reading.circle, reading.detection.mask.alpha
        if self._filter is None:
            self._filter = OneEuroFilter(_REGION_CUTOFF, _REGION_BETA / region_from_circle(*circle).size)
        self._count += 1
        centre, end = self._filter.filter(circle, self._count * _FRAME_SECONDS)
        self.region = region_from_circle(centre, end)

"""Which pictures of a video are kept to make the scene without people from.

Most are spread evenly over time. But a place that people hide nearly all the time may be free between two of
these only; so some pictures are kept because they show what few others show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import BoolArray, Image
from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.scene.background.plate_samples import FEWEST_SIGHTS, PERSON_FROM, Sample

_SAMPLE_BYTES: Final = 150_000_000  # all samples together
_FEWEST_SAMPLES: Final = 8
_RARE: Final = 6  # one of so many is kept for what it shows
_CELLS: Final = 160  # of the longer side: what a picture shows is noted in cells
_WORTH: Final = 3  # cells that others hardly show: less is not worth a sample
_APART: Final = 2  # pictures: neighbours show the same


@dataclass(frozen=True, eq=False)
class _Kept:
    """A sample, the picture's place in the video, and where nobody stands in it, in (h, w) cells."""

    index: int
    sample: Sample
    shows: BoolArray


class SamplePool:
    """A bounded number of samples of a video whose length need not be known.

    Example:
        >>> pool = SamplePool(expected=1)
        >>> pool.offer(np.zeros((8, 8, 3), np.uint8), ())
        >>> pool.offered, pool.taken()
        (1, [])
    """

    def __init__(self, expected: int | None = None, most: int = 48) -> None:
        """Starts without samples.

        Args:
            expected: pictures that will be offered, where that is known.
            most: samples kept; fewer of large pictures (150 MB in all).
        """
        self._expected = expected or 1
        self._most = max(2, most)
        self._stride = self._step(self._most)
        self.offered = 0
        self._even: list[_Kept] = []
        self._rare: list[_Kept] = []

    @property
    def wants_next(self) -> bool:
        """Whether the next picture lies on the even spread."""
        return self.offered % self._stride == 0

    def skip(self) -> None:
        """Passes a picture by."""
        self.offered += 1

    def offer(self, image: Image, people: Sequence[Detection]) -> None:
        """Keeps a picture, or not.

        Args:
            image: (H, W, 3) uint8 RGB, the size of the earlier ones; others are passed by.
            people: everybody who may move. A picture in which nobody was found is not used: somebody may
                have been missed.
        """
        index, even = self.offered, self.wants_next
        self.offered += 1
        if not people or (self._even and self._even[0].sample.image.shape != image.shape):
            return
        shows = _free_cells(people, *image.shape[:2])
        room = min(self._most, max(_FEWEST_SAMPLES, _SAMPLE_BYTES // image.nbytes))
        evenly = room - room // _RARE
        if even:
            if not self._even:  # only now it is known how many there is room for
                self._stride = self._step(evenly)
            self._even.append(_Kept(index, Sample.of(image, people), shows))
            if len(self._even) > evenly:
                self._even = self._even[::2]
                self._stride *= 2
        elif self._is_worth_it(index, shows, room // _RARE):
            self._rare.append(_Kept(index, Sample.of(image, people), shows))

    def taken(self) -> list[Sample]:
        """The samples in the order of time; the pool gives them up."""
        kept = sorted([*self._even, *self._rare], key=lambda each: each.index)
        self._even, self._rare = [], []
        return [each.sample for each in kept]

    def _step(self, samples: int) -> int:
        return max(1, -(-self._expected // samples))

    def _is_worth_it(self, index: int, shows: BoolArray, most: int) -> bool:
        """Whether a picture shows what few do; drops the one that is worth least where there is no room."""
        if most == 0 or not self._even or (self._rare and index - self._rare[-1].index < _APART):
            return False
        sights = np.sum([each.shows for each in (*self._even, *self._rare)], axis=0)
        worth = np.count_nonzero(shows & (sights < FEWEST_SIGHTS))
        if worth < _WORTH:
            return False
        if len(self._rare) < most:
            return True
        # Those kept are counted without themselves, as the new one is.
        worths = [np.count_nonzero(each.shows & (sights <= FEWEST_SIGHTS)) for each in self._rare]
        least = int(np.argmin(worths))
        if worths[least] >= worth:
            return False
        del self._rare[least]
        return True


def _free_cells(people: Sequence[Detection], height: int, width: int) -> BoolArray:
    """(h, w) bool: cells of the picture on which, and beside which, nobody is."""
    scale = min(1.0, _CELLS / max(height, width))
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    somebody = np.zeros(shape, np.float32)
    for person in people:
        mask = PersonMask(person.mask.alpha, person.mask.to_image * np.float32(scale))
        cv2.max(somebody, mask.alpha_in(*shape), dst=somebody)
    around = cv2.dilate(somebody, np.ones((3, 3), np.uint8))
    return np.asarray(around < PERSON_FROM, np.bool_)

"""Sample pool: selection of video frames for the clean plate, in bounded memory.

Most samples are spread evenly over time. But an area that people hide nearly all the time may be visible
between two of these only; so some frames are kept because they show what few others show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import BoolArray, Image
from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.scene.background.plate_samples import MIN_OBSERVATIONS, PERSON_THRESHOLD, Sample

_SAMPLE_BYTES: Final = 150_000_000  # all samples together
_MIN_SAMPLES: Final = 8
_RARE: Final = 6  # one sample of six is kept for what it shows
_GRID_SIZE: Final = 160  # cells along the longer side of the coverage grid
_MIN_NEW_CELLS: Final = 3  # cells that few others show: fewer are not worth a sample
_MIN_GAP: Final = 2  # frames between two such samples: neighbours show the same


@dataclass(frozen=True, eq=False)
class _Kept:
    """Sample with its frame index, and the grid cells (h, w) without people."""

    index: int
    sample: Sample
    shows: BoolArray


class SamplePool:
    """Keeps a bounded number of samples of a video whose length need not be known.

    Example:
        >>> pool = SamplePool(expected=1)
        >>> pool.offer(np.zeros((8, 8, 3), np.uint8), ())
        >>> pool.offered, pool.take_samples()
        (1, [])
    """

    def __init__(self, expected: int | None = None, max_samples: int = 48) -> None:
        """Starts without samples.

        Args:
            expected: number of frames, where known.
            max_samples: upper limit; less for large frames (150 MB in all).
        """
        self._expected = expected or 1
        self._max_samples = max(2, max_samples)
        self._stride = self._step(self._max_samples)
        self.offered = 0
        self._even: list[_Kept] = []
        self._rare: list[_Kept] = []

    @property
    def wants_next(self) -> bool:
        """Tests whether the next frame is a regular, evenly spaced sample."""
        return self.offered % self._stride == 0

    def skip(self) -> None:
        """Skips a frame."""
        self.offered += 1

    def offer(self, image: Image, people: Sequence[Detection]) -> None:
        """Offers a frame, which is kept or not.

        Args:
            image: (H, W, 3) uint8 RGB, the size of the earlier ones; others are skipped.
            people: all people who may move. An image without detections is not used, as a person may have
                been missed.
        """
        index, even = self.offered, self.wants_next
        self.offered += 1
        if not people or (self._even and self._even[0].sample.image.shape != image.shape):
            return
        shows = _free_cells(people, *image.shape[:2])
        room = min(self._max_samples, max(_MIN_SAMPLES, _SAMPLE_BYTES // image.nbytes))
        evenly = room - room // _RARE
        if even:
            if not self._even:  # only now it is known how many there is room for
                self._stride = self._step(evenly)
            self._even.append(_Kept(index, Sample.of(image, people), shows))
            if len(self._even) > evenly:
                self._even = self._even[::2]
                self._stride *= 2
        elif self._replaces_rare_sample(index, shows, room // _RARE):
            self._rare.append(_Kept(index, Sample.of(image, people), shows))

    def take_samples(self) -> list[Sample]:
        """Returns the samples in the order of time, and empties the pool."""
        kept = sorted([*self._even, *self._rare], key=lambda each: each.index)
        self._even, self._rare = [], []
        return [each.sample for each in kept]

    def _step(self, samples: int) -> int:
        return max(1, -(-self._expected // samples))

    def _replaces_rare_sample(self, index: int, shows: BoolArray, max_rare: int) -> bool:
        """Tests whether an image shows what few do; drops the least useful one where the pool is full."""
        if max_rare == 0 or not self._even or (self._rare and index - self._rare[-1].index < _MIN_GAP):
            return False
        sights = np.sum([each.shows for each in (*self._even, *self._rare)], axis=0)
        worth = np.count_nonzero(shows & (sights < MIN_OBSERVATIONS))
        if worth < _MIN_NEW_CELLS:
            return False
        if len(self._rare) < max_rare:
            return True
        # Those kept are counted without themselves, as the new one is.
        worths = [np.count_nonzero(each.shows & (sights <= MIN_OBSERVATIONS)) for each in self._rare]
        least = int(np.argmin(worths))
        if worths[least] >= worth:
            return False
        del self._rare[least]
        return True


def _free_cells(people: Sequence[Detection], height: int, width: int) -> BoolArray:
    """Grid cells (h, w) bool without people in or beside them."""
    scale = min(1.0, _GRID_SIZE / max(height, width))
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    somebody = np.zeros(shape, np.float32)
    for person in people:
        mask = PersonMask(person.mask.alpha, person.mask.to_image * np.float32(scale))
        cv2.max(somebody, mask.alpha_in(*shape), dst=somebody)
    around = cv2.dilate(somebody, np.ones((3, 3), np.uint8))
    return np.asarray(around < PERSON_THRESHOLD, np.bool_)

"""Pictures of one scene with people in it, put together to a picture without people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, Image
from dance_now.pose.model.detection import Detection
from dance_now.pose.tracking.limb_mask import coarse_mask
from dance_now.scene.background.camera_view import Plate, at_full_size, reduced
from dance_now.scene.background.inpainting import inpaint_smooth, inpaint_texture
from dance_now.scene.filters.guided_filter import refine

_NEAR: Final = 0.012  # of the picture's longer side: what a mask may miss of its person
_CLOSE: Final = 0.004  # of the picture's longer side: what a refined mask may miss
_SURE: Final = 0.8  # mask
PERSON_FROM: Final = 0.15  # alpha: below, an estimator only says that it is not quite sure of nobody
_ENOUGH: Final = 9  # samples for the median of what is never hidden
_SPREAD: Final = 2  # every so many samples for the median of what is often seen
FEWEST_SIGHTS: Final = 3  # a pixel seen less often may hold the person's edge or shadow
_CHUNK: Final = 1 << 14  # pixels at a time: of so many, all samples fit into the processor's cache
_SLIVER: Final = 0.003  # of the picture: too little to show texture
_SPECKS: Final = 5  # pixels: what was seen amid what was not is doubtful


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture, and how far each pixel of it is from its people.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        distance: (h, w) uint8 in pixels of the work size; 0 on people and where nothing is seen.
    """

    image: Image
    distance: Image

    @classmethod
    def of(cls, image: Image, people: Sequence[Detection]) -> Sample:
        """Measures how far everything is from ``people``."""
        return cls(image.copy(), distance_from(people, *reduced(image)))

    def moved(self, to_reference: npt.NDArray[np.float64]) -> Sample:
        """The same from the reference's view; the homography is between pixels of the work size."""
        height, width = self.distance.shape
        distance = cv2.warpPerspective(self.distance, to_reference, (width, height), flags=cv2.INTER_NEAREST)
        matrix = at_full_size(to_reference, width / self.image.shape[1])
        size = (self.image.shape[1], self.image.shape[0])
        border = cv2.BORDER_REPLICATE
        image = cv2.warpPerspective(self.image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=border)
        return Sample(np.asarray(image, np.uint8), np.asarray(distance, np.uint8))

    def near(self) -> BoolArray:
        """(h, w): people, what a mask may miss of them, and what is not seen."""
        return self.distance < _NEAR * max(self.distance.shape)


def distance_from(people: Sequence[Detection], picture: Image, scale: float) -> Image:
    """(h, w) uint8 pixels to the next person in a picture of the work size, which is ``scale`` times full."""
    coarse = coarse_mask(people, picture.shape[0], picture.shape[1], scale)
    free = (refine(coarse, picture) < PERSON_FROM) & (coarse < _SURE)
    distance = cv2.distanceTransform(free.astype(np.uint8), cv2.DIST_L2, 3)
    return np.clip(distance, 0, 255).astype(np.uint8)


def build_plate(
    samples: Sequence[Sample], where: BoolArray | None = None, before: Sample | None = None
) -> Plate:
    """The scene without people from aligned samples.

    Args:
        samples: at least one, all in the view of the first.
        where: (h, w) bool: the part to build; elsewhere the first sample is right already.
        before: a plate of the same view, for what no sample shows.
    """
    images, distances = [sample.image for sample in samples], [sample.distance for sample in samples]
    longer = max(distances[0].shape)
    near, close = np.ceil(_NEAR * longer), max(2.0, np.rint(_CLOSE * longer))
    image, unseen = far_median(images, distances, near, close, where)
    square = np.ones((_SPECKS, _SPECKS), np.uint8)
    unseen = cv2.morphologyEx(unseen.view(np.uint8), cv2.MORPH_CLOSE, square).astype(np.bool_)
    invented = unseen
    if before is not None:
        size = (image.shape[1], image.shape[0])
        offered = cv2.resize(before.distance, size, interpolation=cv2.INTER_NEAREST) > 0
        image[unseen & offered] = before.image[unseen & offered]
        invented = unseen & ~offered
    gap = invented.astype(np.float32)
    if before is not None and float(gap.mean()) < _SLIVER:
        image = inpaint_smooth(image, gap)
    else:
        image = inpaint_texture(image, gap, best=before is None)  # a plate is seen all the time
    return Plate.of(image, unseen, images, [sample.near() for sample in samples])


def far_median(
    images: list[Image],
    distances: list[Image],
    near: float,
    close: float,
    where: BoolArray | None = None,
) -> tuple[Image, BoolArray]:
    """The median over time of what lies away from people.

    Args:
        images: N times (H, W, 3) uint8.
        distances: N times (h, w) uint8 at the same or a smaller size: how far each pixel is from people.
        near: what is at least as far counts; of pixels that hardly ever are, the three times when they
            were farthest.
        close: what is nearer never counts: it may be the rim of somebody.
        where: (h, w) bool: the pixels wanted; the others are the first image's. All if not given.

    Returns:
        (H, W, 3) uint8, and (H, W) bool: pixels that were seen too rarely to know.
    """
    height, width = images[0].shape[:2]
    small_height, small_width = distances[0].shape
    rows = (np.arange(height) * small_height // height)[:, None]
    below = (rows * small_width + np.arange(width) * small_width // width).ravel()  # the small pixel of each
    result, unseen = images[0].copy(), np.zeros((height, width), np.bool_)
    often = np.sum([distance >= near for distance in distances[::_SPREAD]], axis=0) >= FEWEST_SIGHTS
    never = np.minimum.reduce(distances) >= near
    wanted = np.ones_like(never) if where is None else where
    # The more often a pixel is seen, the fewer samples are enough.
    steps = ((never, -(-len(images) // _ENOUGH)), (often & ~never, _SPREAD), (~often & ~never, 1))
    for pixels, step in steps:
        places = np.flatnonzero((pixels & wanted).ravel()[below])
        pictures = [image.reshape(-1, 3) for image in images[::step]]
        away = distances[::step]
        third = sorted_values(away)[-min(FEWEST_SIGHTS, len(away))]
        enough = np.clip(third, close, near)
        # white where a picture does not count: sorted behind every color
        hidden = [np.where(each >= enough, 0, 255).astype(np.uint8).ravel() for each in away]
        counts = np.sum([each == 0 for each in hidden], axis=0)
        for start in range(0, places.size, _CHUNK):
            chunk = places[start : start + _CHUNK]
            small = below[chunk]
            values: list[Image] = [
                np.maximum(np.take(picture, chunk, axis=0), np.take(mask, small)[:, None])
                for picture, mask in zip(pictures, hidden, strict=True)
            ]
            result.reshape(-1, 3)[chunk] = _middle(sorted_values(values), counts[small])
            unseen.ravel()[chunk] = third.ravel()[small] < close
    return result, unseen


def _middle(ordered: list[Image], counts: npt.NDArray[np.int_]) -> Image:
    """(n, 3) uint8: the median of the first so many of N times (n, 3) values, ``counts`` (n,) of each."""
    upper = np.minimum(counts // 2, len(ordered) - 1)
    lower = np.maximum(counts - 1, 0) // 2
    total = np.zeros(ordered[0].shape, np.uint16)
    for rank in range(int(lower.min()), int(upper.max()) + 1):
        share = (lower == rank).astype(np.uint16) + (upper == rank)
        total += ordered[rank] * share[:, None]
    return (total // 2).astype(np.uint8)


def sorted_values(pictures: Sequence[Image]) -> list[Image]:
    """Pictures of the values of N pictures, at each pixel from the smallest to the largest.

    Batcher's odd-even merge sort ("Sorting networks and their applications", AFIPS 1968): each of its steps
    compares two whole pictures, which is many times faster than sorting pixel by pixel.
    """
    ordered = list(pictures)
    count = len(ordered)
    reach = 1
    while reach < count:
        step = reach
        while step >= 1:
            for start in range(step % reach, count - step, 2 * step):
                for low in range(start, min(start + step, count - step)):
                    high = low + step
                    if low // (2 * reach) == high // (2 * reach):
                        smaller = cv2.min(ordered[low], ordered[high])
                        ordered[high] = np.asarray(cv2.max(ordered[low], ordered[high]), np.uint8)
                        ordered[low] = np.asarray(smaller, np.uint8)
            step //= 2
        reach *= 2
    return ordered

"""Background samples and clean plates: the temporal median of frames away from people."""

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
from dance_now.scene.background.camera_view import Plate, homography_at_full_size, to_work_size
from dance_now.scene.background.inpainting import inpaint_smooth, inpaint_texture
from dance_now.scene.filters.guided_filter import refine_mask

_NEAR: Final = 0.012  # of the image's longer side: error of a person mask
_CLOSE: Final = 0.004  # of the image's longer side: error of a refined mask
_SURE: Final = 0.8  # mask
PERSON_THRESHOLD: Final = 0.15  # alpha: lower values of an estimator are background noise
_ENOUGH: Final = 9  # samples for the median of what is never hidden
_SPREAD: Final = 2  # every second sample for the median of what is often seen
MIN_OBSERVATIONS: Final = 3  # a pixel seen less often may hold the person's edge or shadow
_CHUNK: Final = 1 << 14  # pixels at a time, so that all samples fit into the processor's cache
_SLIVER: Final = 0.003  # of the image: too small to show texture
_SPECKS: Final = 5  # pixels: small seen areas amid unseen ones are unreliable


@dataclass(frozen=True, eq=False)
class Sample:
    """Background sample: an image, and the distance of each pixel from people.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        distance: (h, w) uint8 in pixels of the work size; 0 on people and outside the image.
    """

    image: Image
    distance: Image

    @classmethod
    def of(cls, image: Image, people: Sequence[Detection]) -> Sample:
        """Creates a sample and computes the distances from ``people``."""
        return cls(image.copy(), distance_to_people(people, *to_work_size(image)))

    def warped(self, to_reference: npt.NDArray[np.float64]) -> Sample:
        """Warps the sample to the reference's view; the homography is between pixels of the work size."""
        height, width = self.distance.shape
        distance = cv2.warpPerspective(self.distance, to_reference, (width, height), flags=cv2.INTER_NEAREST)
        matrix = homography_at_full_size(to_reference, width / self.image.shape[1])
        size = (self.image.shape[1], self.image.shape[0])
        border = cv2.BORDER_REPLICATE
        image = cv2.warpPerspective(self.image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=border)
        return Sample(np.asarray(image, np.uint8), np.asarray(distance, np.uint8))

    def people_mask(self) -> BoolArray:
        """Mask (h, w) of people, dilated by the error of a mask, and of pixels outside the image."""
        return self.distance < _NEAR * max(self.distance.shape)


def distance_to_people(people: Sequence[Detection], small_image: Image, scale: float) -> Image:
    """Distance (h, w) uint8 to the nearest person, pixels of the work size; ``scale``: of full size to it."""
    coarse = coarse_mask(people, small_image.shape[0], small_image.shape[1], scale)
    free = (refine_mask(coarse, small_image) < PERSON_THRESHOLD) & (coarse < _SURE)
    distance = cv2.distanceTransform(free.astype(np.uint8), cv2.DIST_L2, 3)
    return np.clip(distance, 0, 255).astype(np.uint8)


def build_plate(
    samples: Sequence[Sample], where: BoolArray | None = None, before: Sample | None = None
) -> Plate:
    """Builds a clean plate from aligned samples.

    Args:
        samples: at least one, all in the view of the first.
        where: (h, w) bool: the part to build; elsewhere the first sample is taken.
        before: an earlier plate in the same view, for what no sample shows.
    """
    images, distances = [sample.image for sample in samples], [sample.distance for sample in samples]
    longer = max(distances[0].shape)
    safe_distance, min_distance = np.ceil(_NEAR * longer), max(2.0, np.rint(_CLOSE * longer))
    image, unseen = background_median(images, distances, safe_distance, min_distance, where)
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
        image = inpaint_texture(image, gap, best=before is None)  # a plate is visible all the time
    return Plate.of(image, unseen, images, [sample.people_mask() for sample in samples])


def background_median(
    images: list[Image],
    distances: list[Image],
    safe_distance: float,
    min_distance: float,
    where: BoolArray | None = None,
) -> tuple[Image, BoolArray]:
    """Temporal median of the pixels away from people.

    Args:
        images: N times (H, W, 3) uint8.
        distances: N times (h, w) uint8 at the same or a smaller size: distance of each pixel from people.
        safe_distance: pixels at least as far count; of pixels that hardly ever are, the three samples in
            which they were farthest.
        min_distance: nearer pixels never count: they may be on a person's edge.
        where: (h, w) bool: the pixels to compute; the others are the first image's. All if not given.

    Returns:
        (H, W, 3) uint8, and (H, W) bool: pixels that were seen too rarely.
    """
    height, width = images[0].shape[:2]
    small_height, small_width = distances[0].shape
    rows = (np.arange(height) * small_height // height)[:, None]
    below = (rows * small_width + np.arange(width) * small_width // width).ravel()  # the small pixel of each
    result, unseen = images[0].copy(), np.zeros((height, width), np.bool_)
    often = (
        np.sum([distance >= safe_distance for distance in distances[::_SPREAD]], axis=0) >= MIN_OBSERVATIONS
    )
    never = np.minimum.reduce(distances) >= safe_distance
    wanted = np.ones_like(never) if where is None else where
    # The more often a pixel is seen, the fewer samples are enough.
    steps = ((never, -(-len(images) // _ENOUGH)), (often & ~never, _SPREAD), (~often & ~never, 1))
    for pixels, step in steps:
        places = np.flatnonzero((pixels & wanted).ravel()[below])
        flat_images = [image.reshape(-1, 3) for image in images[::step]]
        away = distances[::step]
        third = sort_per_pixel(away)[-min(MIN_OBSERVATIONS, len(away))]
        enough = np.clip(third, min_distance, safe_distance)
        # white where an image does not count: sorted behind every color
        hidden = [np.where(each >= enough, 0, 255).astype(np.uint8).ravel() for each in away]
        counts = np.sum([each == 0 for each in hidden], axis=0)
        for start in range(0, places.size, _CHUNK):
            chunk = places[start : start + _CHUNK]
            small = below[chunk]
            values: list[Image] = [
                np.maximum(np.take(image, chunk, axis=0), np.take(mask, small)[:, None])
                for image, mask in zip(flat_images, hidden, strict=True)
            ]
            result.reshape(-1, 3)[chunk] = _median_of_sorted(sort_per_pixel(values), counts[small])
            unseen.ravel()[chunk] = third.ravel()[small] < min_distance
    return result, unseen


def _median_of_sorted(ordered: list[Image], counts: npt.NDArray[np.int_]) -> Image:
    """Median (n, 3) uint8 of the first ``counts`` (n,) of N times (n, 3) sorted values."""
    upper = np.minimum(counts // 2, len(ordered) - 1)
    lower = np.maximum(counts - 1, 0) // 2
    total = np.zeros(ordered[0].shape, np.uint16)
    for rank in range(int(lower.min()), int(upper.max()) + 1):
        share = (lower == rank).astype(np.uint16) + (upper == rank)
        total += ordered[rank] * share[:, None]
    return (total // 2).astype(np.uint8)


def sort_per_pixel(images: Sequence[Image]) -> list[Image]:
    """Sorts N images per pixel, from the smallest to the largest value.

    Batcher's odd-even merge sort ("Sorting networks and their applications", AFIPS 1968): each of its steps
    compares two whole images, which is many times faster than sorting pixel by pixel.
    """
    ordered = list(images)
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

"""The scene without the person.

A camera that stands still, or sways in somebody's hands, shows behind the person at other times what it
hides now: the median over a few dozen samples is the clean plate. A photo, and a camera that travels, are
inpainted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.arrays import BoolArray, FloatArray, Image
from dance_now.scene.inpaint import inpaint_smooth, inpaint_texture
from dance_now.scene.matte import grow
from dance_now.scene.pyramid import pull_push
from dance_now.scene.region import Box, bounding_box
from dance_now.scene.registration import Registrar

Camera = Literal["photo", "still", "handheld", "moving"]

_SAMPLE_BYTES = 320_000_000  # all samples together
_FEWEST_SAMPLES = 8
_PERSON_MARGIN = 0.012  # of the picture's longer side: what a mask may miss of its person
_PERSON_FROM = 0.15  # alpha: below, an estimator only says that it is not quite sure of nobody
_FEWEST_SIGHTS = 3  # a pixel seen less often may hold the person's edge or shadow
_CHUNK = 1 << 16
_RING = 0.02  # of the picture's longer side: how far around the hole exposure is compared
_LARGEST_OFFSET = 30.0  # grey levels: a greater difference is something else than exposure


@dataclass(frozen=True, eq=False)
class CleanBackground:
    """What lies behind the person, for every picture of one source.

    Attributes:
        camera: how the background is found.
        plate: (H, W, 3) uint8 RGB without the person, in the reference picture's view; None where the
            camera is neither still nor handheld.
    """

    camera: Camera
    plate: Image | None = None
    _registrar: Registrar | None = field(default=None, repr=False)

    def fill(self, image: Image, hole: FloatArray) -> Image:
        """Replaces what is in the hole by the background.

        Args:
            image: (H, W, 3) uint8 RGB: a picture of the source.
            hole: (H, W) float32 in [0, 1]: 1 where the person is to vanish; values between blend.

        Returns:
            (H, W, 3) uint8: the image to the bit where ``hole`` is 0.
        """
        if self.camera == "photo":
            return inpaint_texture(image, hole)
        if self.plate is None or self.plate.shape != image.shape:
            return inpaint_smooth(image, hole)
        box = bounding_box(hole > 0, extra=max(4, round(_RING * max(hole.shape))))
        if box is None:
            return image.copy()
        if self._registrar is None:
            return _patched(
                image, hole, self.plate[box.slices], np.ones(hole[box.slices].shape, np.bool_), box
            )
        to_reference = self._registrar.locate(image, hole).to_reference
        if to_reference is None:
            return inpaint_smooth(image, hole)
        part, seen = _warped_part(self.plate, to_reference, box)
        return _patched(image, hole, part, seen, box)


def unknown_background(camera: Camera = "photo") -> CleanBackground:
    """A background about which nothing is known yet: every hole is inpainted.

    Args:
        camera: ``"photo"`` copies texture from around the hole (a fraction of a second); ``"moving"``
            fills smoothly, fast and steady from frame to frame, as live pictures need.
    """
    return CleanBackground(camera)


class BackgroundSurvey:
    """Collects background samples in a first pass over a video; memory stays bounded.

    Example:
        >>> survey = BackgroundSurvey()
        >>> picture, nobody = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.float32)
        >>> if survey.wants_next:
        ...     survey.add(picture, nobody)
        >>> survey.finish().camera
        'photo'
    """

    def __init__(self, max_samples: int = 48) -> None:
        """``max_samples`` are kept at most; fewer of large pictures (320 MB in all)."""
        self._max_samples = max(2, max_samples)
        self._stride = 1
        self._offered = 0
        self._images: list[Image] = []
        self._people: list[npt.NDArray[np.uint8]] = []  # packed bits

    @property
    def wants_next(self) -> bool:
        """Whether the next picture would be kept: if not, ``skip`` saves making its mask."""
        return self._offered % self._stride == 0

    def skip(self) -> None:
        """Passes a picture by."""
        self._offered += 1

    def add(self, image: Image, person: FloatArray | None) -> None:
        """Offers a picture; samples stay evenly spread whatever the length of the video.

        Args:
            image: (H, W, 3) uint8 RGB, the size of the earlier ones; others are passed by.
            person: (H, W) float32 in [0, 1], all people that move; None: the person was not found, and the
                picture is not used.
        """
        wanted = self.wants_next
        self._offered += 1
        if not wanted or person is None or (self._images and self._images[0].shape != image.shape):
            return
        grown = grow(person, _PERSON_MARGIN * max(person.shape)) > _PERSON_FROM
        self._images.append(image.copy())
        self._people.append(np.packbits(grown))
        room = max(_FEWEST_SAMPLES, _SAMPLE_BYTES // image.nbytes)
        if len(self._images) > min(self._max_samples, room):
            self._images, self._people = self._images[::2], self._people[::2]
            self._stride *= 2

    def finish(self) -> CleanBackground:
        """Decides what the camera does and makes the plate."""
        if len(self._images) < 2:
            return CleanBackground("photo" if self._offered <= 1 else "moving")
        registrar = Registrar(self._images[0], self._person(0).astype(np.float32))
        motions = [
            registrar.locate(image, self._person(index).astype(np.float32))
            for index, image in enumerate(self._images)
        ]
        kept = [index for index, motion in enumerate(motions) if motion.to_reference is not None]
        if len(kept) < max(2, 0.6 * len(self._images)):
            return CleanBackground("moving")
        still = all(motions[index].still for index in kept)
        hidden = [self._person(index) for index in kept]
        images = [self._images[index] for index in kept]
        if not still:
            for place, index in enumerate(kept):
                to_reference = motions[index].to_reference
                assert to_reference is not None
                images[place], hidden[place] = _into_reference(images[place], hidden[place], to_reference)
        plate, unseen = masked_median(images, hidden)
        plate = inpaint_texture(plate, unseen.astype(np.float32))
        return CleanBackground("still" if still else "handheld", plate, None if still else registrar)

    def _person(self, index: int) -> BoolArray:
        shape = self._images[index].shape[:2]
        bits = np.unpackbits(self._people[index], count=shape[0] * shape[1])
        return bits.reshape(shape).astype(np.bool_)


def masked_median(images: list[Image], hidden: list[BoolArray]) -> tuple[Image, BoolArray]:
    """The median over time of what is not hidden.

    Args:
        images: N times (H, W, 3) uint8.
        hidden: N times (H, W) bool: pixels that do not count.

    Returns:
        (H, W, 3) uint8, and (H, W) bool: pixels that were seen too rarely to know. Pixels that are never
        hidden come from the first image as they are.
    """
    result = images[0].copy()
    places = np.flatnonzero(np.logical_or.reduce(hidden))
    unseen = np.zeros(result.shape[0] * result.shape[1], np.bool_)
    fewest = min(_FEWEST_SIGHTS, max(1, len(images) // 2))
    flat = result.reshape(-1, 3)
    for start in range(0, places.size, _CHUNK):
        chunk = places[start : start + _CHUNK]
        values = np.stack([image.reshape(-1, 3)[chunk] for image in images], axis=-1).astype(np.int16)
        covered = np.stack([mask.ravel()[chunk] for mask in hidden], axis=-1)
        values[np.broadcast_to(covered[:, None], values.shape)] = 1000  # sorted behind every colour
        values.sort(axis=-1)
        count = (~covered).sum(axis=-1)
        low = np.maximum(count - 1, 0) // 2
        high = np.minimum(count // 2, len(images) - 1)
        middle = np.take_along_axis(values, np.repeat(low[:, None], 3, 1)[..., None], -1)
        middle = middle + np.take_along_axis(values, np.repeat(high[:, None], 3, 1)[..., None], -1)
        flat[chunk] = np.clip(middle[..., 0] // 2, 0, 255)
        unseen[chunk] = count < fewest
    return result, unseen.reshape(result.shape[:2])


def _patched(image: Image, hole: FloatArray, plate: Image, seen: BoolArray, box: Box) -> Image:
    """Sets a part of the plate into the hole, its exposure matched all around."""
    result = image.copy()
    part, gap = result[box.slices], np.ascontiguousarray(hole[box.slices])
    offset = _exposure_offset(part, plate, ((gap <= 0) & seen).astype(np.float32))
    behind = np.asarray(cv2.add(plate, offset, dtype=cv2.CV_8U), np.uint8)
    # Most of a hole is whole: it is copied, and only its rim is calculated.
    filled = cv2.copyTo(behind, (gap >= 1).view(np.uint8), part.copy())
    rim = np.flatnonzero((gap > 0) & (gap < 1))
    share = gap.reshape(-1)[rim, None]
    below = part.reshape(-1, 3)[rim].astype(np.float32)
    above = np.clip(plate.reshape(-1, 3)[rim] + offset.reshape(-1, 3)[rim], 0, 255)
    filled.reshape(-1, 3)[rim] = np.rint(below + (above - below) * share)
    part[...] = filled
    unseen = np.where(seen, np.float32(0), gap)
    if not unseen.any():
        return result
    whole = np.zeros_like(hole)
    whole[box.slices] = unseen
    return inpaint_smooth(result, whole)


def _exposure_offset(part: Image, plate: Image, known: FloatArray) -> FloatArray:
    """(h, w, 3): the difference seen around the hole, spread smoothly into it."""
    height, width = known.shape
    size = (max(2, width // 8), max(2, height // 8))
    weight = np.asarray(cv2.resize(known, size, interpolation=cv2.INTER_AREA), np.float32)
    difference = np.asarray(cv2.subtract(part, plate, dtype=cv2.CV_32F), np.float32)
    small = np.asarray(
        cv2.resize(difference * known[..., None], size, interpolation=cv2.INTER_AREA), np.float32
    )
    small /= np.maximum(weight, 1e-3)[..., None]
    weight[(weight < 0.25) | (np.abs(small).max(axis=2) > _LARGEST_OFFSET)] = 0
    spread = cv2.resize(pull_push(small, weight), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(spread, np.float32)


def _warped_part(plate: Image, to_reference: npt.NDArray[np.float64], box: Box) -> tuple[Image, BoolArray]:
    """The plate as the picture's camera sees it, inside ``box``; and where it reaches."""
    into_picture = to_reference @ np.array([[1, 0, box.left], [0, 1, box.top], [0, 0, 1]], np.float64)
    size = (box.width, box.height)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    part = cv2.warpPerspective(plate, into_picture, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    inside = np.full(plate.shape[:2], 255, np.uint8)
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    seen = cv2.warpPerspective(inside, into_picture, size, flags=flags, borderValue=0)
    return np.asarray(part, np.uint8), np.asarray(seen) > 0


def _into_reference(
    image: Image, hidden: BoolArray, to_reference: npt.NDArray[np.float64]
) -> tuple[Image, BoolArray]:
    height, width = hidden.shape
    warped = cv2.warpPerspective(image, to_reference, (width, height), flags=cv2.INTER_CUBIC)
    mask = cv2.warpPerspective(
        hidden.astype(np.uint8), to_reference, (width, height), flags=cv2.INTER_NEAREST, borderValue=1
    )
    return np.asarray(warped, np.uint8), np.asarray(mask) > 0

"""Image sources: a photo, a folder of photos, and an image sequence (the frames of a clip)."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Generator, Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.image.image_file import IMAGE_EXTENSIONS, image_size, over_white, read_image
from dance_now.media.source import DEFAULT_FRAME_RATE, Source, SourceKind, frame_at

_logger = logging.getLogger(__name__)


class PhotoSource(Source):
    """Reads one image file: a single frame at time 0."""

    kind = "photo"
    frame_count = 1

    def __init__(self, path: Path) -> None:
        """Checks the header; the image is decoded by ``frames``.

        Raises:
            DanceNowError: damaged, or too large.
        """
        self.path = path
        self.size = image_size(path)

    def frames(self) -> Generator[Frame]:
        """Decodes the image."""
        yield _frame(read_image(self.path), 0.0, 0, self.name)

    @property
    def has_alpha(self) -> bool:
        """Whether the image is transparent somewhere; decodes it."""
        return _alpha(read_image(self.path)) is not None


class ImageSequenceSource(Source):
    """Reads images as the frames of a clip in natural order of their names ("2" before "10"), lazily."""

    kind: SourceKind = "folder"

    def __init__(
        self,
        images: list[Path],
        frame_rate: Fraction | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> None:
        """Takes sorted image files (see ``list_images``); ``start`` and ``end`` in seconds.

        Raises:
            DanceNowError: the cut is empty, or none of the images has a readable header.
        """
        self.frame_rate = frame_rate or DEFAULT_FRAME_RATE
        if self.frame_rate <= 0:
            raise DanceNowError(f"frame_rate must be above 0, got {float(self.frame_rate):g}.")
        first = frame_at(start or 0.0, self.frame_rate)
        last = len(images) if end is None else frame_at(end, self.frame_rate)
        self._images = images[first:last]
        self.path = images[0].parent
        if not self._images:
            raise DanceNowError(f"start and end leave none of the {len(images)} images in {self.path}.")
        self.frame_count = len(self._images)
        self.time_base = 1 / self.frame_rate
        self.duration = None if end is None else float(self.frame_count / self.frame_rate)
        self.size = self._first_size()

    @property
    def files(self) -> frozenset[Path]:
        """Resolved paths of the folder and each of its images."""
        return frozenset({self.path.resolve(), *(image.resolve() for image in self._images)})

    def frames(self) -> Generator[Frame]:
        """Decodes the images; damaged ones are skipped, counted and leave a gap."""
        self.skipped = 0
        for place, image_path in enumerate(self._images):
            try:
                image = read_image(image_path)
            except DanceNowError as error:
                self.skipped += 1
                _logger.warning("skipped: %s", error)
                continue
            yield _frame(image, float(place / self.frame_rate), place, self._frame_name(place))
        if self.skipped == len(self._images):
            raise DanceNowError(f"none of the images in {self.path} could be read.")

    @property
    def has_alpha(self) -> bool:
        """Whether the first readable image is transparent somewhere; decodes it."""
        for image in self._images:
            try:
                return _alpha(read_image(image)) is not None
            except DanceNowError:
                continue
        return False

    def check_one_size(self) -> None:
        """Checks the headers of all images; damaged ones are left to ``frames``."""
        for image in self._images:
            size = _size(image)
            if size is not None and size != self.size:
                raise DanceNowError(
                    f"{image.name} has another size ({size[0]}x{size[1]}) than the first image "
                    f"({self.size[0]}x{self.size[1]}). Choose a folder as output."
                )

    def _frame_name(self, place: int) -> str:
        """Base name of the output of one image."""
        return ""

    def _first_size(self) -> tuple[int, int]:
        reasons = []
        for image in self._images:
            try:
                return image_size(image)
            except DanceNowError as error:
                _logger.warning("%s", error)
                reasons.append(str(error))
        raise DanceNowError(f"none of the images in {self.path} could be read. {reasons[0]}")


class PhotoFolderSource(ImageSequenceSource):
    """Reads unrelated photos, which may differ in size; outputs keep their names."""

    kind: SourceKind = "photos"

    def __init__(self, images: list[Path]) -> None:
        """Takes sorted image files.

        Raises:
            DanceNowError: none of the images has a readable header.
        """
        super().__init__(images)
        stems = Counter(image.stem for image in images)
        self.names = tuple(
            image.stem if stems[image.stem] == 1 else image.name.replace(".", "_") for image in images
        )

    def _frame_name(self, place: int) -> str:
        return self.names[place]


def _frame(pixels: Image, time: float, index: int, name: str) -> Frame:
    """Frame of a decoded image, RGB or straight RGBA."""
    return Frame(over_white(pixels), time, index, name, _alpha(pixels))


def _alpha(pixels: Image) -> Image | None:
    """Alpha (H, W) of a decoded image; None where it is opaque everywhere."""
    if pixels.shape[2] == 3 or pixels[..., 3].min() == 255:
        return None
    return np.ascontiguousarray(pixels[..., 3])


def is_sequence(images: list[Path]) -> bool:
    """Detects an image sequence: one base name with a number that counts up, and one size.

    Args:
        images: in natural order.
    """
    parts = [re.fullmatch(r"(.*?)(\d+)(\D*)", image.stem) for image in images]
    if len(images) < 2 or not all(parts):
        return False
    if len({(part[1], part[3]) for part in parts if part}) > 1:
        return False
    numbers = [int(part[2]) for part in parts if part]
    counts_up = all(later > earlier for earlier, later in pairwise(numbers))
    return counts_up and len({size for size in map(_size, images) if size}) <= 1


def _size(image: Path) -> tuple[int, int] | None:
    """Size (width, height) of an image; None if it is damaged."""
    try:
        return image_size(image)
    except DanceNowError:
        return None


def are_images(paths: Iterable[Path]) -> bool:
    """Tests whether all files are named as images."""
    return all(path.suffix.lower() in IMAGE_EXTENSIONS and path.is_file() for path in paths)


def list_images(paths: Iterable[Path], given: str) -> list[Path]:
    """Filters the image files among ``paths``, in natural order; hidden files are left out.

    Raises:
        DanceNowError: there are none; ``given`` is what the user typed.
    """
    found = [
        path
        for path in paths
        if path.suffix.lower() in IMAGE_EXTENSIONS and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        wanted = ", ".join(sorted(extension[1:] for extension in IMAGE_EXTENSIONS))
        raise DanceNowError(f"{given} holds no images ({wanted}).")
    return sorted(found, key=natural_key)


def natural_key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Natural sort key: ``shot2.png`` comes before ``shot10.png``."""
    parts = re.split(r"(\d+)", path.name.lower())
    key = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
    return key, str(path)

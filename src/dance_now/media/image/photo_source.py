"""A photo, a folder of photos, and a folder of the frames of a clip, as sources."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Generator, Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final

from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.image.image_file import PICTURE_EXTENSIONS, checked_header, read_picture
from dance_now.media.source import DEFAULT_FRAME_RATE, Source, SourceKind, frame_at

_HEADER_BYTES: Final = 1 << 18  # nearly always enough; else the whole file is read

_logger = logging.getLogger(__name__)


class PhotoSource(Source):
    """One picture file: a single frame at time 0."""

    kind = "photo"
    frame_count = 1

    def __init__(self, path: Path) -> None:
        """Checks the header; the picture is decoded by ``frames``.

        Raises:
            DanceNowError: damaged, or more than 100 megapixels.
        """
        self.path = path
        self.size = checked_header(path).upright_size

    def frames(self) -> Generator[Frame]:
        """Reads the picture."""
        yield Frame(read_picture(self.path), 0.0, 0, self.name)


class FolderSource(Source):
    """Pictures in natural order of their names ("2" before "10"), read one at a time."""

    kind: SourceKind = "folder"

    def __init__(
        self,
        pictures: list[Path],
        frame_rate: Fraction | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> None:
        """Takes sorted picture files (see ``pictures_in``); ``start`` and ``end`` in seconds.

        Raises:
            DanceNowError: the cut holds no picture, or none of the pictures has a readable header.
        """
        self.frame_rate = frame_rate or DEFAULT_FRAME_RATE
        if self.frame_rate <= 0:
            raise DanceNowError(f"the frame rate must be positive, not {float(self.frame_rate):g}.")
        first = frame_at(start or 0.0, self.frame_rate)
        last = len(pictures) if end is None else frame_at(end, self.frame_rate)
        self._pictures = pictures[first:last]
        self.path = pictures[0].parent
        if not self._pictures:
            raise DanceNowError(
                f"--start and --end leave none of the {len(pictures)} pictures in {self.path}."
            )
        self.frame_count = len(self._pictures)
        self.time_base = 1 / self.frame_rate
        self.duration = None if end is None else float(self.frame_count / self.frame_rate)
        self.size = self._first_size()

    @property
    def files(self) -> frozenset[Path]:
        """The folder and each of its pictures."""
        return frozenset({self.path.resolve(), *(picture.resolve() for picture in self._pictures)})

    def frames(self) -> Generator[Frame]:
        """Reads the pictures; damaged ones are skipped, counted and leave a gap."""
        self.skipped = 0
        for place, picture in enumerate(self._pictures):
            try:
                image = read_picture(picture)
            except DanceNowError as error:
                self.skipped += 1
                _logger.warning("skipped: %s", error)
                continue
            yield Frame(image, float(place / self.frame_rate), place, self._frame_name(place))
        if self.skipped == len(self._pictures):
            raise DanceNowError(f"none of the pictures in {self.path} could be read.")

    def _frame_name(self, place: int) -> str:
        """What the output of one picture is called after."""
        return ""

    def _first_size(self) -> tuple[int, int]:
        reasons = []
        for picture in self._pictures:
            try:
                return checked_header(picture).upright_size
            except DanceNowError as error:
                _logger.warning("%s", error)
                reasons.append(str(error))
        raise DanceNowError(f"none of the pictures in {self.path} could be read. {reasons[0]}")


class PhotosSource(FolderSource):
    """Photos that have nothing to do with each other; they may differ in size, and keep their names."""

    kind: SourceKind = "photos"

    def __init__(self, pictures: list[Path]) -> None:
        """Takes sorted picture files.

        Raises:
            DanceNowError: none of the pictures has a readable header.
        """
        super().__init__(pictures)
        stems = Counter(picture.stem for picture in pictures)
        self.names = tuple(
            picture.stem if stems[picture.stem] == 1 else picture.name.replace(".", "_")
            for picture in pictures
        )

    def _frame_name(self, place: int) -> str:
        return self.names[place]


def is_sequence(pictures: list[Path]) -> bool:
    """Whether pictures look like the frames of one clip: one name with a number that counts up, one size.

    Args:
        pictures: in natural order.
    """
    parts = [re.fullmatch(r"(.*?)(\d+)(\D*)", picture.stem) for picture in pictures]
    if len(pictures) < 2 or not all(parts):
        return False
    if len({(part[1], part[3]) for part in parts if part}) > 1:
        return False
    numbers = [int(part[2]) for part in parts if part]
    counts_up = all(later > earlier for earlier, later in pairwise(numbers))
    return counts_up and len({size for size in map(_size, pictures) if size}) <= 1


def _size(picture: Path) -> tuple[int, int] | None:
    """Width and height; None of a damaged picture."""
    try:
        with picture.open("rb") as file:
            return checked_header(picture, file.read(_HEADER_BYTES)).upright_size
    except (DanceNowError, OSError):
        pass
    try:
        return checked_header(picture).upright_size
    except DanceNowError:
        return None


def pictures_in(paths: Iterable[Path], given: str) -> list[Path]:
    """The picture files among ``paths`` in natural order; hidden files are left out.

    Raises:
        DanceNowError: there are none; ``given`` is what the user typed.
    """
    found = [
        path
        for path in paths
        if path.suffix.lower() in PICTURE_EXTENSIONS and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        wanted = ", ".join(sorted(extension[1:] for extension in PICTURE_EXTENSIONS))
        raise DanceNowError(f"{given} holds no pictures ({wanted}).")
    return sorted(found, key=natural_key)


def natural_key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """A sort key that counts: ``shot2.png`` comes before ``shot10.png``."""
    parts = re.split(r"(\d+)", path.name.lower())
    key = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
    return key, str(path)

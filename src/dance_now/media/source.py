"""Where pictures come from: one interface for a photo, a video, and a folder or glob of pictures."""

from __future__ import annotations

import glob
from abc import ABC, abstractmethod
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from dance_now.errors import DanceNowError
from dance_now.media.frame import Frame

SourceKind = Literal["photo", "video", "folder"]
DEFAULT_FRAME_RATE = Fraction(30)


class Source(ABC):
    """An opened source of pictures; use it as a context manager.

    Attributes:
        kind: what it is.
        path: the file or folder; for a glob, the folder of the first picture.
        size: (width, height) in pixels of the upright pictures (the first one's, for a folder).
        frame_rate: pictures per second, always positive; 30 where the file does not say.
        frame_count: an estimate, or None where nothing tells.
        time_base: a unit in seconds in which the time stamps are whole numbers (or nearly).
        origin: the time of ``Frame.time`` 0 on the file's own clock, in seconds.
        starts_late: whether ``start`` cut something off.
        duration: length of the cut in seconds where ``end`` was given, else None.
        has_audio: whether there is sound.
        skipped: how many broken pictures the latest pass has left out so far.
    """

    kind: SourceKind
    path: Path
    size: tuple[int, int]
    frame_rate: Fraction = DEFAULT_FRAME_RATE
    frame_count: int | None = None
    time_base: Fraction = Fraction(1, 90000)
    origin: float = 0.0
    starts_late: bool = False
    duration: float | None = None
    has_audio: bool = False
    skipped: int = 0

    @property
    def name(self) -> str:
        """The name without folder and extension: what outputs are named after."""
        return self.path.stem if self.path.is_file() else self.path.resolve().name

    @property
    def files(self) -> frozenset[Path]:
        """The resolved paths that are read, which no output may overwrite."""
        return frozenset({self.path.resolve()})

    @abstractmethod
    def frames(self) -> Generator[Frame]:
        """Reads the pictures one by one; every call starts a new pass.

        Raises:
            DanceNowError: nothing at all could be read.
        """

    def close(self) -> None:  # noqa: B027 (photos hold nothing open)
        """Releases the file. Running iterators end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_source(
    path: str | Path,
    start: float | None = None,
    end: float | None = None,
    frame_rate: Fraction | None = None,
) -> Source:
    """Opens a photo (jpg, png, webp, bmp), a video (what FFmpeg opens, gif included), a folder or a glob.

    What a file is, its content says, not its extension.

    Args:
        path: file, folder, or a pattern such as ``"shots/*.png"``.
        start: seconds into the video where the cut begins; ``Frame.time`` 0 is here.
        end: seconds into the video where the cut ends.
        frame_rate: pictures per second of a folder; a video knows its own.

    Raises:
        DanceNowError: missing, empty, damaged, without pictures, too large, or a cut that is none.

    Example:
        >>> with open_source("clip.mp4") as source:  # doctest: +SKIP
        ...     for frame in source.frames():
        ...         print(frame.time, frame.image.shape)
    """
    # The readers are imported here because they import this module, and a photo needs no FFmpeg.
    from dance_now.media.photo_source import FolderSource, PhotoSource, pictures_in
    from dance_now.media.picture import is_picture

    _check_cut(start, end)
    target = Path(path).expanduser()
    if not target.exists():
        if glob.has_magic(str(path)):
            matches = [Path(name) for name in glob.glob(str(target))]
            return FolderSource(pictures_in(matches, str(path)), frame_rate, start, end)
        raise DanceNowError(f"{path} does not exist. Give a photo, a video, a folder of pictures or a glob.")
    if target.is_dir():
        return FolderSource(pictures_in(target.iterdir(), str(path)), frame_rate, start, end)
    if not target.is_file():
        raise DanceNowError(f"{path} is neither a file nor a folder.")
    if _size(target) == 0:
        raise DanceNowError(f"{path} is empty.")
    if is_picture(target):
        if start is not None or end is not None:
            raise DanceNowError(f"{path} is a photo: --start and --end cut videos and folders only.")
        return PhotoSource(target)
    from dance_now.media.video_source import VideoSource

    return VideoSource(target, start, end)


def frame_at(seconds: float, frame_rate: Fraction) -> int:
    """The number of the picture shown from ``seconds`` on at a steady rate."""
    return max(0, round(seconds * float(frame_rate)))


def _check_cut(start: float | None, end: float | None) -> None:
    if start is not None and not 0 <= start < float("inf"):
        raise DanceNowError(f"--start must be 0 or more seconds, not {start}.")
    if end is not None and not (start or 0.0) < end < float("inf"):
        raise DanceNowError(f"--end must come after --start; got {start or 0.0:g} to {end:g} seconds.")


def _size(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return file.seek(0, 2)
    except OSError as error:
        raise DanceNowError(f"{path} cannot be read: {error.strerror}.") from error

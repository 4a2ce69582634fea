"""Where pictures come from: one interface for a photo, a video, and a folder or glob of pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from dance_now.media.frame import Frame

SourceKind = Literal["photo", "photos", "video", "folder"]
DEFAULT_FRAME_RATE = Fraction(30)
_RATE_LIMITS = (Fraction(1, 10), Fraction(240))


class Source(ABC):
    """An opened source of pictures; use it as a context manager.

    Attributes:
        kind: what it is; ``photos`` have nothing to do with each other, a ``folder`` is a clip.
        path: the file or folder; for a glob, the folder of the first picture.
        size: (width, height) in pixels of the upright pictures (the first one's, for a folder).
        frame_rate: pictures per second, always positive; 30 where the file does not say.
        frame_count: an estimate, or None where nothing tells.
        time_base: a unit in seconds in which the time stamps are whole numbers (or nearly).
        origin: the time of ``Frame.time`` 0 on the file's own clock, in seconds.
        starts_late: whether ``start`` cut something off.
        duration: length of the cut in seconds where ``end`` was given, else None.
        has_audio: whether there is sound.
        names: of the photos' own outputs, without extensions; none of a clip's.
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
    names: tuple[str, ...] = ()

    @property
    def is_clip(self) -> bool:
        """Whether the frames follow one another in time."""
        return self.kind in ("video", "folder")

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


def is_plausible(rate: Fraction) -> bool:
    """Whether a file's frame rate can be believed."""
    return _RATE_LIMITS[0] <= rate <= _RATE_LIMITS[1]


def frame_at(seconds: float, frame_rate: Fraction) -> int:
    """The number of the picture shown from ``seconds`` on at a steady rate."""
    return max(0, round(seconds * float(frame_rate)))

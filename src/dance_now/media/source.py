"""Source interface: reads frames from a photo, a video, or a folder or glob of images."""

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
    """Opened source of frames; use it as a context manager.

    Attributes:
        kind: ``photos`` are unrelated images, a ``folder`` is an image sequence.
        path: the file or folder; for a glob, the folder of the first image.
        size: (width, height) in pixels of the upright frames (the first one's, for a folder).
        frame_rate: frames per second, always positive; 30 where the file does not say.
        frame_count: an estimate, or None where unknown.
        time_base: a unit in seconds in which the time stamps are whole numbers (or nearly).
        origin: the time of ``Frame.time`` 0 on the file's own clock, in seconds.
        is_trimmed_at_start: whether ``start`` cut something off.
        duration: length of the cut in seconds where ``end`` was given, else None.
        has_audio: whether there is an audio track.
        names: of the photos' own outputs, without extensions; empty for a clip.
        skipped: how many damaged frames the latest pass has skipped so far.
    """

    kind: SourceKind
    path: Path
    size: tuple[int, int]
    frame_rate: Fraction = DEFAULT_FRAME_RATE
    frame_count: int | None = None
    time_base: Fraction = Fraction(1, 90000)
    origin: float = 0.0
    is_trimmed_at_start: bool = False
    duration: float | None = None
    has_audio: bool = False
    skipped: int = 0
    names: tuple[str, ...] = ()

    @property
    def has_alpha(self) -> bool:
        """Whether the frames come with alpha: those of images with transparency do."""
        return False

    @property
    def is_clip(self) -> bool:
        """Tests whether the frames follow one another in time."""
        return self.kind in ("video", "folder")

    @property
    def name(self) -> str:
        """Base name of outputs: the source's name without folder and extension."""
        return self.path.stem if self.path.is_file() else self.path.resolve().name

    @property
    def files(self) -> frozenset[Path]:
        """Resolved input paths, which no output may overwrite."""
        return frozenset({self.path.resolve()})

    @abstractmethod
    def frames(self) -> Generator[Frame]:
        """Reads the frames one by one; every call starts a new pass.

        Raises:
            DanceNowError: no frame could be read.
        """

    def check_one_size(self) -> None:  # noqa: B027 (most sources have one size)
        """Checks that all frames have one size, as a video needs it.

        Raises:
            DanceNowError: one of the images of a sequence differs.
        """

    def close(self) -> None:  # noqa: B027 (photos hold nothing open)
        """Releases the file. Running iterators end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_plausible_frame_rate(rate: Fraction) -> bool:
    """Tests whether a file's frame rate lies within 1/10 and 240 frames per second."""
    return _RATE_LIMITS[0] <= rate <= _RATE_LIMITS[1]


def frame_at(seconds: float, frame_rate: Fraction) -> int:
    """Index of the frame shown from ``seconds`` on at a constant rate."""
    return max(0, round(seconds * float(frame_rate)))

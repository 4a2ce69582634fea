"""Recorder: writes a live performance to a video file, and single frames to PNG files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from datetime import datetime
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Final

from dance_now.core.atomic_write import write_file
from dance_now.core.errors import DanceNowError
from dance_now.live.live_frames import LiveResult
from dance_now.media.frame import Frame
from dance_now.media.image.photo_sink import encode_image
from dance_now.media.open_media import ALPHA_EXTENSIONS, VIDEO_EXTENSIONS
from dance_now.media.source import Source
from dance_now.media.video.video_sink import VideoSink

_QUEUED: Final = 8  # frames that wait for the encoder; what comes on top is left out

_logger = logging.getLogger(__name__)


class _LiveClock(Source):
    """What a sink asks of its source: rate and time stamps of a live performance, which has no sound."""

    kind = "video"
    size = (640, 480)  # nominal: the encoder opens with the first frame

    def __init__(self, path: Path) -> None:
        self.path = path

    def frames(self) -> Generator[Frame]:
        """Nothing: the frames come as they are drawn."""
        yield from ()


class Recorder:
    """Writes one video file in a thread of its own; a slow encoder never holds the performance up.

    Attributes:
        path: the file, which appears when the recording is closed.
        keeps_alpha: whether transparency is kept.
        left_out: frames that the encoder had no time for.
    """

    def __init__(
        self, path: Path, color: tuple[int, int, int] | None, failed: Callable[[str], None] | None = None
    ) -> None:
        """Begins a recording.

        Args:
            path: .mp4, or .webm or .mov with transparency; it must not exist.
            color: behind a transparent frame; None keeps transparency where the format does.
            failed: told in one line if the file cannot be written; any thread.

        Raises:
            DanceNowError: an extension that is not supported.
        """
        if path.suffix.lower() not in VIDEO_EXTENSIONS:
            known = ", ".join(VIDEO_EXTENSIONS)
            raise DanceNowError(f"{path} cannot be recorded. Use {known}.", option="output")
        self.path = path
        self.keeps_alpha = color is None and path.suffix.lower() in ALPHA_EXTENSIONS
        self.left_out = 0
        self._color = color or (255, 255, 255)
        self._sink = VideoSink(path, _LiveClock(path), alpha=self.keeps_alpha, sound=False)
        self._failed = failed or _logger.warning
        self._queue: Queue[LiveResult | None] = Queue(_QUEUED)
        self._begun: float | None = None
        self._size: tuple[int, int] | None = None
        self._broken = self._closed = False
        self._thread = Thread(target=self._run, name="recorder")
        self._thread.start()

    @property
    def written(self) -> int:
        """Frames in the file so far."""
        return self._sink.written

    def write(self, result: LiveResult) -> None:
        """Hands in a drawn frame; never blocks."""
        try:
            self._queue.put_nowait(result)
        except Full:
            self.left_out += 1

    def close(self) -> bool:
        """Ends the recording and waits for the file; returns whether there is one."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        return self._sink.written > 0 and not self._broken

    def _run(self) -> None:
        try:
            with self._sink as sink:
                for result in iter(self._queue.get, None):
                    if self._size not in (None, result.size):
                        self._failed(f"the camera's resolution has changed: {self.path.name} ends here.")
                        break
                    self._size = result.size
                    self._begun = result.time if self._begun is None else self._begun
                    image = result.with_alpha() if self.keeps_alpha else result.over_color(self._color)
                    sink.write(image, max(0.0, result.time - self._begun))
                else:
                    return
        except DanceNowError as error:
            self._broken = True
            self._failed(str(error))
            if self._closed:
                return
        for _ in iter(self._queue.get, None):  # what else comes until ``close``
            pass


def save_snapshot(result: LiveResult, path: Path) -> None:
    """Writes a drawn frame to a PNG file, transparent where the scene is.

    Raises:
        DanceNowError: the file exists or cannot be written.
    """
    image = result.with_alpha() if result.picture is None else result.picture
    write_file(path, encode_image(image, ".png"), overwrite=False)


def output_path(folder: Path, kind: str, extension: str, now: datetime | None = None) -> Path:
    """A free path for a recording or snapshot: ``dance_now_KIND_DATE_TIME.EXT``."""
    stem = f"dance_now_{kind}_{now or datetime.now():%Y-%m-%d_%H-%M-%S}"
    path, number = folder / f"{stem}{extension}", 2
    while path.exists():
        path, number = folder / f"{stem}_{number}{extension}", number + 1
    return path

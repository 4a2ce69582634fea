"""Sink interface: writes frames to a photo, a video, a folder of images or a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from dance_now.core.arrays import Image
from dance_now.core.atomic_write import Output
from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import over_white


class Sink(ABC):
    """Output of frames; use it as a context manager.

    Attributes:
        path: the target.
        name: shown in messages.
        written: how many frames have been written.
    """

    def __init__(self, path: Path, alpha: bool) -> None:
        """``alpha`` says whether transparency is to be kept."""
        self.path = path
        self.name = str(path)
        self.written = 0
        self._alpha = alpha
        self._shape: tuple[int, ...] = ()

    def write(self, image: Image, time: float, name: str = "") -> None:
        """Writes one frame.

        Args:
            image: (H, W, 3) or (H, W, 4) uint8 RGB(A), straight alpha; an opaque sink lays it over white.
            time: seconds since the start, growing from frame to frame.
            name: of the frame's own file, without an extension; folders number frames without a name.

        Raises:
            DanceNowError: the disk is full, or the frame differs in size from the earlier ones.
        """
        if image.ndim != 3 or image.shape[2] not in (3, 4) or image.dtype != "uint8":
            raise ValueError(f"a frame must be (H, W, 3 or 4) uint8, got {image.shape} {image.dtype}")
        if not self._alpha:
            image = over_white(image)
        try:
            self._write(image, time, name)
        except (av.FFmpegError, OSError) as error:
            raise DanceNowError(f"{self.name} could not be written: {_reason(error)}.") from error
        self.written += 1

    def _check_size(self, image: Image) -> None:
        """Raises for a frame that differs in size from the first."""
        self._shape = self._shape or image.shape
        if image.shape != self._shape:
            raise DanceNowError(
                f"frame {self.written + 1} has another size ({image.shape[1]}x{image.shape[0]}) "
                f"than the first ({self._shape[1]}x{self._shape[0]}). Choose a folder as output."
            )

    @abstractmethod
    def _write(self, image: Image, time: float, name: str) -> None:
        """Writes one validated frame."""

    @abstractmethod
    def _finish(self) -> None:
        """Finalises the output."""

    def _close(self) -> None:  # noqa: B027 (some sinks hold nothing open)
        """Releases resources and deletes an unfinished output; called last, after errors too."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                return
            if self.written == 0:
                raise DanceNowError(f"there was no frame to write to {self.name}.")
            try:
                self._finish()
            except (av.FFmpegError, OSError) as failure:
                raise DanceNowError(f"{self.name} could not be written: {_reason(failure)}.") from failure
        finally:
            self._close()


class FileSink(Sink):
    """Atomic output file or folder.

    The target appears only once the ``with`` block has ended without an error; what was written until an
    error or Ctrl-C is deleted. Nobody else can write it meanwhile.
    """

    is_folder = False

    def __enter__(self) -> Self:
        """Locks the target.

        Raises:
            DanceNowError: another process is writing it, or nothing can be written there.
        """
        try:
            self._output = Output(self.path, is_folder=self.is_folder)
        except OSError as error:
            raise DanceNowError(f"{self.name} could not be written: {_reason(error)}.") from error
        self._part = self._output.part
        return self

    def _close(self) -> None:
        self._output.discard()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

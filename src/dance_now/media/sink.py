"""Where pictures go: one interface for a photo, a video, a folder of pictures and a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from dance_now.core.arrays import Image
from dance_now.core.atomic_write import discard, part_path
from dance_now.core.errors import DanceNowError


class Sink(ABC):
    """An output; use it as a context manager.

    Attributes:
        path: the target.
        name: what messages call it.
        written: how many pictures have been written.
    """

    def __init__(self, path: Path, alpha: bool) -> None:
        """``alpha`` says whether transparency is to be kept."""
        self.path = path
        self.name = str(path)
        self.written = 0
        self._alpha = alpha
        self._shape: tuple[int, ...] = ()

    def write(self, image: Image, time: float, name: str = "") -> None:
        """Adds one picture.

        Args:
            image: (H, W, 3) or (H, W, 4) uint8 RGB(A), straight alpha; alpha is dropped by an opaque sink.
            time: seconds since the start, growing from picture to picture.
            name: of the picture's own file, without an extension; folders number pictures without a name.

        Raises:
            DanceNowError: the disk is full, or the picture does not fit the earlier ones.
        """
        if image.ndim != 3 or image.shape[2] not in (3, 4) or image.dtype != "uint8":
            raise ValueError(f"a picture is (H, W, 3 or 4) uint8, not {image.shape} {image.dtype}")
        if not self._alpha:
            image = image[..., :3]
        try:
            self._write(image, time, name)
        except (av.FFmpegError, OSError) as error:
            raise DanceNowError(f"{self.name} could not be written: {_reason(error)}.") from error
        self.written += 1

    def _keep_size(self, image: Image) -> None:
        """Refuses a picture that differs in size from the first."""
        self._shape = self._shape or image.shape
        if image.shape != self._shape:
            raise DanceNowError(
                f"picture {self.written + 1} has another size ({image.shape[1]}x{image.shape[0]}) "
                f"than the first ({self._shape[1]}x{self._shape[0]}): use a folder as output instead."
            )

    @abstractmethod
    def _write(self, image: Image, time: float, name: str) -> None:
        """Adds one checked picture."""

    @abstractmethod
    def _finish(self) -> None:
        """Completes the output."""

    def _close(self) -> None:  # noqa: B027 (some sinks hold nothing open)
        """Releases what is open and removes what is unfinished; comes last, after errors too."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                return
            if self.written == 0:
                raise DanceNowError(f"there was no picture to write to {self.name}.")
            try:
                self._finish()
            except (av.FFmpegError, OSError) as failure:
                raise DanceNowError(f"{self.name} could not be written: {_reason(failure)}.") from failure
        finally:
            self._close()


class FileSink(Sink):
    """An output with a name.

    Nothing appears under that name before the ``with`` block ends without an error; what was written until an
    error or Ctrl-C is removed.
    """

    def __init__(self, path: Path, alpha: bool) -> None:
        """``alpha`` says whether transparency is to be kept."""
        super().__init__(path, alpha)
        self._part = part_path(path)

    def _close(self) -> None:
        discard(self._part)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

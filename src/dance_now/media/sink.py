"""Where pictures go: one interface for a photo, a video, an animation and a folder of pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from dance_now.arrays import Image
from dance_now.errors import DanceNowError
from dance_now.media.partial import check_target, discard, part_path
from dance_now.media.source import Source

PHOTO_EXTENSIONS = (".png", ".webp", ".jpg", ".jpeg")
VIDEO_EXTENSIONS = (".mp4", ".mov", ".webm", ".gif")
ALPHA_EXTENSIONS = (".png", ".webp", ".webm", ".mov", ".gif")


class Sink(ABC):
    """An output; use it as a context manager.

    Nothing appears under the target's name before the ``with`` block ends without an error; what was
    written until an error or Ctrl-C is removed.

    Attributes:
        path: the target.
        written: how many pictures have been written.
    """

    def __init__(self, path: Path, alpha: bool) -> None:
        """``alpha`` says whether transparency is to be kept."""
        self.path = path
        self.written = 0
        self._alpha = alpha
        self._part = part_path(path)

    def write(self, image: Image, time: float) -> None:
        """Adds one picture.

        Args:
            image: (H, W, 3) or (H, W, 4) uint8 RGB(A), straight alpha; alpha is dropped by an opaque sink.
            time: seconds since the start, growing from picture to picture.

        Raises:
            DanceNowError: the disk is full, or the picture does not fit the earlier ones.
        """
        if image.ndim != 3 or image.shape[2] not in (3, 4) or image.dtype != "uint8":
            raise ValueError(f"a picture is (H, W, 3 or 4) uint8, not {image.shape} {image.dtype}")
        if not self._alpha:
            image = image[..., :3]
        try:
            self._write(image, time)
        except (av.FFmpegError, OSError) as error:
            raise DanceNowError(f"{self.path} could not be written: {_reason(error)}.") from error
        self.written += 1

    @abstractmethod
    def _write(self, image: Image, time: float) -> None:
        """Adds one checked picture."""

    @abstractmethod
    def _finish(self) -> None:
        """Completes the unfinished output and gives it its name."""

    def _abandon(self) -> None:  # noqa: B027 (most sinks hold nothing open)
        """Releases what is open; the unfinished output is removed afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                return
            if self.written == 0:
                raise DanceNowError(f"there was no picture to write to {self.path}.")
            try:
                self._finish()
            except (av.FFmpegError, OSError) as failure:
                raise DanceNowError(f"{self.path} could not be written: {_reason(failure)}.") from failure
        finally:
            self._abandon()
            discard(self._part)


def open_sink(
    path: str | Path, source: Source, alpha: bool, overwrite: bool = False, sound: bool = True
) -> Sink:
    """Opens an output; its kind follows the extension, none or a final slash means a folder of png.

    Args:
        path: png, webp, jpg; mp4, mov, webm, gif; or a folder.
        source: where the pictures come from: its rate, time stamps, cut and sound are kept.
        alpha: keep transparency (png, webp, webm, mov, gif and folders can).
        overwrite: replace an existing output.
        sound: carry the source's first sound track over.

    Raises:
        DanceNowError: an unknown extension, one that cannot do what is asked, or an unwritable target.

    Example:
        >>> with open_source("clip.mp4") as source, open_sink("out.webm", source, alpha=True) as sink:
        ...     for frame in source.frames():  # doctest: +SKIP
        ...         sink.write(frame.image, frame.time)
    """
    # Imported here because these modules import this one.
    from dance_now.media.photo_sink import FolderSink, PhotoSink
    from dance_now.media.video_sink import VideoSink

    target = Path(path).expanduser()
    extension = target.suffix.lower()
    is_folder = not extension or str(path).endswith(("/", "\\")) or target.is_dir()
    if not is_folder:
        _check_extension(target, extension, source, alpha)
    check_target(target, source.files, overwrite)
    if is_folder:
        return FolderSink(target, alpha)
    if target.is_dir():
        raise DanceNowError(f"{target} is a folder. Choose another name with -o.")
    if extension in PHOTO_EXTENSIONS:
        return PhotoSink(target, alpha)
    return VideoSink(target, source, alpha, sound)


def _check_extension(target: Path, extension: str, source: Source, alpha: bool) -> None:
    known = PHOTO_EXTENSIONS + VIDEO_EXTENSIONS
    if extension not in known:
        raise DanceNowError(f"cannot write {extension} files. Use one of {', '.join(known)}, or a folder.")
    if extension in PHOTO_EXTENSIONS and source.kind != "photo":
        wanted = ", ".join(VIDEO_EXTENSIONS)
        raise DanceNowError(
            f"{target.name} holds one picture, the source is a {source.kind}. Use {wanted}, or a folder."
        )
    if alpha and extension not in ALPHA_EXTENSIONS:
        keeping = ", ".join(ALPHA_EXTENSIONS)
        raise DanceNowError(f"{extension} files keep no transparency. Use one of {keeping}, or a folder.")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

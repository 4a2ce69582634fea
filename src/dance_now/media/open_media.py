"""Opens whatever is to be read or written: the one place that knows all kinds of sources and sinks."""

from __future__ import annotations

import glob
from fractions import Fraction
from pathlib import Path

from dance_now.core.atomic_write import check_target
from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import is_picture
from dance_now.media.image.photo_sink import FolderSink, PhotoSink
from dance_now.media.image.photo_source import (
    FolderSource,
    PhotoSource,
    PhotosSource,
    is_sequence,
    pictures_in,
)
from dance_now.media.raw_sink import STANDARD_OUTPUT, RawSink
from dance_now.media.sink import Sink
from dance_now.media.source import Source
from dance_now.media.video.video_sink import VideoSink
from dance_now.media.video.video_source import VideoSource
from dance_now.media.video.webp_source import WebpSource, is_animated_webp

PHOTO_EXTENSIONS = (".png", ".webp", ".jpg", ".jpeg")
VIDEO_EXTENSIONS = (".mp4", ".mov", ".webm", ".webp", ".gif")
ALPHA_EXTENSIONS = (".png", ".webp", ".webm", ".mov", ".gif")


def open_source(
    path: str | Path,
    start: float | None = None,
    end: float | None = None,
    frame_rate: Fraction | None = None,
    sequence: bool | None = None,
) -> Source:
    """Opens a photo (jpg, png, webp, bmp, heic), a video (what FFmpeg opens), a folder or a glob.

    What a file is, its content says, not its extension. Animated gif, png and webp count as video. Pictures
    of a folder or glob are the frames of a clip if they look like that (``is_sequence``), else single photos.

    Args:
        path: file, folder, or a pattern such as ``"shots/*.png"``.
        start: seconds into the video where the cut begins; ``Frame.time`` 0 is here.
        end: seconds into the video where the cut ends.
        frame_rate: pictures per second of a folder; a video knows its own.
        sequence: whether the pictures of a folder or glob are the frames of a clip; by default what they look
            like, and a clip if a cut or a frame rate is given.

    Raises:
        DanceNowError: missing, empty, damaged, without pictures, too large, or a cut that is none.

    Example:
        >>> with open_source("clip.mp4") as source:  # doctest: +SKIP
        ...     for frame in source.frames():
        ...         print(frame.time, frame.image.shape)
    """
    _check_cut(start, end)
    target = Path(path).expanduser()
    if not target.exists():
        if glob.has_magic(str(path)):
            found = pictures_in([Path(name) for name in glob.glob(str(target))], str(path))
            return _open_pictures(found, frame_rate, start, end, sequence)
        raise DanceNowError(f"{path} does not exist. Give a photo, a video, a folder of pictures or a glob.")
    if target.is_dir():
        return _open_pictures(pictures_in(target.iterdir(), str(path)), frame_rate, start, end, sequence)
    if not target.is_file():
        raise DanceNowError(f"{path} is neither a file nor a folder.")
    if _size(target) == 0:
        raise DanceNowError(f"{path} is empty.")
    if is_animated_webp(target):
        return WebpSource(target, start, end)
    if is_picture(target):
        if start is not None or end is not None:
            raise DanceNowError(f"{path} is a photo: --start and --end cut videos and folders only.")
        return PhotoSource(target)
    return VideoSource(target, start, end)


def _open_pictures(
    pictures: list[Path],
    frame_rate: Fraction | None,
    start: float | None,
    end: float | None,
    sequence: bool | None,
) -> Source:
    timed = not (frame_rate is start is end is None)
    if sequence if sequence is not None else timed or is_sequence(pictures):
        return FolderSource(pictures, frame_rate, start, end)
    if timed:
        raise DanceNowError("--start, --end and --fps are for clips, not for single photos.")
    return PhotosSource(pictures)


def open_sink(
    path: str | Path, source: Source, alpha: bool, overwrite: bool = False, sound: bool = True
) -> Sink:
    """Opens an output; its kind follows the extension, none or a final slash means a folder of png.

    Args:
        path: png, webp, jpg; mp4, mov, webm, webp, gif; a folder; or ``-``, raw RGBA to standard output.
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
    target = Path(path).expanduser()
    if target == STANDARD_OUTPUT:
        return RawSink(source)
    extension = target.suffix.lower()
    is_folder = not extension or str(path).endswith(("/", "\\")) or target.is_dir()
    if not is_folder:
        _check_extension(target, extension, source, alpha)
    if is_folder and source.names:  # named pictures are added to what the folder holds
        check_target(target, source.files, overwrite=True)
        for name in source.names if target.is_dir() else ():
            check_target(target / f"{name}.png", source.files, overwrite)
    else:
        check_target(target, source.files, overwrite)
    if is_folder:
        return FolderSink(target, alpha)
    if target.is_dir():
        raise DanceNowError(f"{target} is a folder. Choose another name with -o.")
    if extension in PHOTO_EXTENSIONS and source.kind == "photo":
        return PhotoSink(target, alpha)
    return VideoSink(target, source, alpha, sound)


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


def _check_extension(target: Path, extension: str, source: Source, alpha: bool) -> None:
    known = tuple(dict.fromkeys(PHOTO_EXTENSIONS + VIDEO_EXTENSIONS))
    if extension not in known:
        raise DanceNowError(f"cannot write {extension} files. Use one of {', '.join(known)}, or a folder.")
    if extension not in VIDEO_EXTENSIONS and source.kind != "photo":
        wanted = ", ".join(VIDEO_EXTENSIONS)
        if source.kind == "photos":
            raise DanceNowError(f"{target.name} holds one picture, the source has several. Use a folder.")
        raise DanceNowError(
            f"{target.name} holds one picture, the source is a {source.kind}. Use {wanted}, or a folder."
        )
    if source.kind == "photos":
        raise DanceNowError(
            f"{target.name} is a video, the source are single photos: use a folder as output, or --sequence "
            "if they are the frames of a clip."
        )
    if alpha and extension not in ALPHA_EXTENSIONS:
        keeping = ", ".join(ALPHA_EXTENSIONS)
        raise DanceNowError(f"{extension} files keep no transparency. Use one of {keeping}, or a folder.")

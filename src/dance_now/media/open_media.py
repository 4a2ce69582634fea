"""Factories of sources and sinks: detect the kind of an input, choose the format of an output."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

from dance_now.core.argument_checks import check_flag, check_number, check_path, check_real
from dance_now.core.atomic_write import check_replaceable, check_target
from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import image_kind
from dance_now.media.image.photo_sink import FolderSink, PhotoSink, check_image_size, is_numbered
from dance_now.media.image.photo_source import (
    ImageSequenceSource,
    PhotoFolderSource,
    PhotoSource,
    is_sequence,
    list_images,
)
from dance_now.media.raw_sink import STANDARD_OUTPUT, RawSink
from dance_now.media.sink import Sink
from dance_now.media.source import Source
from dance_now.media.video.animation_source import AnimationSource
from dance_now.media.video.video_format import ALPHA_VIDEO_EXTENSIONS, VIDEO_EXTENSIONS
from dance_now.media.video.video_sink import VideoSink
from dance_now.media.video.video_source import VideoSource

PHOTO_EXTENSIONS = (".png", ".webp", ".jpg", ".jpeg")
ALPHA_EXTENSIONS = (".png", *ALPHA_VIDEO_EXTENSIONS)


def open_source(
    path: str | Path | Sequence[Path],
    start: float | None = None,
    end: float | None = None,
    frame_rate: Fraction | float | None = None,
    sequence: bool | None = None,
) -> Source:
    """Opens a photo (jpg, png, webp, heic, tiff, ...), a video (what FFmpeg opens), a folder or a glob.

    Files are recognised by content, not by extension. Animated gif, png, webp and avif count as video. Images
    of a folder or glob are the frames of a clip if they look like that (``is_sequence``), else single photos.

    Args:
        path: file, folder, or a pattern such as ``"shots/*.png"``; or a list of images.
        start: seconds into the video where the cut begins; ``Frame.time`` 0 is here.
        end: seconds into the video where the cut ends.
        frame_rate: frames per second of a folder; a video has its own.
        sequence: whether the images of a folder or glob are the frames of a clip; by default detected, and
            true if a cut or a frame rate is given.

    Raises:
        DanceNowError: missing, empty, damaged, without images, too large, or an invalid cut.
        TypeError: an argument of a wrong type.

    Example:
        >>> with open_source("clip.mp4") as source:  # doctest: +SKIP
        ...     for frame in source.frames():
        ...         print(frame.time, frame.image.shape)
    """
    for each in path if isinstance(path, list | tuple) and path else [path]:
        check_path("path", each)
    _check_cut(start, end)
    if sequence is not None:
        check_flag("sequence", sequence)
    rate = _exact(frame_rate)
    if isinstance(path, list | tuple):
        images = list_images([Path(each) for each in path], "the list")
        return _open_images(images, rate, start, end, sequence)
    target = Path(cast("str | Path", path)).expanduser()
    if not target.exists():
        if glob.has_magic(str(path)):
            found = list_images([Path(name) for name in glob.glob(str(target))], str(path))
            return _open_images(found, rate, start, end, sequence)
        raise DanceNowError(f"{path} does not exist. Choose a photo, a video, a folder of images or a glob.")
    if target.is_dir():
        return _open_images(list_images(target.iterdir(), str(path)), rate, start, end, sequence)
    if not target.is_file():
        raise DanceNowError(f"{path} is neither a file nor a folder.")
    if _size(target) == 0:
        raise DanceNowError(f"{path} is empty.")
    kind = image_kind(target)
    if kind == "animation":
        return AnimationSource(target, start, end)
    if kind == "still":
        if start is not None or end is not None:
            raise DanceNowError(f"start and end apply to videos and image sequences; {path} is a photo.")
        return PhotoSource(target)
    return VideoSource(target, start, end)


def _open_images(
    images: list[Path],
    frame_rate: Fraction | None,
    start: float | None,
    end: float | None,
    sequence: bool | None,
) -> Source:
    timed = not (frame_rate is start is end is None)
    if sequence if sequence is not None else timed or is_sequence(images):
        return ImageSequenceSource(images, frame_rate, start, end)
    if timed:
        raise DanceNowError("start, end and frame_rate apply to image sequences, not to single photos.")
    return PhotoFolderSource(images)


def open_sink(
    path: str | Path,
    source: Source,
    alpha: bool,
    overwrite: bool = False,
    sound: bool = True,
    *,
    bit_depth: int = 8,
    size: tuple[int, int] | None = None,
) -> Sink:
    """Opens an output sink; the extension chooses its kind, none or a final slash means a folder of png.

    Args:
        path: png, webp, jpg; mp4, mov, mkv, avi, webm, webp, gif; a folder; or ``-``, raw RGBA to standard
            output.
        source: of the frames: its rate, time stamps, cut and audio are kept.
        alpha: keep transparency (supported by png, webp, webm, mov, mkv, gif and folders).
        overwrite: replace an existing output.
        sound: copy the source's first audio track.
        bit_depth: bits of a channel in a video: 8, or 10 (mp4, mov, mkv).
        size: (width, height) of the frames to come; the source's by default.

    Raises:
        DanceNowError: an unknown extension, one that does not support what is asked (transparency, bit depth,
            size), or an unwritable target.

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
    is_image = is_folder or (extension in PHOTO_EXTENSIONS and source.kind == "photo")
    if is_image and bit_depth != 8:
        raise DanceNowError(f"bit_depth {bit_depth} is for videos; images have 8.", option="bit_depth")
    if is_folder and source.names:  # named images are added to what the folder holds
        check_target(target, source.files, overwrite=True)
        for name in source.names if target.is_dir() else ():
            check_target(target / f"{name}.png", source.files, overwrite)
    else:
        check_target(target, source.files, overwrite)
    if is_folder and not source.names:
        check_replaceable(target, is_numbered)
    if is_folder:
        return FolderSink(target, alpha)
    if target.is_dir():
        raise DanceNowError(f"{target} is a folder. Choose another output.")
    if is_image:
        check_image_size(extension, *(size or source.size))
        return PhotoSink(target, alpha)
    source.check_one_size()
    return VideoSink(target, source, alpha, sound, bit_depth, size)


def _exact(frame_rate: Fraction | float | None) -> Fraction | None:
    if frame_rate is None:
        return None
    check_number("frame_rate", frame_rate, 0)
    return Fraction(frame_rate if isinstance(frame_rate, Fraction) else float(frame_rate)).limit_denominator(
        1001
    )


def _check_cut(start: float | None, end: float | None) -> None:
    for option, seconds in (("start", start), ("end", end)):
        if seconds is not None:
            check_real(option, seconds)
    if start is not None and not 0 <= start < float("inf"):
        raise DanceNowError(f"start must be 0 or more seconds, got {start:g}.")
    if end is not None and not (start or 0.0) < end < float("inf"):
        raise DanceNowError(f"end must be after start, got start {start or 0.0:g} and end {end:g} seconds.")


def _size(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return file.seek(0, 2)
    except OSError as error:
        raise DanceNowError(f"{path} cannot be read: {error.strerror}.") from error


def _check_extension(target: Path, extension: str, source: Source, alpha: bool) -> None:
    known = tuple(dict.fromkeys(PHOTO_EXTENSIONS + VIDEO_EXTENSIONS))
    if extension not in known:
        raise DanceNowError(f"{extension} files cannot be written. Use {', '.join(known)}, or a folder.")
    if extension not in VIDEO_EXTENSIONS and source.kind != "photo":
        wanted = ", ".join(VIDEO_EXTENSIONS)
        if source.kind == "photos":
            raise DanceNowError(
                f"{target.name} holds one image, the source has several. Choose a folder as output."
            )
        raise DanceNowError(
            f"{target.name} holds one image, the source is a {source.kind}. Use {wanted}, or a folder."
        )
    if source.kind == "photos":
        raise DanceNowError(
            f"{target.name} is a video, the source is a folder of photos. Choose a folder as output, or set "
            "sequence if they are the frames of a clip."
        )
    if alpha and extension not in ALPHA_EXTENSIONS:
        keeping = ", ".join(ALPHA_EXTENSIONS)
        raise DanceNowError(f"{extension} does not support transparency. Use {keeping}, or a folder.")

"""What is danced on: pictures, keypoints, or both together."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

from dance_now.core.errors import DanceNowError
from dance_now.media.blank_source import BlankSource
from dance_now.media.open_media import open_source
from dance_now.media.source import Source, frame_at
from dance_now.pose.formats.openpose_files import OpenPoseFiles, Units, is_keypoints

_RATE_LIMITS: Final = (0.1, 240.0)  # pictures a second


def open_pictures(
    source: str | Path,
    poses: str | Path | None = None,
    size: tuple[int, int] | None = None,
    frame_rate: float | None = None,
    start: float | None = None,
    end: float | None = None,
    keypoint_scale: str | None = None,
    sequence: bool | None = None,
) -> tuple[Source, OpenPoseFiles | None]:
    """Opens pictures, white ones where there are only keypoints, and the keypoints where there are any.

    Args:
        source: photo, video, folder or glob; or OpenPose JSON, a file or a folder with one a frame.
        poses: OpenPose JSON that goes with a photo, video or folder of pictures.
        size: (width, height) in pixels for keypoints without a picture.
        frame_rate: pictures a second of a folder of pictures or keypoints.
        start: seconds into a video or folder.
        end: seconds into a video or folder.
        keypoint_scale: what coordinates of keypoints count, a value of ``Units``.
        sequence: whether the pictures of a folder or glob are the frames of a clip; None: as they look.

    Returns:
        The source, and the keypoint files: frame i of the source belongs to file i.

    Raises:
        DanceNowError: unusable files, or options that do not belong together.
    """
    rate = None if frame_rate is None else _checked_rate(frame_rate)
    units = _units(keypoint_scale)
    if is_keypoints(source):
        if poses is not None:
            raise DanceNowError(f"{source} holds keypoints itself: --poses goes with a photo or a video.")
        return _open_keypoints(source, size, rate, start, end, units)
    if size is not None:
        raise DanceNowError(f"--size is for keypoints without a picture; {source} has its own size.")
    opened = open_source(source, start, end, rate, sequence)
    if rate is not None and opened.kind != "folder":
        raise DanceNowError(f"--fps is for folders; {source} has its own time.")
    if poses is None:
        if units is not None:
            raise DanceNowError(f"--keypoint-scale is for keypoints; {source} holds none.")
        return opened, None
    keypoints = OpenPoseFiles(poses, opened.size, frame_at(start or 0.0, opened.frame_rate), units)
    if keypoints.path.is_file() and opened.kind != "photo":
        raise DanceNowError(
            f"{poses} holds one picture's keypoints; {source} needs a folder with one a frame."
        )
    return opened, keypoints


def _open_keypoints(
    path: str | Path,
    size: tuple[int, int] | None,
    rate: Fraction | None,
    start: float | None,
    end: float | None,
    units: Units | None,
) -> tuple[Source, OpenPoseFiles]:
    files = OpenPoseFiles(path, size, units=units)
    frames = None if files.path.is_file() else len(files)
    blank = BlankSource(files.path, files.name, files.size, frames, rate, start, end)
    return blank, OpenPoseFiles(path, files.size, frame_at(start or 0.0, blank.frame_rate), files.units)


def _units(name: str | None) -> Units | None:
    names = [units.value for units in Units]
    if name is not None and name not in names:
        raise DanceNowError(f"--keypoint-scale is {', '.join(names[:-1])} or {names[-1]}, not {name!r}.")
    return None if name is None else Units(name)


def _checked_rate(frame_rate: float) -> Fraction:
    low, high = _RATE_LIMITS
    if not low <= frame_rate <= high:
        raise DanceNowError(f"--fps must lie between {low:g} and {high:g}, not {frame_rate:g}.")
    return Fraction(frame_rate).limit_denominator(1001)

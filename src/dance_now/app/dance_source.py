"""Input of ``dance``: opens pictures, keypoints, or both together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from dance_now.app.dance_options import DanceOptions
from dance_now.core.argument_checks import check_path
from dance_now.core.errors import DanceNowError
from dance_now.media.blank_source import BlankSource
from dance_now.media.open_media import open_source
from dance_now.media.source import Source, frame_at
from dance_now.pose.formats.keypoint_units import Units
from dance_now.pose.formats.openpose_files import OpenPoseFiles, is_keypoints
from dance_now.scene.compositing.composition import Scene


@dataclass(frozen=True, eq=False)
class DanceSource:
    """An opened input; use it as a context manager.

    Attributes:
        given: the input as it was given, for messages.
        pictures: the frames; white ones for keypoints without pictures.
        keypoints: keypoint files, where there are any: frame i of the pictures belongs to file i.
        scene: what the characters appear in.
    """

    given: str
    pictures: Source
    keypoints: OpenPoseFiles | None
    scene: Scene

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pictures.close()


def open_dance_source(source: str | Path | Sequence[Path], options: DanceOptions) -> DanceSource:
    """Opens the input of ``dance``.

    Args:
        source: photo, video, folder or glob; or keypoints of OpenPose, ComfyUI, MMPose, COCO or
            AlphaPose, a file or a folder with one per frame; or a list of images.
        options: of which poses, size, frame_rate, start, end, keypoint_scale, sequence and scene apply.

    Raises:
        DanceNowError: unusable files, or options that do not apply to them.
        TypeError: ``source`` is no path.
    """
    if isinstance(source, list | tuple) and source:
        for each in source:
            check_path("source", each)
        source = [Path(each) for each in source]
        given = str(source[0].parent)
    else:
        check_path("source", source)
        alone = cast("str | Path", source)
        given = str(alone)
        if is_keypoints(alone):
            return _open_keypoints(alone, options)
    if options.size is not None:
        raise DanceNowError(
            f"size is for keypoints without pictures; {given} has its own size.", option="size"
        )
    rate = _frame_rate(options)
    pictures = open_source(source, options.start, options.end, rate, options.sequence)
    if rate is not None and pictures.kind != "folder":
        raise DanceNowError(
            f"frame_rate is for folders of pictures or keypoints; {given} has its own timing.",
            option="frame_rate",
        )
    keypoints = None if options.poses is None else _matching_keypoints(options.poses, pictures, options)
    if keypoints is None and options.keypoint_scale is not None:
        raise DanceNowError(f"keypoint_scale is for keypoints; {given} holds none.", option="keypoint_scale")
    return DanceSource(given, pictures, keypoints, Scene(options.scene or Scene.REPLACE))


def _open_keypoints(path: str | Path, options: DanceOptions) -> DanceSource:
    """Keypoints without pictures, in front of white."""
    if options.poses is not None:
        raise DanceNowError(
            f"poses goes with a photo or a video; {path} holds keypoints itself.", option="poses"
        )
    if options.scene in (Scene.REPLACE, Scene.SIDE_BY_SIDE):
        raise DanceNowError(
            f"scene must be alone, green or alpha for keypoints without pictures, not {str(options.scene)!r}"
            "; or give the photo or video as source and the keypoints as poses.",
            option="scene",
        )
    files = OpenPoseFiles(path, options.size, units=_units(options))
    frames = len(files) if files.is_clip else None
    blank = BlankSource(
        files.path, files.name, files.size, frames, _frame_rate(options), options.start, options.end
    )
    keypoints = files.skipping(frame_at(options.start or 0.0, blank.frame_rate))
    return DanceSource(str(path), blank, keypoints, Scene(options.scene or Scene.ALONE))


def _matching_keypoints(poses: str | Path, pictures: Source, options: DanceOptions) -> OpenPoseFiles:
    """The keypoint files of pictures."""
    first = frame_at(options.start or 0.0, pictures.frame_rate)
    keypoints = OpenPoseFiles(poses, pictures.size, first, _units(options))
    if not keypoints.is_clip and pictures.kind != "photo":
        raise DanceNowError(
            f"poses must be a folder with one file per frame for {pictures.path}; {poses} holds one frame.",
            option="poses",
        )
    return keypoints


def _units(options: DanceOptions) -> Units | None:
    return None if options.keypoint_scale is None else Units(options.keypoint_scale)


def _frame_rate(options: DanceOptions) -> Fraction | None:
    return None if options.frame_rate is None else Fraction(float(options.frame_rate)).limit_denominator(1001)

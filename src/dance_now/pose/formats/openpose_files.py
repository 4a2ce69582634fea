"""Keypoint files of OpenPose and other programs: one file, or a folder with one per frame.

Source: OpenPose output documentation: ``--write_json`` writes NAME_000000000012_keypoints.json, the older
``--write_keypoint`` NAME_000000000012_pose.yml; ``--keypoint_scale`` 3 and 4 write coordinates in 0..1 and
-1..1. ``keypoint_json`` lists the other programs; their files may hold a whole clip.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MAX_FRAMES
from dance_now.pose.formats.body_25b import body_25b_share, is_body_25b, reordered
from dance_now.pose.formats.keypoint_units import KeypointStatistics, Units, canvas_scale
from dance_now.pose.formats.openpose_parser import (
    YAML,
    KeypointFrame,
    OpenPosePerson,
    part_files,
    read_frames,
)
from dance_now.pose.model.pose import Pose

_MARK: Final = "_keypoints"
_YAML_MARK: Final = "_pose"
_NUMBER: Final = re.compile(r"(\d+)(?=\D*$)")
_IMAGE_EXTENSION: Final = re.compile(r"\.(?:jpe?g|png|webp|bmp|tiff?)$", re.IGNORECASE)
_NEARLY_ALL: Final = 0.8
_SAMPLES: Final = 64  # frames that decide on the units and the image's size


class OpenPoseFiles:
    """Reads the people of a file, or of a folder of numbered files, lazily.

    Frames count from the lowest number on; a missing number is a frame without people. Where names differ in
    more than a number, the frames are in natural order.

    Attributes:
        path: the file or folder.
        size: (width, height) of the image in pixels.
        units: of the coordinates in the files; poses are in pixels whatever they are.
        has_canvas: whether the files say for which size of the image they were made.

    Example:
        >>> files = OpenPoseFiles("clip_pose")  # doctest: +SKIP
        >>> len(files), len(files.people(0))  # doctest: +SKIP
        (51, 1)
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int] | None = None,
        first: int = 0,
        units: Units | None = None,
    ) -> None:
        """Lists the frames, and samples some of them for units and size.

        Args:
            path: a file or a folder.
            size: (width, height) of the image that the keypoints are used with; if not given, the one that
                the files were made for, or else a common video size that holds them, 1280x720 first.
            first: how many frames to skip at the beginning.
            units: of the coordinates; detected if not given.

        Raises:
            DanceNowError: missing, empty or malformed files, or files for an image of another shape.
        """
        self.path = Path(path).expanduser()
        self._first = first
        self._frames, self._files = _listed(self.path)
        if max(self._frames) >= MAX_FRAMES:
            raise DanceNowError(
                f"the numbers of the files in {self.path} span more than {MAX_FRAMES} frames."
            )
        self._scale = 1.0
        self._inspect(size, units)

    def __len__(self) -> int:
        """Number of frames, including those without a file."""
        return max(0, max(self._frames) + 1 - self._first)

    @property
    def is_clip(self) -> bool:
        """Whether it is a folder, or a file of several frames."""
        return len(self._frames) > 1 or not self.path.is_file()

    @property
    def name(self) -> str:
        """Base name of outputs."""
        return (
            self.path.stem.removesuffix(_MARK).removesuffix(_YAML_MARK)
            if self.path.is_file()
            else self.path.resolve().name
        )

    @property
    def files(self) -> frozenset[Path]:
        """Resolved input paths."""
        parts = (part for file in self._files for part in part_files(file).values())
        return frozenset({self.path.resolve(), *(part.resolve() for part in parts)})

    def skipping(self, first: int) -> Self:
        """The same files without some frames at the beginning."""
        other = copy.copy(self)
        other._first = self._first + first
        return other

    def rescaled(self, scale: float) -> Self:
        """The same files with all poses scaled about the image's corner."""
        other = copy.copy(self)
        other._scale = self._scale * scale
        return other

    def people(self, frame: int) -> list[OpenPosePerson]:
        """Reads the people in a frame, in pixels; none beyond the last one.

        Raises:
            DanceNowError: the frame's file is malformed, or made for an image of another shape.
        """
        place = frame + self._first
        if place not in self._frames:
            return []
        read = self._read(place)
        return [
            replace(
                each,
                pose=self._in_pixels(self._in_order(each.pose), read),
                person_id=each.person_id if self._has_person_ids else None,
            )
            for each in read.people
        ]

    def _read(self, place: int) -> KeypointFrame:
        frame = self._frames[place]
        return _only_frame(frame) if isinstance(frame, Path) else frame

    def _inspect(self, size: tuple[int, int] | None, units: Units | None) -> None:
        places = sorted(self._frames)
        sampled = [self._read(place) for place in places[:: max(1, len(places) // _SAMPLES)]]
        self._body_25b_share = body_25b_share(each.pose for frame in sampled for each in frame.people)
        seen = KeypointStatistics.of([frame.people for frame in sampled])
        self._has_person_ids = seen.has_person_ids
        self.units = units or seen.units
        canvas = next((frame.canvas for frame in sampled if frame.canvas is not None), None)
        self.has_canvas = canvas is not None
        if size is None and canvas is not None:
            size = round(canvas[0]), round(canvas[1])
        self.size = size or seen.guessed_size(self.path, self.units)
        if canvas is not None:
            canvas_scale(self.path, canvas, self.size)

    def _in_order(self, pose: Pose) -> Pose:
        """Sorts BODY_25B into BODY_25, told by the pose itself, or else by most of the others."""
        if self._body_25b_share > _NEARLY_ALL:
            return reordered(pose)
        own = is_body_25b(pose)
        return reordered(pose) if (self._body_25b_share > 0.5 if own is None else own) else pose

    def _in_pixels(self, pose: Pose, frame: KeypointFrame) -> Pose:
        """Scales a pose to the image; a depth list is in pixels, so a file in shares has none."""
        points = pose.points.copy()
        if self.units is Units.NORMALIZED:
            points[:, :2] *= np.asarray(self.size, np.float32)
            return Pose(points)
        if self.units is Units.SIGNED_NORMALIZED:
            points[:, :2] = (points[:, :2] + 1) / 2 * np.asarray(self.size, np.float32)
            return Pose(points)
        scale = self._scale, self._scale
        if frame.canvas is not None:
            scale = canvas_scale(self.path, frame.canvas, self.size)
        if scale == (1.0, 1.0):
            return pose
        points[:, :2] *= np.asarray(scale, np.float32)
        return Pose(points, pose.depth * np.float32(scale[1]), pose.has_depth)


def is_keypoints(path: str | Path) -> bool:
    """Tests whether a path holds OpenPose keypoints.

    It is if it is a .json or .yml file, a folder with files named NAME_keypoints.json or NAME_pose.yml
    (whatever else it holds), or a folder with nothing but .json files.
    """
    target = Path(path).expanduser()
    if target.is_dir():
        files = [file for file in target.iterdir() if not file.name.startswith(".")]
        plain = bool(files) and all(file.suffix.lower() == ".json" for file in files)
        return plain or any(map(_is_marked, files))
    return target.suffix.lower() in (".json", *YAML)


def _is_marked(file: Path) -> bool:
    """Tests whether a file is named as a keypoint file."""
    stem, suffix = file.stem.lower(), file.suffix.lower()
    return (suffix == ".json" and stem.endswith(_MARK)) or (suffix in YAML and stem.endswith(_YAML_MARK))


def _listed(path: Path) -> tuple[dict[int, Path | KeypointFrame], list[Path]]:
    """Frames by their index, from 0 on, as files to be read or as what a single file holds; and the files."""
    if path.is_file():
        return _in_file(path), [path]
    if not path.is_dir():
        raise DanceNowError(f"{path} does not exist. Choose an OpenPose JSON file or a folder of them.")
    files = sorted(_frame_files(path), key=lambda file: (_natural_key(file.name), file.name))
    if not files:
        raise DanceNowError(f"{path} holds no OpenPose JSON files (NAME_000000000012_keypoints.json).")
    if len(files) == 1 and files[0].suffix.lower() == ".json":  # perhaps a whole clip, as AlphaPose writes it
        return _in_file(files[0]), files
    return {place: files[index] for place, index in _places([file.stem for file in files])}, files


def _in_file(file: Path) -> dict[int, Path | KeypointFrame]:
    frames = read_frames(file)
    names = [_IMAGE_EXTENSION.sub("", each.name) for each in frames]
    return {place: frames[index] for place, index in _places(names)}


def _only_frame(file: Path) -> KeypointFrame:
    frames = read_frames(file)
    if len(frames) > 1:
        raise DanceNowError(f"{file} holds {len(frames)} frames. Give it by itself, not in a folder.")
    return frames[0]


def _places(names: Sequence[str]) -> list[tuple[int, int]]:
    """Frame indices from 0 on, each with the index of a name: by the numbers in them, or in natural order."""
    found = [_NUMBER.search(name) for name in names]
    numbers = [int(match[0]) for match in found if match]
    stems = {(match.string[: match.start()], match.string[match.end() :]) for match in found if match}
    if len(numbers) == len(names) and len(stems) == 1 and len(set(numbers)) == len(numbers):
        return [(number - min(numbers), index) for index, number in enumerate(numbers)]
    if all(names):
        order = sorted(range(len(names)), key=lambda index: (_natural_key(names[index]), names[index]))
        return list(enumerate(order))
    return [(index, index) for index in range(len(names))]


def _frame_files(folder: Path) -> list[Path]:
    """Lists the keypoint files of a folder, one per frame; if none is named so, its other JSON files."""
    files = [file for file in folder.iterdir() if not file.name.startswith(".")]
    marked = [file for file in files if _is_marked(file)]
    written = [file for file in marked if file.suffix.lower() == ".json"] or marked
    return written or [file for file in files if file.suffix.lower() == ".json"]


def _natural_key(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]

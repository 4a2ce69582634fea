"""OpenPose keypoint files: one file, or a folder with one per frame.

Source: OpenPose output documentation: ``--write_json`` writes NAME_000000000012_keypoints.json, the older
``--write_keypoint`` NAME_000000000012_pose.yml; ``--keypoint_scale`` 3 and 4 write coordinates in 0..1 and
-1..1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.pose.formats.openpose_parser import YAML, OpenPosePerson, part_files, read_people
from dance_now.pose.model.pose import Pose

MAX_FRAMES: Final = 1_000_000
_MARK: Final = "_keypoints"
_YAML_MARK: Final = "_pose"
_NUMBER: Final = re.compile(r"(\d+)(?=\D*$)")
_SAMPLES: Final = 64  # files that decide on the units and the image's size
_MAX_NORMALIZED: Final = 2.0  # coordinates of an image in pixels go farther than this somewhere
_COMMON_SIZES: Final = (
    *((1280, 720), (720, 1280), (1920, 1080), (1080, 1920)),
    *((2560, 1440), (1440, 2560), (3840, 2160), (2160, 3840)),
)


class Units(Enum):
    """Unit of the coordinates in a set of files."""

    PIXELS = "pixels"
    NORMALIZED = "unit"  # shares of the image, 0 to 1
    SIGNED_NORMALIZED = "signed"  # shares of the image, -1 to 1


@dataclass(frozen=True)
class _FileStatistics:
    """Statistics of a sample of the files.

    Attributes:
        low: the lowest coordinate of all.
        right, bottom: the greatest x and y.
        has_person_ids: whether the files hold usable person_ids.
        is_signed: whether missing points are at (-1, -1), as in coordinates of -1..1.
    """

    low: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    has_person_ids: bool = False
    is_signed: bool = False

    @property
    def units(self) -> Units:
        if max(self.right, self.bottom, -self.low) > _MAX_NORMALIZED or self.right == self.bottom == 0:
            return Units.PIXELS
        return Units.SIGNED_NORMALIZED if self.is_signed or self.low < -0.05 else Units.NORMALIZED


class OpenPoseFiles:
    """Reads the people of a file, or of a folder of numbered files, lazily.

    A folder's files are frames from the lowest number on; a missing number is a frame without
    people. Where the names differ in more than a number, the files are in natural order.

    Attributes:
        path: the file or folder.
        size: (width, height) of the image in pixels.
        units: of the coordinates in the files; poses are in pixels whatever they are.

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
        """Lists the files, and samples some of them for units and size.

        Args:
            path: a file or a folder.
            size: (width, height) of the image that the keypoints belong to; if not given, a common video
                size that holds them, 1280x720 first.
            first: how many frames to skip at the beginning.
            units: of the coordinates; detected if not given.

        Raises:
            DanceNowError: missing, empty or malformed files.
        """
        self.path = Path(path).expanduser()
        self._files = _files_by_frame(self.path)
        self._first = first
        if max(self._files) >= MAX_FRAMES:
            raise DanceNowError(
                f"the numbers of the files in {self.path} span more than {MAX_FRAMES} frames."
            )
        seen = self._inspect()
        self.units = units or seen.units
        self._has_person_ids = seen.has_person_ids
        self.size = size or _guess_size(seen, self.units)

    def __len__(self) -> int:
        """Number of frames, including those without a file."""
        return max(0, max(self._files) + 1 - self._first)

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
        parts = (part for file in self._files.values() for part in part_files(file).values())
        return frozenset({self.path.resolve(), *(part.resolve() for part in parts)})

    def people(self, frame: int) -> list[OpenPosePerson]:
        """Reads the people in a frame, in pixels; none beyond the last one.

        Raises:
            DanceNowError: the frame's file is malformed.
        """
        file = self._files.get(frame + self._first)
        if file is None:
            return []
        return [
            OpenPosePerson(
                _in_pixels(each.pose, self.units, self.size), each.person_id if self._has_person_ids else None
            )
            for each in read_people(file)
        ]

    def _inspect(self) -> _FileStatistics:
        places = sorted(self._files)
        chosen = places[:: max(1, len(places) // _SAMPLES)]
        frames = [read_people(self._files[place]) for place in chosen]
        numbers = _are_person_ids([[each.person_id for each in people] for people in frames])
        signed = any(each.is_signed for people in frames for each in people)
        points = [each.pose.points[each.pose.visible, :2] for people in frames for each in people]
        if not sum(map(len, points)):
            return _FileStatistics()
        every = np.concatenate(points)
        right, bottom = every.max(axis=0).tolist()
        return _FileStatistics(float(every.min()), max(right, 0.0), max(bottom, 0.0), numbers, signed)


def _are_person_ids(frames: list[list[int | None]]) -> bool:
    """Tests whether the person_ids of the frames are identities.

    They are if everybody has a unique one, and if they are not just the positions in the list.
    """
    counted = all(numbers == list(range(len(numbers))) for numbers in frames)
    return not counted and all(
        None not in numbers and len(set(numbers)) == len(numbers) for numbers in frames
    )


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


def _in_pixels(pose: Pose, units: Units, size: tuple[int, int]) -> Pose:
    if units is Units.PIXELS:
        return pose
    points = pose.points.copy()
    shares = points[:, :2] if units is Units.NORMALIZED else (points[:, :2] + 1) / 2
    points[:, :2] = shares * np.asarray(size, np.float32)
    return Pose(points)  # a depth list is in pixels, so a file in shares has none


def _guess_size(seen: _FileStatistics, units: Units) -> tuple[int, int]:
    if units is not Units.PIXELS:
        return _COMMON_SIZES[0]
    for width, height in _COMMON_SIZES:
        if seen.right <= width and seen.bottom <= height:
            return width, height
    return tuple(2 * int(np.ceil(side * 0.525)) for side in (seen.right, seen.bottom))  # type: ignore[return-value]


def _files_by_frame(path: Path) -> dict[int, Path]:
    """Maps frame indices, from 0 on, to files."""
    if path.is_file():
        return {0: path}
    if not path.is_dir():
        raise DanceNowError(f"{path} does not exist. Choose an OpenPose JSON file or a folder of them.")
    files = sorted(_frame_files(path), key=lambda file: (_natural_key(file.name), file.name))
    if not files:
        raise DanceNowError(f"{path} holds no OpenPose JSON files (NAME_000000000012_keypoints.json).")
    numbers: dict[int, Path] = {}
    names = set()
    for file in files:
        match = _NUMBER.search(file.stem)
        if match is None:
            break
        numbers[int(match[0])] = file
        names.add((file.stem[: match.start()], file.stem[match.end() :]))
    if len(numbers) < len(files) or len(names) > 1:
        return dict(enumerate(files))
    first = min(numbers)
    return {number - first: file for number, file in numbers.items()}


def _frame_files(folder: Path) -> list[Path]:
    """Lists the keypoint files of a folder, one per frame; if none is named so, its other JSON files."""
    files = [file for file in folder.iterdir() if not file.name.startswith(".")]
    marked = [file for file in files if _is_marked(file)]
    written = [file for file in marked if file.suffix.lower() == ".json"] or marked
    return written or [file for file in files if file.suffix.lower() == ".json"]


def _natural_key(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]

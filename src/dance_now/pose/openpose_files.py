"""Keypoints from OpenPose JSON: one file, or a folder with one a frame.

Source: OpenPose output documentation: ``--write_json`` writes NAME_000000000012_keypoints.json with the
version and a list of people; ``--keypoint_scale`` 3 and 4 write coordinates in 0..1 and -1..1.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.errors import DanceNowError
from dance_now.pose.pose import Pose

LARGEST_FILE: Final = 16_000_000  # bytes
MOST_PEOPLE: Final = 200
MOST_FRAMES: Final = 1_000_000
_FARTHEST: Final = 1e6  # pixels: what lies farther off is no coordinate
_MARK: Final = "_keypoints"
_NUMBER: Final = re.compile(r"(\d+)(?=\D*$)")
_SAMPLES: Final = 64  # files that decide on the units and the picture's size
_LARGEST_SHARE: Final = 2.0  # coordinates of a picture in pixels go farther than this somewhere
_SAME_PERSON: Final = 0.2  # overlap of boxes
_COMMON_SIZES: Final = (
    *((1280, 720), (720, 1280), (1920, 1080), (1080, 1920)),
    *((2560, 1440), (1440, 2560), (3840, 2160), (2160, 3840)),
)


class Units(Enum):
    """What the coordinates in a set of files count."""

    PIXELS = "pixels"
    SHARES = "shares of the picture, 0 to 1"
    SIGNED_SHARES = "shares of the picture, -1 to 1"


@dataclass(frozen=True)
class _Range:
    """Coordinates seen: the lowest of all, and the greatest x and y."""

    low: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    @property
    def units(self) -> Units:
        if max(self.right, self.bottom, -self.low) > _LARGEST_SHARE or self.right == self.bottom == 0:
            return Units.PIXELS
        return Units.SIGNED_SHARES if self.low < -0.05 else Units.SHARES


class OpenPoseFiles:
    """The people in a file, or in a folder of files in the order of their numbers; read when asked for.

    A folder's files are frames from the lowest number on; a number that is missing is a frame without
    people. Where the names differ in more than a number, the files follow each other in natural order.

    Attributes:
        path: the file or folder.
        size: (width, height) of the picture in pixels.
        units: of the coordinates in the files; poses are in pixels whatever they are.

    Example:
        >>> files = OpenPoseFiles("clip_pose")  # doctest: +SKIP
        >>> len(files), len(files.people(0))  # doctest: +SKIP
        (51, 1)
    """

    def __init__(self, path: str | Path, size: tuple[int, int] | None = None, first: int = 0) -> None:
        """Lists the files, and looks into some of them for units and size.

        Args:
            path: a file or a folder.
            size: (width, height) of the picture that the keypoints belong to; if not given, a common video
                size that holds them, 1280x720 first.
            first: how many frames are left out at the beginning.

        Raises:
            DanceNowError: missing, empty or malformed files.
        """
        self.path = Path(path).expanduser()
        self._files = _numbered(self.path)
        self._first = first
        if max(self._files) >= MOST_FRAMES:
            raise DanceNowError(
                f"the numbers of the files in {self.path} span more than {MOST_FRAMES} frames."
            )
        seen = self._look()
        self.units = seen.units
        self.size = size or _likely_size(seen)

    def __len__(self) -> int:
        """Frames, those without a file included."""
        return max(0, max(self._files) + 1 - self._first)

    @property
    def name(self) -> str:
        """What outputs are named after."""
        return self.path.stem.removesuffix(_MARK) if self.path.is_file() else self.path.resolve().name

    @property
    def files(self) -> frozenset[Path]:
        """The resolved paths that are read."""
        return frozenset({self.path.resolve(), *(file.resolve() for file in self._files.values())})

    def people(self, frame: int) -> list[Pose]:
        """Everybody in a frame, in pixels; nobody beyond the last one.

        Raises:
            DanceNowError: the frame's file is malformed.
        """
        file = self._files.get(frame + self._first)
        if file is None:
            return []
        return [_in_pixels(pose, self.units, self.size) for pose in read_people(file)]

    def _look(self) -> _Range:
        places = sorted(self._files)
        chosen = places[:: max(1, len(places) // _SAMPLES)]
        points = [
            pose.points[pose.visible, :2] for place in chosen for pose in read_people(self._files[place])
        ]
        if not sum(map(len, points)):
            return _Range()
        every = np.concatenate(points)
        right, bottom = every.max(axis=0).tolist()
        return _Range(float(every.min()), max(right, 0.0), max(bottom, 0.0))


def is_keypoints(path: str | Path) -> bool:
    """Whether a source is OpenPose JSON.

    It is if it is a .json file, a folder with files named NAME_keypoints.json (whatever else it holds), or a
    folder with nothing but .json files.
    """
    target = Path(path).expanduser()
    if target.is_dir():
        names = [file.name.lower() for file in target.iterdir() if not file.name.startswith(".")]
        clear = any(name.endswith(f"{_MARK}.json") for name in names)
        return clear or (bool(names) and all(name.endswith(".json") for name in names))
    return target.suffix.lower() == ".json"


def read_people(path: Path) -> list[Pose]:
    """The people in one OpenPose JSON file, versions 1.0 to 1.3, in the file's own units.

    Absent parts, points that are not finite (``NaN`` and ``Infinity`` are read) and points farther off than
    a million pixels are missing points; people without any point are left out.

    Raises:
        DanceNowError: unreadable, too large, or malformed; one line that names the file.
    """
    content = _parsed(path)
    if not isinstance(content, dict) or "people" not in content:
        raise DanceNowError(f'{path} is no OpenPose JSON file: it has no "people".')
    people = content["people"]
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise DanceNowError(f'{path} is malformed: "people" should be a list of objects.')
    if len(people) > MOST_PEOPLE:
        raise DanceNowError(f"{path} holds {len(people)} people; at most {MOST_PEOPLE} are read.")
    try:
        poses = [_tidied(Pose.from_openpose(person)) for person in people]
    except DanceNowError as error:
        raise DanceNowError(f"{path} is malformed. {error}") from error
    return [pose for pose in poses if pose.visible.any()]


def prominent(people: list[Pose], followed: Pose | None = None) -> Pose | None:
    """One of the people: the one followed so far, else the one with the largest bounding box.

    Args:
        people: in one picture; the first wins a tie.
        followed: the person chosen in the last picture, recognised by the overlap of the boxes.
    """
    if not people:
        return None
    if followed is not None:
        overlaps = [_overlap(_box(followed), _box(person)) for person in people]
        best = int(np.argmax(overlaps))
        if overlaps[best] >= _SAME_PERSON:
            return people[best]
    return people[int(np.argmax([_area(_box(person)) for person in people]))]


def _parsed(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise DanceNowError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not data.strip():
        raise DanceNowError(f"{path} is empty.")
    if len(data) > LARGEST_FILE:
        raise DanceNowError(
            f"{path} is larger than {LARGEST_FILE // 1_000_000} MB: not the keypoints of a frame."
        )
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DanceNowError(f"{path} is damaged or no JSON file ({error}).") from error


def _tidied(pose: Pose) -> Pose:
    """Missing where coordinates are absurd; confidence at most 1."""
    points = pose.points.copy()
    points[(np.abs(points[:, :2]) > _FARTHEST).any(axis=1)] = 0
    points[:, 2] = np.clip(points[:, 2], 0, 1)
    return Pose(points, np.clip(pose.depth, -_FARTHEST, _FARTHEST), pose.has_depth)


def _in_pixels(pose: Pose, units: Units, size: tuple[int, int]) -> Pose:
    if units is Units.PIXELS:
        return pose
    points = pose.points.copy()
    shares = points[:, :2] if units is Units.SHARES else (points[:, :2] + 1) / 2
    points[:, :2] = shares * np.asarray(size, np.float32)
    return Pose(points)  # a depth list is in pixels, so a file in shares has none


def _likely_size(seen: _Range) -> tuple[int, int]:
    if seen.units is not Units.PIXELS:
        return _COMMON_SIZES[0]
    for width, height in _COMMON_SIZES:
        if seen.right <= width and seen.bottom <= height:
            return width, height
    return tuple(2 * int(np.ceil(side * 0.525)) for side in (seen.right, seen.bottom))  # type: ignore[return-value]


def _numbered(path: Path) -> dict[int, Path]:
    """Files by their frame, from 0 on."""
    if path.is_file():
        return {0: path}
    if not path.is_dir():
        raise DanceNowError(f"{path} does not exist. Give an OpenPose JSON file or a folder of them.")
    files = sorted(_json_files(path), key=lambda file: (_natural(file.name), file.name))
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


def _json_files(folder: Path) -> list[Path]:
    """The keypoint files of a folder; without any, its other JSON files."""
    files = [
        file for file in folder.iterdir() if file.suffix.lower() == ".json" and not file.name.startswith(".")
    ]
    return [file for file in files if file.stem.lower().endswith(_MARK)] or files


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _box(pose: Pose) -> npt.NDArray[np.float64]:
    """(4,): left, top, right, bottom of the points."""
    shown = pose.points[pose.visible, :2].astype(np.float64)
    return np.concatenate([shown.min(axis=0), shown.max(axis=0)])


def _area(box: npt.NDArray[np.float64]) -> float:
    width, height = np.maximum(box[2:] - box[:2], 0)
    return float(width * height)


def _overlap(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Intersection over union."""
    shared = _area(np.concatenate([np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])]))
    return shared / max(_area(one) + _area(other) - shared, 1e-9)

"""Keypoint file parser: people by frame, from JSON of OpenPose and others, or from YAML with a file a part.

Source: OpenPose output documentation: ``--write_json`` and, older, ``--write_keypoint``, which writes
NAME_pose.yml, NAME_face.yml, NAME_hand_left.yml and NAME_hand_right.yml.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MAX_FRAMES, MAX_JSON_BYTES, MAX_KEYPOINT_BYTES, parse_json, read_bounded
from dance_now.pose.formats.keypoint_json import Canvas, JsonFrame, json_frames
from dance_now.pose.formats.opencv_yaml import yaml_matrices
from dance_now.pose.model.pose import Pose

MAX_VALUES: Final = 8_000_000  # numbers and lists in a JSON file: ten minutes of 137 points
MAX_PEOPLE: Final = 200
YAML: Final = (".yml", ".yaml")
_FARTHEST: Final = 1e6  # pixels: what lies farther off is no coordinate
_LARGEST_NUMBER: Final = 2**31
_POSE: Final = "_pose"
_PARTS: Final = {
    "_pose": "pose_keypoints_2d",
    "_face": "face_keypoints_2d",
    "_hand_left": "hand_left_keypoints_2d",
    "_hand_right": "hand_right_keypoints_2d",
}


@dataclass(frozen=True, eq=False)
class OpenPosePerson:
    """Person in an OpenPose file.

    Attributes:
        pose: keypoints.
        person_id: None where the file has none.
        is_signed: whether missing points are at (-1, -1), as OpenPose scales them to -1..1.
    """

    pose: Pose
    person_id: int | None = None
    is_signed: bool = False


@dataclass(frozen=True, eq=False)
class KeypointFrame:
    """People of one frame.

    Attributes:
        people: those with at least one point, in the file's units.
        canvas: (width, height) of the image that the keypoints belong to, where the file says it.
        name: of that image, where the file holds several frames and names them.
    """

    people: list[OpenPosePerson]
    canvas: Canvas | None = None
    name: str = ""


def read_frames(path: Path) -> list[KeypointFrame]:
    """Parses a keypoint file: JSON of a known program (see ``keypoint_json``), or OpenPose's YAML.

    Absent parts, points that are not finite (``NaN`` and ``Infinity`` are read) and points farther off than
    a million pixels are missing points; people without any point are left out.

    Returns:
        at least one frame; several where the file holds a clip.

    Raises:
        DanceNowError: unreadable, too large, or malformed; one line that names the file.
    """
    is_yaml = path.suffix.lower() in YAML
    return [
        KeypointFrame(_people(path, frame), frame.canvas, frame.name)
        for frame in ([JsonFrame(_yaml_people(path))] if is_yaml else _json_frames(path))
    ]


def read_people(path: Path) -> list[OpenPosePerson]:
    """Parses the people of a file's only frame, as ``read_frames`` does.

    Raises:
        DanceNowError: as there, or several frames.
    """
    frames = read_frames(path)
    if len(frames) > 1:
        raise DanceNowError(f"{path} holds {len(frames)} frames. Give it by itself, not in a folder.")
    return frames[0].people


def _people(path: Path, frame: JsonFrame) -> list[OpenPosePerson]:
    if len(frame.people) > MAX_PEOPLE:
        raise DanceNowError(f"{path} holds {len(frame.people)} people; at most {MAX_PEOPLE} are read.")
    try:
        listed = [
            OpenPosePerson(_cleaned(Pose.from_openpose(person)), _person_id(person), _is_signed(person))
            for person in frame.people
        ]
    except DanceNowError as error:
        raise DanceNowError(f"{path} is malformed. {error}") from error
    return [each for each in listed if each.pose.visible.any()]


def part_files(path: Path) -> dict[str, Path]:
    """Maps parts to the existing files of a frame: a JSON file holds all, YAML files one each."""
    if path.suffix.lower() not in YAML or not path.stem.endswith(_POSE):
        return {_POSE: path}
    start = path.stem.removesuffix(_POSE)
    files = {part: path.with_name(f"{start}{part}{path.suffix}") for part in _PARTS}
    return {part: file for part, file in files.items() if part == _POSE or file.is_file()}


def _json_frames(path: Path) -> list[JsonFrame]:
    data = _content(path, MAX_JSON_BYTES)
    try:
        content = parse_json(data, MAX_VALUES)
    except ValueError as error:
        raise DanceNowError(f"{path} is damaged or not a JSON file ({error}).") from error
    try:
        frames = json_frames(content)
    except ValueError as error:
        raise DanceNowError(f"{path} is not a keypoint file that can be read: {error}.") from error
    if len(frames) > MAX_FRAMES:
        raise DanceNowError(f"{path} holds more than {MAX_FRAMES} frames.")
    return frames


def _yaml_people(path: Path) -> list[dict[str, Any]]:
    """Parses YAML into the JSON structure: row i of every part's matrix (people, points, 3) is person i."""
    people: list[dict[str, Any]] = []
    for part, file in part_files(path).items():
        try:
            matrices = yaml_matrices(_content(file).decode("utf-8", "replace"))
        except ValueError as error:
            raise DanceNowError(f"{file} is damaged or not an OpenPose YAML file ({error}).") from error
        if not matrices:
            raise DanceNowError(f"{file} is not an OpenPose YAML file: it holds no matrix.")
        rows = next(iter(matrices.values()))  # of several cameras the first
        people += [{} for _ in range(len(rows) - len(people))]
        for person, row in zip(people, rows, strict=False):
            person[_PARTS[part]] = row.ravel().tolist()
    return people


def _content(path: Path, limit: int = MAX_KEYPOINT_BYTES) -> bytes:
    data = read_bounded(path, limit)
    if not data.strip():
        raise DanceNowError(f"{path} is empty.")
    return data


def _person_id(person: dict[str, Any]) -> int | None:
    """Parses person_id, a number or a list of one; OpenPose writes -1 where it does not track people."""
    value = person.get("person_id")
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if type(value) is int and 0 <= value < _LARGEST_NUMBER else None


def _is_signed(person: dict[str, Any]) -> bool:
    values = person.get("pose_keypoints_2d") or []
    return any(list(values[start : start + 3]) == [-1, -1, 0] for start in range(0, len(values), 3))


def _cleaned(pose: Pose) -> Pose:
    """Marks points with absurd coordinates as missing; clips confidence to 1."""
    points = pose.points.copy()
    points[(np.abs(points[:, :2]) > _FARTHEST).any(axis=1)] = 0
    points[:, 2] = np.clip(points[:, 2], 0, 1)
    return Pose(points, np.clip(pose.depth, -_FARTHEST, _FARTHEST), pose.has_depth)

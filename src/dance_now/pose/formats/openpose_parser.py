"""OpenPose parser: the people of one frame from JSON, or from YAML with a file for each part.

Source: OpenPose output documentation: ``--write_json`` and, older, ``--write_keypoint``, which writes
NAME_pose.yml, NAME_face.yml, NAME_hand_left.yml and NAME_hand_right.yml.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.pose.formats.opencv_yaml import yaml_matrices
from dance_now.pose.model.pose import Pose

LARGEST_FILE: Final = 16_000_000  # bytes
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


def read_people(path: Path) -> list[OpenPosePerson]:
    """Parses the people in one OpenPose JSON file, versions 1.0 to 1.3, or YAML file, in the file's units.

    Absent parts, points that are not finite (``NaN`` and ``Infinity`` are read) and points farther off than
    a million pixels are missing points; people without any point are left out.

    Raises:
        DanceNowError: unreadable, too large, or malformed; one line that names the file.
    """
    people = _yaml_people(path) if path.suffix.lower() in YAML else _json_people(path)
    if len(people) > MAX_PEOPLE:
        raise DanceNowError(f"{path} holds {len(people)} people; at most {MAX_PEOPLE} are read.")
    try:
        listed = [
            OpenPosePerson(_cleaned(Pose.from_openpose(person)), _person_id(person), _is_signed(person))
            for person in people
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


def _json_people(path: Path) -> list[dict[str, Any]]:
    data = _content(path)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DanceNowError(f"{path} is damaged or not a JSON file ({error}).") from error
    if not isinstance(content, dict) or "people" not in content:
        raise DanceNowError(f'{path} is not an OpenPose JSON file: it has no "people".')
    people = content["people"]
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise DanceNowError(f'{path} is malformed: "people" should be a list of objects.')
    return people


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


def _content(path: Path) -> bytes:
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

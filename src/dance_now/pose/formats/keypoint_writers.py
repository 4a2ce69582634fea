"""Writers of keypoints in the formats of other programs; each streams to one file.

Sources: ComfyUI's ControlNet preprocessors (``POSE_KEYPOINT``: a list of frames with OpenPose people of 18
body points and the canvas size); COCO-WholeBody (133 points in five lists).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, get_args

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.body_layouts import COCO_18_ROWS, COCO_WHOLEBODY_ROWS
from dance_now.pose.model.detection import Person
from dance_now.pose.model.keypoints import LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose

PoseFormat = Literal["openpose", "coco-wholebody", "comfyui"]
POSE_FORMATS: Final = get_args(PoseFormat)
_PARTS: Final = (
    ("keypoints", 17),
    ("foot_kpts", 6),
    ("face_kpts", 68),
    ("lefthand_kpts", 21),
    ("righthand_kpts", 21),
)


class ComfyUiWriter:
    """Writes a list of frames for ComfyUI and sd-webui; use it as a context manager."""

    suffix = "_comfyui.json"

    def __init__(self, path: Path) -> None:
        """Opens the file."""
        self._file = path.open("w", encoding="utf-8")
        self._frames = 0

    def write(self, people: Sequence[Person], size: tuple[int, int], name: str) -> None:
        """Writes the people of the next frame, in pixels of a picture of ``size`` = (width, height)."""
        listed = [_comfyui_person(person.detection.pose) for person in people]
        frame = {"people": listed, "canvas_height": size[1], "canvas_width": size[0]}
        self._file.write(("[" if self._frames == 0 else ",\n") + json.dumps(frame))
        self._frames += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.write("]\n" if self._frames else "[]\n")
        self._file.close()


class CocoWholeBodyWriter:
    """Writes COCO-WholeBody annotations, with confidence for visibility; use it as a context manager."""

    suffix = "_coco_wholebody.json"

    def __init__(self, path: Path) -> None:
        """Opens the file."""
        self._file = path.open("w", encoding="utf-8")
        self._file.write('{"categories": [{"id": 1, "name": "person"}],\n"annotations": [')
        self._images: list[str] = []
        self._annotations = 0

    def write(self, people: Sequence[Person], size: tuple[int, int], name: str) -> None:
        """Writes the people of the next image, in pixels of a picture of ``size`` = (width, height)."""
        image = len(self._images) + 1
        described = {"id": image, "file_name": name, "width": size[0], "height": size[1]}
        self._images.append(json.dumps(described))
        for person in people:
            if not (person.detection.pose.points[COCO_WHOLEBODY_ROWS, 2] > 0).any():
                continue  # neck and mid-hip alone have no place here
            self._annotations += 1
            entry = {"id": self._annotations, "image_id": image, **_coco_person(person)}
            self._file.write(("\n" if self._annotations == 1 else ",\n") + json.dumps(entry))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.write('],\n"images": [' + ",\n".join(self._images) + "]}\n")
        self._file.close()


def _comfyui_person(pose: Pose) -> dict[str, Any]:
    def part(points: FloatArray) -> list[float] | None:
        return _flat(points) if (points[:, 2] > 0).any() else None

    return {
        "pose_keypoints_2d": _flat(pose.body[list(COCO_18_ROWS)]),
        "face_keypoints_2d": part(pose.face),
        "hand_left_keypoints_2d": part(pose.left_hand),
        "hand_right_keypoints_2d": part(pose.right_hand),
    }


def _coco_person(person: Person) -> dict[str, Any]:
    pose = person.detection.pose
    points = pose.points[COCO_WHOLEBODY_ROWS]
    seen = points[points[:, 2] > 0]
    low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    width, height = (high - low).tolist()
    entry: dict[str, Any] = {
        "category_id": 1,
        "iscrowd": 0,
        "track_id": person.identity,
        "bbox": [round(float(value), 3) for value in (*low, width, height)],
        "area": round(width * height, 3),
        "score": round(float(seen[:, 2].mean()), 4),
        "num_keypoints": int((points[:17, 2] > 0).sum()),
    }
    start = 0
    for key, count in _PARTS:
        entry[key] = _flat(points[start : start + count])
        start += count
    for key, hand in (("lefthand_valid", LEFT_HAND), ("righthand_valid", RIGHT_HAND)):
        entry[key] = bool((pose.points[hand, 2] > 0).any())
    entry["face_valid"] = bool((pose.face[:, 2] > 0).any())
    entry["foot_valid"] = bool((points[17:23, 2] > 0).any())
    return entry


def _flat(points: FloatArray) -> list[float]:
    return np.round(points.astype(np.float64), 4).ravel().tolist()


KeypointWriter = ComfyUiWriter | CocoWholeBodyWriter
WRITERS: Final[dict[str, type[ComfyUiWriter] | type[CocoWholeBodyWriter]]] = {
    "comfyui": ComfyUiWriter,
    "coco-wholebody": CocoWholeBodyWriter,
}

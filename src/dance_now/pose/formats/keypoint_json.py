"""Keypoint JSON of other programs, converted to frames of OpenPose people.

Sources: OpenPose ``--write_json``; ComfyUI's and sd-webui's ControlNet (OpenPose people with the canvas size,
alone or in a list of frames); MMPose's inferencer (``instance_info``, or a list of instances); COCO keypoint
annotations and results, COCO-WholeBody, and AlphaPose, which writes COCO results.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.body_layouts import BODY_LAYOUTS, COCO_WHOLEBODY_ROWS, as_body_25, with_midpoints
from dance_now.pose.model.keypoints import BODY, FACE, LEFT_HAND, POINT_COUNT, RIGHT_HAND

_HALPE_136: Final = 136
_HALPE_BODY: Final = 26
_LARGEST_SIDE: Final = 1_000_000  # pixels of a canvas
_WHOLEBODY_PARTS: Final = (("foot_kpts", 6), ("face_kpts", 68), ("lefthand_kpts", 21), ("righthand_kpts", 21))
_KNOWN: Final = (
    'it has no "people" (OpenPose, ComfyUI, sd-webui), "instance_info" (MMPose), "annotations" or '
    '"keypoints" (COCO, AlphaPose)'
)

Canvas = tuple[float, float]


@dataclass(frozen=True)
class JsonFrame:
    """One frame of a file.

    Attributes:
        people: entries as in OpenPose's ``people``; not checked yet.
        canvas: (width, height) of the image that the keypoints belong to, where the file says it.
        name: of the frame's image, where the file says it; numbers in names count the frames.
    """

    people: list[dict[str, Any]]
    canvas: Canvas | None = None
    name: str = ""


def json_frames(content: Any) -> list[JsonFrame]:
    """Sorts parsed JSON into frames; at least one.

    Raises:
        ValueError: no known layout, or a malformed one.
    """
    if isinstance(content, dict):
        if "people" in content:
            return [_openpose_frame(content)]
        if "instance_info" in content:
            return _mmpose_frames(content["instance_info"])
        if "annotations" in content:
            return _coco_frames(_objects(content, "annotations"), _objects(content, "images"))
    elif isinstance(content, list) and all(isinstance(entry, dict) for entry in content):
        if not content:
            return [JsonFrame([])]
        if all("people" in entry for entry in content):
            return [_openpose_frame(entry) for entry in content]
        if all("keypoints" in entry for entry in content):
            return _coco_frames(content, [])
    raise ValueError(_KNOWN)


def _openpose_frame(content: dict[str, Any]) -> JsonFrame:
    return JsonFrame(_objects(content, "people"), _canvas(content, "canvas_width", "canvas_height"))


def _mmpose_frames(infos: Any) -> list[JsonFrame]:
    if not isinstance(infos, list) or not all(isinstance(info, dict) for info in infos):
        raise ValueError('"instance_info" should be a list of objects')
    if infos and all("keypoints" in info for info in infos):  # of an image: without frames
        return [JsonFrame([_as_openpose(info) for info in infos])]
    return [
        JsonFrame(
            [_as_openpose(each) for each in _objects(info, "instances")], name=str(info.get("frame_id", ""))
        )
        for info in infos
    ] or [JsonFrame([])]


def _coco_frames(entries: list[dict[str, Any]], images: list[dict[str, Any]]) -> list[JsonFrame]:
    """Groups instances by image; without ``image_id`` all are of one."""
    people: dict[str, list[dict[str, Any]]] = {}
    canvases: dict[str, Canvas | None] = {}
    names: dict[str, str] = {}
    for image in images:
        key = _key(image.get("id"))
        people[key] = []
        canvases[key] = _canvas(image, "width", "height")
        names[key] = str(image.get("file_name") or key)
    for entry in entries:
        key = _key(entry.get("image_id"))
        people.setdefault(key, []).append(_as_openpose(entry))
    frames = [JsonFrame(people[key], canvases.get(key), names.get(key, key)) for key in people]
    return frames or [JsonFrame([])]


def _key(image: Any) -> str:
    if image is not None and (isinstance(image, bool) or not isinstance(image, int | str)):
        raise ValueError('"image_id" should be a number or a name')
    return "" if image is None else str(image)


def _objects(content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    listed = content.get(key, [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise ValueError(f'"{key}" should be a list of objects')
    return listed


def _canvas(content: dict[str, Any], width: str, height: str) -> Canvas | None:
    if content.get(width) is None and content.get(height) is None:
        return None
    sides = []
    for key in (width, height):
        value = content.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f'"{key}" should be a number of pixels, found {str(value)[:20]!r}')
        if not (math.isfinite(value) and 1 <= value <= _LARGEST_SIDE):
            raise ValueError(f'"{key}" should be between 1 and {_LARGEST_SIDE} pixels, found {value:g}')
        sides.append(float(value))
    return sides[0], sides[1]


def _as_openpose(instance: dict[str, Any]) -> dict[str, Any]:
    """Converts an instance of MMPose, COCO or AlphaPose to an entry of OpenPose's ``people``."""
    points = _points(instance.get("keypoints"), instance.get("keypoint_scores"))
    extra = [instance.get(key) for key, _ in _WHOLEBODY_PARTS]
    if len(points) == 17 and all(extra):
        parts = [_points(values, None) for values in extra]
        if [len(part) for part in parts] != [count for _, count in _WHOLEBODY_PARTS]:
            raise ValueError("the points of feet, face and hands should be 6, 68, 21 and 21")
        points = np.concatenate([points, *parts])
    person: dict[str, Any] = {"person_id": instance.get("track_id", instance.get("idx"))}
    if len(points) in BODY_LAYOUTS:
        return person | {"pose_keypoints_2d": points.ravel().tolist()}
    if len(points) == len(COCO_WHOLEBODY_ROWS):
        rows = np.zeros((POINT_COUNT, 3), np.float32)
        rows[COCO_WHOLEBODY_ROWS] = points
        rows[BODY] = with_midpoints(rows[BODY])
        face, left, right = rows[FACE], rows[LEFT_HAND], rows[RIGHT_HAND]
        return person | _parts(rows[BODY], face, left, right)
    if len(points) == _HALPE_136:
        face, left, right = np.split(points[_HALPE_BODY:], [68, 68 + 21])
        return person | _parts(as_body_25(points[:_HALPE_BODY]), face, left, right)
    known = ", ".join(str(count) for count in sorted({*BODY_LAYOUTS, len(COCO_WHOLEBODY_ROWS), _HALPE_136}))
    raise ValueError(f"{len(points)} keypoints are no body that is known ({known})")


def _parts(body: FloatArray, face: FloatArray, left: FloatArray, right: FloatArray) -> dict[str, Any]:
    return {
        "pose_keypoints_2d": body.ravel().tolist(),
        "face_keypoints_2d": face.ravel().tolist(),
        "hand_left_keypoints_2d": left.ravel().tolist(),
        "hand_right_keypoints_2d": right.ravel().tolist(),
    }


def _points(values: Any, scores: Any) -> FloatArray:
    """Keypoints (n, 3) from flat triples, or from pairs with a list of scores."""
    try:
        array = _numbers(values)
        if scores is not None:
            array = np.column_stack([array[:, :2], _numbers(scores)])
        elif array.ndim == 1:
            array = array.reshape(-1, 3)
        elif array.shape[1] == 2:
            array = np.column_stack([array, np.ones(len(array), np.float32)])
        if array.ndim != 2 or array.shape[1] != 3:
            raise ValueError
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise ValueError('"keypoints" should be x, y and score of each point') from error
    return array


def _numbers(values: Sequence[Any]) -> FloatArray:
    array = np.array(values)
    if array.dtype.kind not in "iuf":
        raise ValueError("not numbers")
    with np.errstate(over="ignore"):
        return array.astype(np.float32)

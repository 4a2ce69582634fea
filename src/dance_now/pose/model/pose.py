"""Pose data type: 137 keypoints with confidence and depth; every estimator converts to it.

Source: OpenPose output documentation (JSON versions 1.0 to 1.3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dance_now.core.argument_checks import check_type, kind_of
from dance_now.core.arrays import BoolArray, FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.body_layouts import BODY_LAYOUTS, as_body_25
from dance_now.pose.model.keypoints import BODY, FACE, LEFT_HAND, POINT_COUNT, RIGHT_HAND

# name, rows, and how many points files may hold; faces come with and without pupils
_OPENPOSE_PARTS = (
    ("pose_keypoints_2d", BODY, tuple(BODY_LAYOUTS)),
    ("face_keypoints_2d", FACE, (70, 68)),
    ("hand_left_keypoints_2d", LEFT_HAND, (21,)),
    ("hand_right_keypoints_2d", RIGHT_HAND, (21,)),
)


def _no_depth() -> FloatArray:
    return np.zeros(POINT_COUNT, np.float32)


def _depth_unknown() -> BoolArray:
    return np.zeros(POINT_COUNT, np.bool_)


@dataclass(frozen=True, eq=False, repr=False)
class Pose:
    """Keypoints of one person in one frame.

    Attributes:
        points: (137, 3) float32: x, y in pixels of the image (y down) and confidence in [0, 1].
            A missing point has confidence 0 and coordinates 0. Points may lie outside the image.
        depth: (137,) float32: relative depth in the same pixels, away from the viewer positive.
        has_depth: (137,) bool: where ``depth`` is known; it is 0 elsewhere.
        hidden_below: row of the image below which furniture hides the person; infinite where nothing does.

    Raises:
        DanceNowError: arrays of other shapes, or numbers that are not finite.
        TypeError: arrays that hold no numbers.

    Example:
        >>> Pose.empty().body.shape
        (25, 3)
    """

    points: FloatArray
    depth: FloatArray = field(default_factory=_no_depth)
    has_depth: BoolArray = field(default_factory=_depth_unknown)
    hidden_below: float = math.inf

    def __post_init__(self) -> None:
        points = _array("points", self.points, np.float32, (POINT_COUNT, 3))
        depth = _array("depth", self.depth, np.float32, (POINT_COUNT,))
        has_depth = _array("has_depth", self.has_depth, np.bool_, (POINT_COUNT,))
        missing = points[:, 2] <= 0
        points[missing] = 0
        has_depth &= ~missing
        depth[~has_depth] = 0
        for name, array in (("points", points), ("depth", depth), ("has_depth", has_depth)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __repr__(self) -> str:
        return f"Pose({POINT_COUNT} points, {int(self.visible.sum())} visible)"

    @classmethod
    def empty(cls) -> Pose:
        """Creates a pose with every point missing."""
        return cls(np.zeros((POINT_COUNT, 3), np.float32))

    @property
    def body(self) -> FloatArray:
        """View (25, 3) of the body points."""
        return self.points[BODY]

    @property
    def face(self) -> FloatArray:
        """View (70, 3) of the face points."""
        return self.points[FACE]

    @property
    def left_hand(self) -> FloatArray:
        """View (21, 3) of the left hand."""
        return self.points[LEFT_HAND]

    @property
    def right_hand(self) -> FloatArray:
        """View (21, 3) of the right hand."""
        return self.points[RIGHT_HAND]

    @property
    def visible(self) -> BoolArray:
        """Mask (137,) bool of the points that are not missing."""
        return self.points[:, 2] > 0

    def transformed(self, scale: float, offset: tuple[float, float]) -> Pose:
        """Transforms the pose to an image with pixels ``scale * (x, y) + offset``; depth scales too."""
        points = self.points.copy()
        shown = self.visible
        points[shown, :2] = points[shown, :2] * np.float32(scale) + np.asarray(offset, np.float32)
        hidden_below = self.hidden_below * scale + offset[1]
        return Pose(points, self.depth * np.float32(scale), self.has_depth, hidden_below)

    @classmethod
    def from_openpose(cls, person: Mapping[str, Any]) -> Pose:
        """Parses one entry of ``people`` in an OpenPose JSON file (versions 1.0 to 1.3).

        Bodies may have 25, 23, 19 or 18 (COCO) points. Absent or empty parts are missing. The optional lists
        ``depth`` (137 numbers, ours, pixels) and ``has_depth`` (137 of 0 or 1; absent: known wherever the
        point is) are read as well.

        Raises:
            DanceNowError: a part with the wrong number of values, or values that are no numbers.
            TypeError: ``person`` is no mapping.
        """
        check_type("person", person, Mapping, "a mapping, one entry of people")
        points = np.zeros((POINT_COUNT, 3), np.float32)
        for key, rows, counts in _OPENPOSE_PARTS:
            values = person.get(key)
            if values is None:
                values = person.get(key.removesuffix("_2d"))  # version 1.0
            if not values:
                continue
            part = _numbers(values, key, [3 * count for count in counts]).reshape(-1, 3)
            part = as_body_25(part) if rows is BODY else part
            points[rows.start : rows.start + len(part)] = part
        lost = ~np.isfinite(points).all(axis=1)
        points[lost] = 0
        depth, has_depth = _no_depth(), _depth_unknown()
        if person.get("depth"):
            depth = _numbers(person["depth"], "depth", [POINT_COUNT])
            has_depth = np.isfinite(depth)
            depth = np.where(has_depth, depth, np.float32(0)).astype(np.float32)
            if person.get("has_depth"):
                has_depth &= _numbers(person["has_depth"], "has_depth", [POINT_COUNT]) > 0
        return cls(points, depth, has_depth)

    def to_openpose(self, number: int = -1) -> dict[str, Any]:
        """Serialises to one entry of ``people`` in an OpenPose 1.3 JSON file, with ``depth`` where known.

        Args:
            person_id: the ID; -1 for a person who is not tracked.
        """
        person: dict[str, Any] = {"person_id": [number]}
        for key, rows, _ in _OPENPOSE_PARTS:
            person[key] = [round(float(value), 4) for value in self.points[rows].ravel()]
        for key in (
            "pose_keypoints_3d",
            "face_keypoints_3d",
            "hand_left_keypoints_3d",
            "hand_right_keypoints_3d",
        ):
            person[key] = []
        if self.has_depth.any():
            person["depth"] = [round(float(value), 4) for value in self.depth]
            person["has_depth"] = [int(known) for known in self.has_depth]
        return person


def _array(name: str, values: Any, dtype: type[np.generic], shape: tuple[int, ...]) -> Any:
    """A new array of finite numbers.

    Raises:
        DanceNowError: another shape, or numbers that are not finite.
        TypeError: no numbers.
    """
    try:
        given = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise DanceNowError(f"{name} must have shape {shape}, got rows of different lengths.") from error
    if given.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, not {kind_of(values)} of {given.dtype}.")
    if given.shape != shape:
        raise DanceNowError(f"{name} must have shape {shape}, got {given.shape}.", option=name)
    with np.errstate(over="ignore"):
        array = given.astype(dtype)
    if not np.isfinite(array).all():
        raise DanceNowError(f"{name} must be finite; mark missing points by confidence 0.", option=name)
    return array


def _numbers(values: Sequence[Any], key: str, counts: Sequence[int]) -> FloatArray:
    if not isinstance(values, list | tuple) or len(values) not in counts:
        found = len(values) if isinstance(values, list | tuple) else type(values).__name__
        wanted = " or ".join(str(count) for count in sorted(counts, reverse=True))
        raise DanceNowError(f"OpenPose JSON: {key} should hold {wanted} numbers, found {found}.")
    try:
        with np.errstate(over="ignore"):  # too large for float32 is infinite, and so missing
            return np.array([float(value) for value in values], np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise DanceNowError(f"OpenPose JSON: {key} holds something that is not a number.") from error

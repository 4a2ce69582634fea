"""Joints of a figure in a picture, and OpenPose's keypoints for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.keypoints import BODY_INDEX, FACE, POINT_COUNT, hand_slice
from dance_now.pose.model.pose import Pose

Point = npt.NDArray[np.float64]

SIDES: Final = ("left", "right")
LIMBS: Final = ("shoulder", "elbow", "wrist", "hand", "hip", "knee", "ankle", "toe")
ABSENT: Final = ("legs", "left_arm", "right_arm")
_LEG: Final = ("hip", "knee", "ankle", "toe")
_LASTING: Final = ("shoulder", "hip")  # of limbs that a picture does not show
_CHIN, _MIDDLE_TIP = FACE.start + 8, 12
_EYES: Final = {"right": (36, 42), "left": (42, 48)}  # of the face points
_MOUTH: Final = (48, 60)
_NEEDED: Final = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
# Half a box's width and its height, from the middle of its upper edge.
_MIDDLE_ROWS: Final = {"crown": 0.0, "chin": 0.2, "neck": 0.25}
_PLACES: Final = {
    "shoulder": (0.3, 0.27),
    "elbow": (0.6, 0.35),
    "wrist": (0.85, 0.43),
    "hand": (0.95, 0.47),
    "hip": (0.2, 0.54),
    "knee": (0.25, 0.75),
    "ankle": (0.25, 0.94),
    "toe": (0.25, 0.99),
}
# Of the way from the neck to the hips, from shoulders and hips downwards.
_ARM_DOWN: Final = {"elbow": 0.55, "wrist": 1.0, "hand": 1.3}
_LEG_DOWN: Final = {"knee": 0.75, "ankle": 1.5, "toe": 1.65}
_BONES: Final = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
_SHORTEST: Final = 0.012  # of the figure's height: a bone
_NOSE_TO_CHIN: Final = 0.45  # of the way from crown to nose
_HAND_REACH, _TOE_REACH = 0.35, 0.12  # of forearm and shin, where a file has no hand or foot


@dataclass(frozen=True, eq=False)
class FigureJoints:
    """Joints of a figure, in pixels of one raster; left and right are the figure's own.

    Attributes:
        points: (2,) x, y (down) by name: neck, chin, crown, and SIDES x LIMBS as ``left_elbow``.
        unsure: names of those that were guessed.
        eyes: side -> (4,) left, top, right, bottom of the eye, where it is known.
        mouth: (4,) the same of the mouth, or None.
        absent: of ABSENT: limbs that the picture does not show; their joints are where they would be.
    """

    points: dict[str, Point]
    unsure: frozenset[str] = frozenset()
    eyes: dict[str, Point] = field(default_factory=dict)
    mouth: Point | None = None
    absent: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Point:
        return self.points[name]

    def moved(self, scale: float, shift: Point) -> FigureJoints:
        """The same joints on another raster: ``scale * point + shift``."""
        twice = np.tile(shift, 2)
        return FigureJoints(
            {name: scale * point + shift for name, point in self.points.items()},
            self.unsure,
            {side: scale * box + twice for side, box in self.eyes.items()},
            None if self.mouth is None else scale * self.mouth + twice,
            self.absent,
        )

    def has(self, side: str, limb: str) -> bool:
        """Whether the picture shows a side's limb: one of LIMBS."""
        return ("legs" if limb in _LEG else f"{side}_arm") not in self.absent

    def middle(self, limb: str) -> Point:
        """The point between both sides' ``limb``."""
        return np.asarray((self.points[f"left_{limb}"] + self.points[f"right_{limb}"]) / 2)

    def to_pose(self) -> Pose:
        """OpenPose's keypoints; what was guessed has a confidence of 0.3."""
        points = np.zeros((POINT_COUNT, 3), np.float32)

        def put(row: int, point: Point, name: str) -> None:
            points[row] = (*point, 0.3 if name in self.unsure else 1.0)

        put(BODY_INDEX["neck"], self["neck"], "neck")
        put(BODY_INDEX["mid_hip"], self.middle("hip"), "left_hip")
        put(_CHIN, self["chin"], "chin")
        for side in SIDES:
            for limb in _NEEDED:
                if limb in _LASTING or self.has(side, limb):
                    put(BODY_INDEX[f"{side}_{limb}"], self[f"{side}_{limb}"], f"{side}_{limb}")
            if self.has(side, "toe"):
                put(BODY_INDEX[f"{side}_big_toe"], self[f"{side}_toe"], f"{side}_toe")
            if not self.has(side, "hand"):
                continue
            put(hand_slice(side).start, self[f"{side}_wrist"], f"{side}_wrist")
            put(hand_slice(side).start + _MIDDLE_TIP, self[f"{side}_hand"], f"{side}_hand")
        for (first, last), box in [
            *((_EYES[side], box) for side, box in self.eyes.items()),
            *([] if self.mouth is None else [(_MOUTH, self.mouth)]),
        ]:
            middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
            for number, row in enumerate(range(first, last)):
                angle = np.pi + 2 * np.pi * number / (last - first)
                put(FACE.start + row, middle + half * (np.cos(angle), np.sin(angle)), "")
        return Pose(points)


def joints_of_pose(pose: Pose, crown: Point) -> FigureJoints:
    """Joints from keypoints that somebody gave, or an estimator found.

    Args:
        pose: keypoints in pixels.
        crown: (2,) the highest point of the head.

    Raises:
        DanceNowError: shoulders, elbows, wrists, hips, knees or ankles are missing.
    """
    seen = pose.visible

    def lacks(side: str, limb: str) -> bool:
        return not seen[BODY_INDEX[f"{side}_{limb}"]]

    absent = {f"{side}_arm" for side in SIDES if lacks(side, "elbow") and lacks(side, "wrist")}
    if all(lacks(side, limb) for side in SIDES for limb in ("knee", "ankle")):
        absent.add("legs")
    missing = [
        f"{side} {limb}"
        for side in SIDES
        for limb in _NEEDED
        if lacks(side, limb)
        and (limb in _LASTING or ("legs" if limb in _LEG else f"{side}_arm") not in absent)
    ]
    if missing:
        raise DanceNowError(f"the joints lack {', '.join(missing)}; they are needed.", option="joints")
    places = pose.points[:, :2].astype(np.float64)
    points = {
        f"{side}_{limb}": places[BODY_INDEX[f"{side}_{limb}"]]
        for side in SIDES
        for limb in _NEEDED
        if not lacks(side, limb)
    }
    neck = (points["left_shoulder"] + points["right_shoulder"]) / 2
    points["neck"] = places[1] if seen[1] else neck
    points["crown"] = crown
    points["chin"] = points["neck"] + 0.25 * (crown - points["neck"])
    if seen[_CHIN]:
        points["chin"] = places[_CHIN]
    elif seen[0]:
        below = places[0] + _NOSE_TO_CHIN * (places[0] - crown)
        to_neck = points["neck"] - crown
        share = float((below - crown) @ to_neck / max(float(to_neck @ to_neck), 1e-9))
        points["chin"] = crown + float(np.clip(share, 0.5, 0.85)) * to_neck
    points |= placed(points, frozenset(absent))
    for side in SIDES:
        tip = hand_slice(side).start + _MIDDLE_TIP
        wrist, elbow = points[f"{side}_wrist"], points[f"{side}_elbow"]
        points[f"{side}_hand"] = places[tip] if seen[tip] else wrist + _HAND_REACH * (wrist - elbow)
        toe = BODY_INDEX[f"{side}_big_toe"]
        ankle, knee = points[f"{side}_ankle"], points[f"{side}_knee"]
        points[f"{side}_toe"] = places[toe] if seen[toe] else ankle + _TOE_REACH * (ankle - knee)
    eyes = {side: _box(pose, rows) for side, rows in _EYES.items()}
    return FigureJoints(
        points,
        frozenset(),
        {side: box for side, box in eyes.items() if box is not None},
        _box(pose, _MOUTH),
        frozenset(absent),
    )


def placed(points: Mapping[str, Point], absent: frozenset[str]) -> dict[str, Point]:
    """Joints of absent limbs where they would be: arms and legs that hang down.

    Args:
        points: shoulders, hips and neck.
        absent: of ABSENT.
    """
    hips = (points["left_hip"] + points["right_hip"]) / 2
    down = hips - points["neck"]
    found = {}
    for side in SIDES:
        for name, start, shares in (
            (f"{side}_arm", "shoulder", _ARM_DOWN),
            ("legs", "hip", _LEG_DOWN),
        ):
            if name in absent:
                for limb, share in shares.items():
                    found[f"{side}_{limb}"] = points[f"{side}_{start}"] + share * down
    return found


def _box(pose: Pose, rows: tuple[int, int]) -> Point | None:
    there = slice(FACE.start + rows[0], FACE.start + rows[1])
    if not pose.visible[there].all():
        return None
    points = pose.points[there, :2].astype(np.float64)
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def check_inside(joints: FigureJoints, mask: npt.NDArray[np.bool_]) -> None:
    """Checks that joints lie on the figure.

    Raises:
        DanceNowError: more than two of them lie outside.
    """
    height, width = mask.shape
    outside = []
    for name, (x, y) in joints.points.items():
        side, _, limb = name.partition("_")
        if side in SIDES and not joints.has(side, limb):
            continue
        reach = max(3, round(0.02 * max(mask.shape)))
        rows = slice(max(0, round(y) - reach), max(0, round(y) + reach + 1))
        columns = slice(max(0, round(x) - reach), max(0, round(x) + reach + 1))
        if not (0 <= x < width and 0 <= y < height and mask[rows, columns].any()):
            outside.append(name.replace("_", " "))
    if len(outside) > 2:
        raise DanceNowError(
            f"these joints lie outside the figure: {', '.join(outside)}. They count pixels of this picture.",
            option="joints",
        )


def check_lengths(joints: FigureJoints, tall: float) -> None:
    """Checks that limbs have a length.

    Args:
        joints: of a figure.
        tall: its height, in the same pixels.

    Raises:
        DanceNowError: joints of a limb lie on each other.
    """
    for side in SIDES:
        for start, end in _BONES:
            if float(np.linalg.norm(joints[f"{side}_{end}"] - joints[f"{side}_{start}"])) < _SHORTEST * tall:
                raise DanceNowError(
                    f"the figure's {side} {start} and {end} could not be told apart: it has to stand on two "
                    "legs, face the viewer, and hold its arms off its body.",
                    option="joints",
                )


def standing_joints(mask: npt.NDArray[np.bool_]) -> FigureJoints:
    """Joints of anybody who fills a silhouette's box, to be moved by hand; all of them are unsure."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    corner = np.array([(columns[0] + columns[-1]) / 2, rows[0]], np.float64)
    size = np.array([np.ptp(columns) / 2, np.ptp(rows)], np.float64)
    points = {name: corner + size * (0, row) for name, row in _MIDDLE_ROWS.items()}
    for side, sign in zip(SIDES, (1, -1), strict=True):
        for limb, (out, row) in _PLACES.items():
            points[f"{side}_{limb}"] = corner + size * (sign * out, row)
    return FigureJoints(points, frozenset(points))

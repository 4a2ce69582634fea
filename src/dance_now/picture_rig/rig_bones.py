"""Bones of a figure in metres, and how they carry its surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray
from dance_now.formats3d.vrm_writer import RigBone
from dance_now.picture_rig.body_regions import BodyRegions
from dance_now.picture_rig.body_surface import BodySurface
from dance_now.picture_rig.figure_joints import SIDES, FigureJoints

Points = npt.NDArray[np.float64]

STANDING: Final = 1.5
"""Metres that a figure is tall."""
_FINGERS: Final = ("Thumb", "Index", "Middle", "Ring", "Little")
_PHALANXES: Final = ("Proximal", "Intermediate", "Distal")
# Knuckle and two joints along the hand, and the finger's place towards the thumb, in lengths of the hand.
FINGER_JOINTS: Final = {
    "Thumb": ((0.15, 0.30, 0.42), 0.20),
    "Index": ((0.50, 0.72, 0.85), 0.12),
    "Middle": ((0.51, 0.75, 0.89), 0.04),
    "Ring": ((0.48, 0.70, 0.84), -0.05),
    "Little": ((0.44, 0.60, 0.70), -0.13),
}
_FOOT_LENGTH: Final = (2.4, 2.2)  # at most so many heights of the ankle, and widths of the foot
_FOOT_OF_LEG: Final = 0.24  # at least, of the height of the hips
_SIDEWAYS: Final = 2.6  # heights of the ankle: wider feet are drawn from their side
_INSTEP: Final = 0.8  # of the ankle's height: how high a foot slopes
_FOOT_FORWARD: Final = 0.55  # of the foot's length: how far toes are in front of the ankle
_SKULL_JOINT: Final = 0.036  # of the height: how far over the chin a head turns
_LARGE_HEAD: Final = (0.21, 0.25)  # of the height: smaller heads turn there, larger ones at the chin
_TRUNK: Final = {"hips": 0.02, "spine": 0.2, "chest": 0.45}  # from hips to neck


@dataclass(frozen=True, eq=False)
class BodyFrame:
    """From a figure's pixels to the character frame.

    Attributes:
        metres: of a pixel.
        middle: column of the body's middle, pixels.
        floor: row of the soles, pixels.
        ankles: side -> (2,) x, y, pixels.
        feet: side -> length of the foot to the front, pixels; 0 where it is drawn from its side.
    """

    metres: float
    middle: float
    floor: float
    ankles: dict[str, Points]
    feet: dict[str, float]

    @classmethod
    def of(
        cls, mask: BoolArray, joints: FigureJoints, regions: BodyRegions, middle: float | None = None
    ) -> BodyFrame:
        """The frame of a figure; ``middle``: column of its face, where that is known."""
        rows = np.flatnonzero(mask.any(axis=1))
        if middle is None:
            middle = float((joints["neck"][0] + joints["chin"][0]) / 2)
        floor = float(rows[-1] + 1)
        if "legs" in joints.absent:
            floor = float(max(joints["left_toe"][1], joints["right_toe"][1]))
        ankles = {side: joints[f"{side}_ankle"] for side in SIDES}
        legs = floor - float(joints.middle("hip")[1])
        feet = {side: _foot_length(regions, side, floor - ankles[side][1], legs) for side in SIDES}
        return cls(STANDING / (floor - rows[0]), middle, floor, ankles, feet)

    def point(self, place: Points, height: float = 0.0) -> Points:
        """(3,) metres of a pixel x, y at a height over the picture's plane, pixels."""
        x, y = place
        return self.metres * np.array([x - self.middle, self.floor - y, height])

    def positions(self, surface: BodySurface, regions: BodyRegions) -> Points:
        """(V, 3) metres of a surface; feet reach forward."""
        x, y = surface.places.T
        heights = surface.heights.copy()
        for side in SIDES:
            share = regions.sample(regions.weights_of(f"{side}Foot"), surface.places)
            heights = self._with_foot(heights, y, np.clip(2.5 * share, 0, 1), side)
        return self.metres * np.stack([x - self.middle, self.floor - y, heights], axis=1)

    def _with_foot(self, heights: Points, y: Points, share: Points, side: str) -> Points:
        """A foot seen from the front is foreshortened: below the ankle it is drawn out to the front."""
        rise, length = self.floor - self.ankles[side][1], self.feet[side]
        low = np.clip((y - self.ankles[side][1]) / max(_INSTEP * rise, 1e-6), 0, 1)
        low = low * low * (3 - 2 * low) * share
        if length <= 0 or not (low > 0).any():
            return heights
        deepest = max(float(np.abs(heights[low > 0.5]).max(initial=1.0)), 1.0)
        forward = heights / deepest * length / 2 + 0.22 * length
        return np.asarray(heights + low * (forward - heights))


def _foot_length(regions: BodyRegions, side: str, rise: float, legs: float) -> float:
    """Pixels from heel to toe of a foot whose ankle is ``rise`` pixels over the sole, hips ``legs``."""
    if f"{side}Foot" not in regions.names:
        return _FOOT_OF_LEG * legs
    _, columns = np.nonzero(regions.nearest() == regions.names.index(f"{side}Foot"))
    if not len(columns):
        return 0.0
    width = (np.ptp(columns) + 1) / regions.scale
    if width > _SIDEWAYS * rise:
        return 0.0
    return float(max(min(_FOOT_LENGTH[0] * rise, _FOOT_LENGTH[1] * width), _FOOT_OF_LEG * legs))


def rig_bones(joints: FigureJoints, surface: BodySurface, frame: BodyFrame) -> list[RigBone]:
    """The rig: the 47 bones of the bone rule, and toes."""
    hips, neck = joints.middle("hip"), joints["neck"]
    bones = [
        RigBone(name, parent, frame.point(hips + share * (neck - hips)))
        for (name, share), parent in zip(_TRUNK.items(), (None, "hips", "spine"), strict=True)
    ]
    skull = _skull_joint(joints, frame.floor)
    bones.append(RigBone("neck", "chest", frame.point(neck + 0.35 * (joints["chin"] - neck))))
    bones.append(RigBone("head", "neck", frame.point(skull)))
    for side in SIDES:
        for bone, parent, limb in (
            ("UpperArm", "chest", "shoulder"),
            ("LowerArm", f"{side}UpperArm", "elbow"),
            ("Hand", f"{side}LowerArm", "wrist"),
            ("UpperLeg", "hips", "hip"),
            ("LowerLeg", f"{side}UpperLeg", "knee"),
            ("Foot", f"{side}LowerLeg", "ankle"),
        ):
            bones.append(RigBone(f"{side}{bone}", parent, frame.point(joints[f"{side}_{limb}"])))
        ankle = joints[f"{side}_ankle"]
        length = frame.feet[side]
        toe = frame.point(joints[f"{side}_toe"])
        if length > 0:
            toe = frame.point(np.array([ankle[0], frame.floor]), _FOOT_FORWARD * length)
        toe[1] = 0.15 * bones[-1].position[1]
        bones.append(RigBone(f"{side}Toes", f"{side}Foot", toe))
        bones += _finger_bones(joints, side, frame)
    return bones


def _skull_joint(joints: FigureJoints, floor: float) -> Points:
    """(2,) where the head turns: at the height of the ears in people, at the chin where heads are large."""
    chin, crown = joints["chin"], joints["crown"]
    tall = max(floor - float(crown[1]), 1.0)
    share = float(chin[1] - crown[1]) / tall
    least, most = _LARGE_HEAD
    rise = _SKULL_JOINT * tall * np.clip((most - share) / (most - least), 0, 1)
    return np.asarray(chin - [0.0, rise])


def _finger_bones(joints: FigureJoints, side: str, frame: BodyFrame) -> list[RigBone]:
    """Fingers at default places of a flat hand, palm down: thumbs to the front."""
    wrist = frame.point(joints[f"{side}_wrist"])
    reach = frame.point(joints[f"{side}_hand"]) - wrist
    thumbwards = np.array([0.0, 0.0, float(np.linalg.norm(reach))])
    bones = []
    for finger in _FINGERS:
        shares, aside = FINGER_JOINTS[finger]
        parent = f"{side}Hand"
        for phalanx, share in zip(_PHALANXES, shares, strict=True):
            name = f"{side}{finger}{phalanx}"
            bones.append(RigBone(name, parent, wrist + share * reach + aside * thumbwards))
            parent = name
    return bones


def skin_weights(
    surface: BodySurface, regions: BodyRegions, bones: list[RigBone], joints: FigureJoints
) -> tuple[npt.NDArray[np.int64], Points]:
    """(V, 4) bones and (V, 4) weights of a surface; beyond the knuckles it follows the middle finger."""
    fields = regions.weights()
    dense = np.zeros((len(surface.places), len(bones)))
    rows = {bone.name: number for number, bone in enumerate(bones)}
    for name, field in zip(regions.names, fields, strict=True):
        dense[:, rows[name]] += regions.sample(field, surface.places)
    for side in SIDES:
        wrist, tip = joints[f"{side}_wrist"], joints[f"{side}_hand"]
        reach = tip - wrist
        along = (surface.places - wrist) @ reach / max(float(reach @ reach), 1e-9)
        hand = dense[:, rows[f"{side}Hand"]].copy()
        shares, _ = FINGER_JOINTS["Middle"]
        above = f"{side}Hand"
        for phalanx, share in zip(_PHALANXES, shares, strict=True):
            name = f"{side}Middle{phalanx}"
            part = np.clip((along - share) / 0.12 + 0.5, 0, 1)
            moved = np.minimum(dense[:, rows[above]], hand) * part
            dense[:, rows[above]] -= moved
            dense[:, rows[name]] += moved
            hand, above = moved, name
    order = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    kept = np.take_along_axis(dense, order, axis=1)
    kept = np.where(kept > 0.01, kept, 0)
    kept /= np.maximum(kept.sum(axis=1, keepdims=True), 1e-9)
    return np.where(kept > 0, order, 0).astype(np.int64), kept

"""Motion of a VMD: its bones on a body of MMD's usual proportions, legs solved to their IK targets.

A VMD holds turns and shifts of bones, not the model they were made for. They are played on a skeleton of the
proportions that most models share (20 units, about 1.6 m, arms 40 degrees below the horizontal).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.motion.motion_joints import JOINT_NAMES, JointTracks
from dance_now.formats3d.motion.vmd_reader import FRAME_TIME, Vmd, read_vmd
from dance_now.formats3d.quaternions import quaternion_matrices

Array = npt.NDArray[np.float64]

_ARM: Final = np.array([np.cos(np.radians(40.0)), -np.sin(np.radians(40.0)), 0.0])
# Bone: parent, rest position in MMD's unit, z to the front; left side. "@" is the side.
_TRUNK: Final = {
    "全ての親": ("", (0.0, 0.0, 0.0)),
    "センター": ("全ての親", (0.0, 8.0, 0.0)),
    "グルーブ": ("センター", (0.0, 8.2, 0.0)),
    "腰": ("グルーブ", (0.0, 11.0, 0.0)),
    "下半身": ("腰", (0.0, 12.0, 0.0)),
    "上半身": ("腰", (0.0, 12.2, 0.0)),
    "上半身2": ("上半身", (0.0, 13.6, 0.0)),
    "首": ("上半身2", (0.0, 16.5, 0.0)),
    "頭": ("首", (0.0, 17.2, 0.0)),
}
_SHOULDER: Final = np.array([1.5, 15.9, 0.0])
_LIMBS: Final = {
    "@肩": ("上半身2", (0.4, 16.1, 0.0)),
    "@腕": ("@肩", tuple(_SHOULDER)),
    "@腕捩": ("@腕", tuple(_SHOULDER + 1.4 * _ARM)),
    "@ひじ": ("@腕捩", tuple(_SHOULDER + 2.7 * _ARM)),
    "@手捩": ("@ひじ", tuple(_SHOULDER + 3.9 * _ARM)),
    "@手首": ("@手捩", tuple(_SHOULDER + 5.2 * _ARM)),
    "@足": ("下半身", (0.9, 10.8, 0.0)),
    "@ひざ": ("@足", (0.9, 5.9, 0.1)),
    "@足首": ("@ひざ", (0.9, 1.2, 0.0)),
    "@つま先": ("@足首", (0.9, 0.2, 1.4)),
    "@足IK親": ("全ての親", (0.9, 0.0, 0.0)),
    "@足IK": ("@足IK親", (0.9, 1.2, 0.0)),
    "@つま先IK": ("@足IK", (0.9, 0.2, 1.4)),
}
_JOINTS: Final = {
    "hips": "下半身",
    "head": "頭",
    **{
        side + part: mark + bone
        for side, mark in (("left", "左"), ("right", "右"))
        for part, bone in (
            ("UpperArm", "腕"),
            ("LowerArm", "ひじ"),
            ("Hand", "手首"),
            ("UpperLeg", "足"),
            ("LowerLeg", "ひざ"),
            ("Foot", "足首"),
            ("Toes", "つま先"),
        )
    },
}
_LONGEST: Final = 0.9999  # of a leg's length: what it may stretch to


def _skeleton() -> dict[str, tuple[str, Array]]:
    bones = {name: (parent, np.array(place)) for name, (parent, place) in _TRUNK.items()}
    for mark, sign in (("左", 1.0), ("右", -1.0)):
        for name, (parent, place) in _LIMBS.items():
            bones[name.replace("@", mark)] = (parent.replace("@", mark), np.array(place) * (sign, 1, 1))
    return bones


SKELETON: Final = _skeleton()
"""Bone -> parent and rest position (3,), MMD's unit, x to the figure's left, y up, z to its front."""


def read_vmd_motion(path: Path) -> JointTracks:
    """Reads a VMD file as the motion of a body.

    Raises:
        DanceNowError: see ``read_vmd``; or it moves neither arms nor legs.
    """
    vmd = read_vmd(path)
    if not any(name in vmd.bones for name in ("センター", "上半身", "左腕", "右腕", "左足", "左足IK")):
        raise DanceNowError(f"{path.name}: this VMD moves no body (no センター, 上半身, 腕 or 足).")
    rotations, places = pose_vmd(vmd)
    frames = 1 + vmd.frames
    joints = {joint: column for column, joint in enumerate(JOINT_NAMES)}
    turned = np.empty((frames, len(joints), 3, 3), np.float32)
    placed = np.empty((frames, len(joints), 3), np.float32)
    for joint, column in joints.items():
        bone = _JOINTS[joint]
        turned[0, column], placed[0, column] = np.eye(3), SKELETON[bone][1]
        turned[1:, column], placed[1:, column] = rotations[bone], places[bone]
    return JointTracks(path.stem, "vmd", FRAME_TIME, joints, turned, placed)


def pose_vmd(vmd: Vmd) -> tuple[dict[str, Array], dict[str, Array]]:
    """World rotations (n, 3, 3) and positions (n, 3) of all bones, with the legs at their IK targets."""
    rotations: dict[str, Array] = {}
    places: dict[str, Array] = {}
    for name, (parent, place) in SKELETON.items():
        track = vmd.bones.get(name)
        own = np.tile(np.eye(3), (vmd.frames, 1, 1)) if track is None else quaternion_matrices(track.turns)
        shift = np.zeros((vmd.frames, 3)) if track is None else track.shifts
        offset = place - (SKELETON[parent][1] if parent else 0)
        if parent:
            rotations[name] = rotations[parent] @ own
            places[name] = places[parent] + np.einsum("nij,nj->ni", rotations[parent], offset + shift)
        else:
            rotations[name], places[name] = own, offset + shift
    for mark in "左右":
        track = vmd.bones.get(f"{mark}足IK")
        if track is not None and f"{mark}足IK" not in vmd.without_ik:
            _solve_leg(rotations, places, mark)
    return rotations, places


def _solve_leg(rotations: dict[str, Array], places: dict[str, Array], mark: str) -> None:
    """Bends a leg in its own plane so that the ankle reaches its target, and turns the foot to the toe's."""
    hip, knee, ankle, toe = (f"{mark}{bone}" for bone in ("足", "ひざ", "足首", "つま先"))
    rest = {bone: SKELETON[bone][1] for bone in (hip, knee, ankle, toe)}
    thigh, shin = (float(np.linalg.norm(rest[b] - rest[a])) for a, b in ((hip, knee), (knee, ankle)))
    start, target = places[hip], places[f"{mark}足IK"]
    reach = target - start
    length = np.clip(np.linalg.norm(reach, axis=1), abs(thigh - shin) + 1e-3, _LONGEST * (thigh + shin))
    along = reach / np.maximum(np.linalg.norm(reach, axis=1, keepdims=True), 1e-9)
    front = rotations[hip] @ np.array([0.0, 0.0, 1.0])
    front = front - along * (front * along).sum(axis=1, keepdims=True)
    front /= np.maximum(np.linalg.norm(front, axis=1, keepdims=True), 1e-9)
    cosine = np.clip((thigh**2 + length**2 - shin**2) / (2 * thigh * length), -1, 1)
    bend = np.sqrt(1 - cosine**2)
    places[knee] = start + thigh * (along * cosine[:, None] + front * bend[:, None])
    places[ankle] = start + along * length[:, None]
    for bone, upper, lower in ((hip, hip, knee), (knee, knee, ankle)):
        rotations[bone] = _along(places[lower] - places[upper], front, rest[lower] - rest[upper])
    step = places[f"{mark}つま先IK"] - target
    foot = rest[toe] - rest[ankle]
    size = float(np.linalg.norm(foot)) / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9)
    rotations[ankle] = rotations[f"{mark}足IK"]
    places[toe] = places[ankle] + step * size


def _along(direction: Array, front: Array, rest: Array) -> Array:
    """Rotations (n, 3, 3) that take a bone's rest direction to another and keep its front."""

    def frames(bone: Array, ahead: Array) -> Array:
        down = bone / np.maximum(np.linalg.norm(bone, axis=1, keepdims=True), 1e-9)
        ahead = ahead - down * (ahead * down).sum(axis=1, keepdims=True)
        ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
        return np.stack([np.cross(down, ahead), down, ahead], axis=2)

    before = frames(rest[None], np.array([[0.0, 0.0, 1.0]]))
    return frames(direction, front) @ np.swapaxes(before, 1, 2)

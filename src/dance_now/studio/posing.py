"""From what a pose should look like to bone rotations and keypoints of one body.

Keypoints do not fix how a limb is twisted, so the studio never poses an avatar freely. A wished pose
(``Target``: orientations of pelvis, chest, head and hands, directions of the other bones) goes through the
rule of ``dance_now.pose.bones``, and its keypoints are read off the posed body; where the trunk's bend moved
its direction the rule is applied again, until the keypoints give back exactly the rotations that were used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dance_now.pose.bones import (
    BLEND_BONES,
    BONE_INDEX,
    BONE_NAMES,
    FRAME_BONES,
    SWING_LEVELS,
    BoneRig,
    Swing,
    basis,
    blend_rotations,
    swing_rotation,
    unit,
)
from dance_now.pose.keypoints import BODY_INDEX, FACE, POINT_COUNT, hand_slice
from dance_now.pose.pose import FloatArray
from dance_now.studio.motion import Motion, body_axes
from dance_now.studio.fingers import finger_directions

SWINGS: Final = tuple(swing for level in SWING_LEVELS for swing in level)
_HEAD_POINTS: Final = [
    *(BODY_INDEX[name] for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")),
    *range(FACE.start, FACE.stop),
]
_TRUNK_ENDS: Final = ("leftUpperArm", "rightUpperArm", "leftUpperLeg", "rightUpperLeg")
_Carry = Callable[[str, FloatArray, FloatArray], FloatArray]
_Direction = Callable[[str, str], FloatArray]


@dataclass(frozen=True, eq=False)
class Target:
    """Wished poses, in the character frame; ``n`` of them.

    Attributes:
        frames: (n, 5, 3, 3) rotations from rest of the bones in FRAME_BONES. Of pelvis and chest the
            sideways axis counts; how far they lean follows from the trunk between them.
        directions: (n, 47, 3) directions of the swing bones in the order of BONE_NAMES, 0 for the others.
    """

    frames: FloatArray
    directions: FloatArray

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def join(cls, targets: Sequence[Target]) -> Target:
        """All the poses of several targets, in order."""
        return cls(
            np.concatenate([target.frames for target in targets]),
            np.concatenate([target.directions for target in targets]),
        )


@dataclass(frozen=True, eq=False)
class SolvedPoses:
    """Poses that a body can take, ``n`` of them.

    Attributes:
        points: (n, 137, 3) metres, character frame, relative to the middle of the hips. Points that the
            skeleton does not know lie at 0.
        rotations: (n, 47, 3, 3) rotations from rest in the order of BONE_NAMES.
    """

    points: FloatArray
    rotations: FloatArray


def solve_poses(rig: BoneRig, target: Target, rounds: int = 12) -> SolvedPoses:
    """Bends a body into wished poses so that rotations and keypoints agree with the rule.

    Args:
        rig: of the body.
        target: the wished poses.
        rounds: fixed-point rounds for the trunk; the difference shrinks several times in each.
    """
    frames = {bone: target.frames[:, index] for index, bone in enumerate(FRAME_BONES)}
    points = forward_kinematics(rig, _rotations(rig, frames, target.directions))
    for _ in range(rounds):
        points = forward_kinematics(rig, rig.rotations(points))
    return SolvedPoses(points, rig.rotations(points))


def _rotations(rig: BoneRig, frames: Mapping[str, FloatArray], directions: FloatArray) -> FloatArray:
    found = dict(frames)
    for name, first, second in BLEND_BONES:
        found[name] = blend_rotations(found[first], found[second])
    for swing in SWINGS:
        found[swing.name] = rig.swing(swing.name, found[swing.parent], directions[:, BONE_INDEX[swing.name]])
    return np.stack([found[name] for name in BONE_NAMES], axis=-3)


def forward_kinematics(rig: BoneRig, rotations: FloatArray) -> FloatArray:
    """(n, 137, 3) keypoints in metres, relative to the middle of the hips, of bone rotations.

    Args:
        rig: of the body.
        rotations: (n, 47, 3, 3) from rest, in the order of BONE_NAMES.
    """
    skeleton = rig.skeleton
    rest, pivots = skeleton.rest, dict(zip(("spine", "chest", "neck", "head"), skeleton.pivots, strict=True))
    points = np.zeros((len(rotations), POINT_COUNT, 3), np.float32)

    def carry(bone: str, origin: FloatArray, offset: FloatArray) -> FloatArray:
        turned: FloatArray = origin + rotations[:, BONE_INDEX[bone]] @ offset
        return turned

    hips = points[:, 8]
    for row in (9, 12):
        points[:, row] = carry("hips", hips, rest[row] - rest[8])
    spine = carry("hips", hips, pivots["spine"] - rest[8])
    chest = carry("spine", spine, pivots["chest"] - pivots["spine"])
    for row in (1, 2, 5):
        points[:, row] = carry("chest", chest, rest[row] - pivots["chest"])
    neck = carry("chest", chest, pivots["neck"] - pivots["chest"])
    head = carry("neck", neck, pivots["head"] - pivots["neck"])
    for row in _HEAD_POINTS:
        points[:, row] = carry("head", head, rest[row] - pivots["head"])
    for swing in SWINGS:
        _place_before(swing, points, rest, carry)
        points[:, swing.end] = carry(swing.name, points[:, swing.start], rest[swing.end] - rest[swing.start])
    for side in ("left", "right"):
        ankle = BODY_INDEX[f"{side}_ankle"]
        for row in (BODY_INDEX[f"{side}_small_toe"], BODY_INDEX[f"{side}_heel"]):
            points[:, row] = carry(f"{side}Foot", points[:, ankle], rest[row] - rest[ankle])
    points[:, ~skeleton.known] = 0
    return points


def _place_before(swing: Swing, points: FloatArray, rest: FloatArray, carry: _Carry) -> None:
    """Puts a finger's knuckle onto its hand before its first bone is placed."""
    if not swing.name.endswith("Proximal"):
        return
    side = "left" if swing.name.startswith("left") else "right"
    start, wrist = hand_slice(side).start, BODY_INDEX[f"{side}_wrist"]
    points[:, start] = points[:, wrist]
    points[:, swing.start] = carry(f"{side}Hand", points[:, wrist], rest[swing.start] - rest[start])


def motion_target(rig: BoneRig, motion: Motion, frames: Sequence[int], fingers: FloatArray) -> Target:
    """A motion's frames as wished poses of a body, turned so that its pelvis looks to the front.

    Args:
        rig: of the body.
        motion: where from.
        frames: n indices of frames.
        fingers: (n, 2, 5, 4) finger angles of the left and right hand, see ``finger_directions``.
    """
    heading = _heading(body_axes(motion.positions[list(frames)])[..., 0])

    def direction(start: str, end: str) -> FloatArray:
        vectors = motion.joint(end, frames) - motion.joint(start, frames)
        turned: FloatArray = np.einsum("nij,nj->ni", heading, unit(vectors))
        return turned

    directions = np.zeros((len(frames), len(BONE_NAMES), 3), np.float32)
    hands = {}
    for index, side in enumerate(("left", "right")):
        for bone, end in (("UpperArm", "LowerArm"), ("LowerArm", "Hand"), ("UpperLeg", "LowerLeg")):
            directions[:, BONE_INDEX[side + bone]] = direction(side + bone, side + end)
        shank = direction(f"{side}LowerLeg", f"{side}Foot")
        directions[:, BONE_INDEX[f"{side}LowerLeg"]] = shank
        directions[:, BONE_INDEX[f"{side}Foot"]] = _foot(rig, motion, side, shank, direction)
        forearm = rig.rest_directions[BONE_INDEX[f"{side}LowerArm"]]
        align = swing_rotation(forearm, motion.reference.forearms[index])
        turn = motion.hands[list(frames), index] @ motion.reference.hands[index].T
        hands[side] = (heading @ turn @ align).astype(np.float32)
        directions += finger_directions(rig, side, hands[side], fingers[:, index])
    head = heading @ motion.head[list(frames)] @ motion.reference.head.T
    left = direction("rightUpperLeg", "leftUpperLeg")
    shoulders = direction("rightUpperArm", "leftUpperArm")
    up = _trunk(motion, frames, heading)
    rotations = [
        _towards(rig, "hips", left, up),
        _towards(rig, "chest", shoulders, up),
        head.astype(np.float32),
        hands["left"],
        hands["right"],
    ]
    return Target(np.stack(rotations, axis=1), directions)


def _heading(left: FloatArray) -> FloatArray:
    """(n, 3, 3) turns about y that bring the sideways axis (n, 3) of a pelvis to +x."""
    length = np.maximum(np.hypot(left[:, 0], left[:, 2]), 1e-6)
    cosine, sine = left[:, 0] / length, left[:, 2] / length
    turn = np.tile(np.eye(3, dtype=np.float32), (len(left), 1, 1))
    turn[:, 0, 0] = turn[:, 2, 2] = cosine
    turn[:, 0, 2], turn[:, 2, 0] = sine, -sine
    return turn


def _trunk(motion: Motion, frames: Sequence[int], heading: FloatArray) -> FloatArray:
    joints = {bone: motion.joint(bone, frames) for bone in _TRUNK_ENDS}
    top = (joints["leftUpperArm"] + joints["rightUpperArm"]) / 2
    low = (joints["leftUpperLeg"] + joints["rightUpperLeg"]) / 2
    turned: FloatArray = np.einsum("nij,nj->ni", heading, unit(top - low))
    return turned


def _towards(rig: BoneRig, bone: str, across: FloatArray, up: FloatArray) -> FloatArray:
    from_rest = rig.rest_frames[FRAME_BONES.index(bone)].T
    turned: FloatArray = basis(across, up) @ from_rest
    return turned


def _foot(rig: BoneRig, motion: Motion, side: str, shank: FloatArray, direction: _Direction) -> FloatArray:
    """Foot directions (n, 3): the motion's, with this body's own angle between sole and ankle-to-toe."""
    rest = rig.rest_directions[BONE_INDEX[f"{side}Foot"]]
    if not motion.has_toes:
        shin = rig.rest_directions[BONE_INDEX[f"{side}LowerLeg"]]
        carried: FloatArray = swing_rotation(np.broadcast_to(shin, shank.shape), shank) @ rest
        return carried
    foot = direction(f"{side}Foot", f"{side}Toes")
    up = unit(-shank + foot * (foot * shank).sum(axis=1, keepdims=True))
    angle = motion.foot_pitch + np.arcsin(np.clip(rest[1], -1, 1))
    bent: FloatArray = np.cos(angle) * foot + np.sin(angle) * up
    return bent


def avatar_bones(bones: Iterable[str]) -> dict[str, str]:
    """For each humanoid bone of an avatar, the bone of BONE_NAMES whose rotation it takes.

    Args:
        bones: the VRM humanoid bones that the avatar has.
    """
    present = set(bones)
    found = {}
    for bone in present:
        if bone == "spine":
            found[bone] = "spine" if present & {"chest", "upperChest"} else "chest"
        elif bone in {"chest", "upperChest", "leftShoulder", "rightShoulder"}:
            found[bone] = "chest"
        elif bone in BONE_INDEX:
            found[bone] = bone
        elif bone.endswith("Toes"):
            found[bone] = bone.replace("Toes", "Foot")
        else:
            found[bone] = "head"  # eyes and jaw
    return found


def avatar_rotations(mapping: Mapping[str, str], rotations: FloatArray) -> dict[str, FloatArray]:
    """What ``Avatar.pose`` takes, from rotations (47, 3, 3) in the order of BONE_NAMES.

    Args:
        mapping: from ``avatar_bones``.
        rotations: of one pose.
    """
    return {bone: rotations[BONE_INDEX[rule]] for bone, rule in mapping.items()}

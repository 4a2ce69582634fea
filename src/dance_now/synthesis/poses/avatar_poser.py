"""Pose solver: bone rotations and keypoints of a body from target directions.

Keypoints do not determine the twist of a limb, so an avatar is never posed freely: a ``PoseTarget`` goes
through the rule of ``dance_now.pose.model.bone_rule``, and the avatar takes exactly the rotations that the
rule recovers from the pose's keypoints.

Pelvis and chest take their lean from the line between hips and neck, but bending the spine moves the neck off
that line by some millimetres (the spine's pivots do not lie on it). In general no pose is self-consistent, so
the upper body is shifted back onto the line; the generator, which anchors the chest at the neck and the
pelvis at the hips, moves its points in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import (
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
from dance_now.pose.model.keypoints import BODY_INDEX, FACE, POINT_COUNT, hand_slice
from dance_now.render.avatar.avatar import Avatar
from dance_now.synthesis.poses.hand_shapes import finger_directions
from dance_now.synthesis.poses.motion import Motion
from dance_now.synthesis.poses.motion_alignment import body_axes

SWINGS: Final = tuple(swing for level in SWING_LEVELS for swing in level)
_HEAD_POINTS: Final = [
    *(BODY_INDEX[name] for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")),
    *range(FACE.start, FACE.stop),
]
_TRUNK_ENDS: Final = ("leftUpperArm", "rightUpperArm", "leftUpperLeg", "rightUpperLeg")
_Carry = Callable[[str, FloatArray, FloatArray], FloatArray]
_Direction = Callable[[str, str], FloatArray]


@dataclass(frozen=True, eq=False)
class PoseTarget:
    """Target poses, in the character frame; ``n`` of them. Vectors need not have length 1.

    Attributes:
        trunk: (n, 3) direction from the middle of the hips to the neck.
        hips: (n, 3) direction from the right to the left hip.
        shoulders: (n, 3) direction from the right to the left shoulder.
        head: (n, 3, 3) rotation of the head from rest.
        hands: (n, 2, 3, 3) rotations of left and right hand from rest.
        directions: (n, 47, 3) directions of the swing bones in the order of BONE_NAMES, 0 for the others.
    """

    trunk: FloatArray
    hips: FloatArray
    shoulders: FloatArray
    head: FloatArray
    hands: FloatArray
    directions: FloatArray

    def __len__(self) -> int:
        return len(self.trunk)

    @classmethod
    def join(cls, targets: Sequence[PoseTarget]) -> PoseTarget:
        """Concatenates the poses of several targets."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(target, name) for target in targets]) for name in names))


@dataclass(frozen=True, eq=False)
class SolvedPoses:
    """Poses that a body can take, solved from a target; ``n`` of them.

    Attributes:
        points: (n, 137, 3) metres, character frame, relative to the middle of the hips; 0 for points
            unknown to the skeleton.
        rotations: (n, 47, 3, 3) rotations from rest in the order of BONE_NAMES.
    """

    points: FloatArray
    rotations: FloatArray


def solve_poses(rig: BoneRig, target: PoseTarget) -> SolvedPoses:
    """Solves a body's poses nearest to the targets: limbs have exactly the target directions."""
    found = {
        "hips": basis(target.hips, target.trunk) @ rig.rest_frames[FRAME_BONES.index("hips")].T,
        "chest": basis(target.shoulders, target.trunk) @ rig.rest_frames[FRAME_BONES.index("chest")].T,
        "head": target.head,
        "leftHand": target.hands[:, 0],
        "rightHand": target.hands[:, 1],
    }
    for name, first, second in BLEND_BONES:
        found[name] = blend_rotations(found[first], found[second])
    for swing in SWINGS:
        direction = target.directions[:, BONE_INDEX[swing.name]]
        found[swing.name] = rig.swing(swing.name, found[swing.parent], direction)
    rotations = np.stack([found[name] for name in BONE_NAMES], axis=-3).astype(np.float32)
    return SolvedPoses(forward_kinematics(rig, rotations, target.trunk), rotations)


def forward_kinematics(rig: BoneRig, rotations: FloatArray, trunk: FloatArray) -> FloatArray:
    """Forward kinematics: keypoints (n, 137, 3) in metres, relative to the middle of the hips.

    Args:
        rig: of the body.
        rotations: (n, 47, 3, 3) from rest, in the order of BONE_NAMES.
        trunk: (n, 3) direction from the hips to the neck.
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
    bent = carry("chest", chest, rest[1] - pivots["chest"])
    line = unit(trunk)
    chest = chest + line * (line * bent).sum(axis=1, keepdims=True) - bent
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
    """Places a finger's knuckle on its hand before its first bone."""
    if not swing.name.endswith("Proximal"):
        return
    side = "left" if swing.name.startswith("left") else "right"
    start, wrist = hand_slice(side).start, BODY_INDEX[f"{side}_wrist"]
    points[:, start] = points[:, wrist]
    points[:, swing.start] = carry(f"{side}Hand", points[:, wrist], rest[swing.start] - rest[start])


def motion_target(rig: BoneRig, motion: Motion, frames: Sequence[int], fingers: FloatArray) -> PoseTarget:
    """Retargets frames of a motion to a body, turned so that its pelvis faces the front.

    Args:
        rig: of the body.
        motion: the source.
        frames: n indices of frames.
        fingers: (n, 2, 5, 4) finger angles of the left and right hand, see ``finger_directions``.
    """
    heading = pelvis_heading(motion, frames)

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
    return PoseTarget(
        trunk=_trunk(motion, frames, heading),
        hips=direction("rightUpperLeg", "leftUpperLeg"),
        shoulders=direction("rightUpperArm", "leftUpperArm"),
        head=head.astype(np.float32),
        hands=np.stack([hands["left"], hands["right"]], axis=1),
        directions=directions,
    )


def pelvis_heading(motion: Motion, frames: Sequence[int]) -> FloatArray:
    """Rotations (n, 3, 3) about y that make the pelvis face the front in frames of a motion."""
    left = body_axes(motion.positions[list(frames)])[..., 0]
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
    turned: FloatArray = np.einsum("nij,nj->ni", heading, unit((top - low).astype(np.float32)))
    return turned


def _foot(rig: BoneRig, motion: Motion, side: str, shank: FloatArray, direction: _Direction) -> FloatArray:
    """Foot directions (n, 3): the motion's, with this body's angle between sole and ankle-to-toe."""
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
    """Maps each humanoid bone of an avatar to the bone of BONE_NAMES whose rotation it takes.

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


class AvatarPoser:
    """Applies solved poses to one avatar."""

    def __init__(self, avatar: Avatar) -> None:
        self.avatar = avatar
        self.mapping = avatar_bones(avatar.bones)
        lower = {"hips", "spine"}
        owners = [avatar.humanoid_owner(node) for node in range(len(avatar.parents))]
        self._upper = np.array(
            [
                owner is not None
                and not (
                    self.mapping[owner] in lower or any(part in owner for part in ("Leg", "Foot", "Toes"))
                )
                for owner in owners
            ]
        )

    def world(self, points: FloatArray, rotations: FloatArray) -> npt.NDArray[np.float64]:
        """Node transforms (N, 4, 4), the hips at their rest position.

        Args:
            points: (137, 3) of one of ``SolvedPoses``.
            rotations: (47, 3, 3) of the same.
        """
        world = self.avatar.pose({bone: rotations[BONE_INDEX[rule]] for bone, rule in self.mapping.items()})
        shift = self._middle(world, "UpperLeg") + points[1] - self._middle(world, "UpperArm")
        world[self._upper, :3, 3] += shift
        return world

    def _middle(self, world: npt.NDArray[np.float64], joint: str) -> npt.NDArray[np.float64]:
        left, right = (world[self.avatar.bones[side + joint], :3, 3] for side in ("left", "right"))
        middle: npt.NDArray[np.float64] = (left + right) / 2
        return middle

"""Bone rotations from keypoints: one rule for the renderer, the retargeter and the generator.

Keypoints fix where a limb points, not how it is twisted. The rule below picks one rotation for every
pose, and everything that poses a character follows it, so that an image is a function of its keypoints:

* *frames*: pelvis and chest from the line of hips or shoulders and the trunk's direction, the head from
  ears and nose, a hand from its wrist, index, middle and little knuckles;
* *blends*: the spine halfway between pelvis and chest, the neck halfway between chest and head;
* *swings*: every other bone by the smallest rotation that takes it from where its parent would carry it
  to where the keypoints say. Upper arms and thighs measure that rotation from a relaxed direction
  instead of the rest pose, which moves the one ambiguous direction out of a body's reach.

Positions are in the view frame (x right, y up, z towards the viewer); rotations take the rest pose
(character frame) to it. The generator's graph holds the same rule in torch; a test keeps them equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.keypoints import FINGERS, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.skeleton import Skeleton

_ARM = {"left": (5, 6, 7), "right": (2, 3, 4)}
_LEG = {"left": (12, 13, 14, 19), "right": (9, 10, 11, 22)}
_HAND_START = {"left": LEFT_HAND.start, "right": RIGHT_HAND.start}
_RELAXED = {
    "leftUpperArm": (0.6, -0.65, 0.45),
    "rightUpperArm": (-0.6, -0.65, 0.45),
    "leftUpperLeg": (0.1, -0.85, 0.5),
    "rightUpperLeg": (-0.1, -0.85, 0.5),
}

FRAME_BONES: Final = ("hips", "chest", "head", "leftHand", "rightHand")
BLEND_BONES: Final = (("spine", "hips", "chest"), ("neck", "chest", "head"))


@dataclass(frozen=True)
class Swing:
    """Bone that points from keypoint ``start`` to keypoint ``end``, with its parent bone."""

    name: str
    parent: str
    start: int
    end: int


def _swing_levels() -> tuple[tuple[Swing, ...], ...]:
    upper, lower, third, fourth, fifth = [], [], [], [], []
    for side in ("left", "right"):
        shoulder, elbow, wrist = _ARM[side]
        hip, knee, ankle, toe = _LEG[side]
        upper += [
            Swing(f"{side}UpperArm", "chest", shoulder, elbow),
            Swing(f"{side}UpperLeg", "hips", hip, knee),
        ]
        lower += [
            Swing(f"{side}LowerArm", f"{side}UpperArm", elbow, wrist),
            Swing(f"{side}LowerLeg", f"{side}UpperLeg", knee, ankle),
        ]
        third.append(Swing(f"{side}Foot", f"{side}LowerLeg", ankle, toe))
        for finger, finger_name in enumerate(FINGERS):
            joint = _HAND_START[side] + 4 * finger + 1
            name = f"{side}{finger_name}"
            third.append(Swing(f"{name}Proximal", f"{side}Hand", joint, joint + 1))
            fourth.append(Swing(f"{name}Intermediate", f"{name}Proximal", joint + 1, joint + 2))
            fifth.append(Swing(f"{name}Distal", f"{name}Intermediate", joint + 2, joint + 3))
    return tuple(tuple(level) for level in (upper, lower, third, fourth, fifth))


SWING_LEVELS: Final = _swing_levels()
BONE_NAMES: Final = (
    FRAME_BONES
    + tuple(name for name, _, _ in BLEND_BONES)
    + tuple(swing.name for level in SWING_LEVELS for swing in level)
)
BONE_INDEX: Final = {name: index for index, name in enumerate(BONE_NAMES)}


def basis(x_axis: FloatArray, towards_y: FloatArray) -> FloatArray:
    """Orthonormal bases (..., 3, 3) with columns x, y, z; y is ``towards_y`` made orthogonal to x."""
    x = unit(x_axis)
    z = unit(np.cross(x, towards_y))
    return np.stack([x, np.cross(z, x), z], axis=-1)


def unit(vectors: FloatArray) -> FloatArray:
    """Normalises vectors (..., 3) to length 1; a vector of length 0 stays 0."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-8)


def swing_rotation(start: FloatArray, end: FloatArray) -> FloatArray:
    """Smallest rotations (..., 3, 3) that take direction ``start`` (..., 3) to ``end`` (..., 3)."""
    a, b = unit(start), unit(end)
    cosine = (a * b).sum(axis=-1, keepdims=True)
    quaternion = np.concatenate([np.maximum(1 + cosine, 1e-6), np.cross(a, b)], axis=-1)
    w, x, y, z = np.moveaxis(quaternion / np.linalg.norm(quaternion, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def blend_rotations(first: FloatArray, second: FloatArray) -> FloatArray:
    """Mean (..., 3, 3) of two rotations, orthonormalised."""
    mean = first + second
    return basis(mean[..., :, 0], mean[..., :, 1])


def frame_axes(points: FloatArray, bone: str) -> tuple[FloatArray, FloatArray]:
    """Axes (..., 3) of a frame bone from keypoints (..., 137, 3): its x axis and a direction towards y."""
    trunk = points[..., 1, :] - points[..., 8, :]
    if bone == "hips":
        return points[..., 12, :] - points[..., 9, :], trunk
    if bone == "chest":
        return points[..., 5, :] - points[..., 2, :], trunk
    if bone == "head":
        across = points[..., 18, :] - points[..., 17, :]
        forward = points[..., 0, :] - (points[..., 17, :] + points[..., 18, :]) / 2
        return across, np.cross(forward, across)
    hand = _HAND_START[bone.removesuffix("Hand")]
    return points[..., hand + 9, :] - points[..., hand, :], points[..., hand + 5, :] - points[
        ..., hand + 17, :
    ]


@dataclass(frozen=True, eq=False)
class BoneRig:
    """Constants of the bone rule for one skeleton, computed once.

    Attributes:
        skeleton: the character's body.
        rest_frames: (5, 3, 3) the frame bones' bases at rest, in the order of FRAME_BONES.
        rest_directions: (47, 3) unit rest direction of every swing bone, 0 for the others.
        relaxed_directions: (47, 3) where a swing bone's smallest rotation is measured from.
        to_relaxed: (47, 3, 3) rotations from rest to relaxed direction.
        pivots: (47, 3) rest position about which each bone turns, metres.
    """

    skeleton: Skeleton
    rest_frames: FloatArray
    rest_directions: FloatArray
    relaxed_directions: FloatArray
    to_relaxed: FloatArray
    pivots: FloatArray

    @classmethod
    def of(cls, skeleton: Skeleton) -> BoneRig:
        """Computes the rig of one skeleton."""
        rest = skeleton.rest
        count = len(BONE_NAMES)
        rest_frames = np.stack([basis(*frame_axes(rest, bone)) for bone in FRAME_BONES])
        directions = np.zeros((count, 3), np.float32)
        relaxed = np.zeros((count, 3), np.float32)
        to_relaxed = np.tile(np.eye(3, dtype=np.float32), (count, 1, 1))
        pivots = np.zeros((count, 3), np.float32)
        spine, _, neck, _ = skeleton.pivots
        ears = (rest[17] + rest[18]) / 2
        for bone, pivot in zip(
            (*FRAME_BONES, "spine", "neck"),
            (rest[8], rest[1], ears, rest[LEFT_HAND.start], rest[RIGHT_HAND.start], spine, neck),
            strict=True,
        ):
            pivots[BONE_INDEX[bone]] = pivot
        for swing in (swing for level in SWING_LEVELS for swing in level):
            index = BONE_INDEX[swing.name]
            pivots[index] = rest[swing.start]
            directions[index] = unit(rest[swing.end] - rest[swing.start])
            relaxed[index] = unit(np.asarray(_RELAXED.get(swing.name, directions[index]), np.float32))
            to_relaxed[index] = swing_rotation(directions[index], relaxed[index])
        return cls(skeleton, rest_frames, directions, relaxed, to_relaxed, pivots)

    def rotations(self, points: FloatArray) -> FloatArray:
        """Bone rotations (..., 47, 3, 3) from rest, in the order of BONE_NAMES.

        Args:
            points: (..., 137, 3) complete keypoints in the view frame, any unit.
        """
        found: dict[str, FloatArray] = {}
        for index, bone in enumerate(FRAME_BONES):
            found[bone] = basis(*frame_axes(points, bone)) @ self.rest_frames[index].T
        for name, first, second in BLEND_BONES:
            found[name] = blend_rotations(found[first], found[second])
        for swing in (swing for level in SWING_LEVELS for swing in level):
            direction = points[..., swing.end, :] - points[..., swing.start, :]
            found[swing.name] = self.swing(swing.name, found[swing.parent], direction)
        return np.stack([found[name] for name in BONE_NAMES], axis=-3)

    def swing(self, name: str, parent: FloatArray, direction: FloatArray) -> FloatArray:
        """Rotation (..., 3, 3) of one swing bone from its parent's rotation and its direction (..., 3)."""
        index = BONE_INDEX[name]
        local = np.einsum("...ji,...j->...i", parent, direction)
        relaxed = np.broadcast_to(self.relaxed_directions[index], local.shape)
        return parent @ swing_rotation(relaxed, local) @ self.to_relaxed[index]

    def anchors(self, points: FloatArray, rotations: FloatArray, scale: FloatArray) -> FloatArray:
        """Positions (..., 47, 3) of the bones' pivots, in the unit of ``points``.

        Args:
            points: (..., 137, 3) view frame.
            rotations: (..., 47, 3, 3) of the same points.
            scale: (...) units of ``points`` per metre.
        """
        rest = self.skeleton.rest
        anchors = np.zeros((*points.shape[:-2], len(BONE_NAMES), 3), np.float32)
        for bone, row in (
            ("hips", 8),
            ("chest", 1),
            ("leftHand", LEFT_HAND.start),
            ("rightHand", RIGHT_HAND.start),
        ):
            anchors[..., BONE_INDEX[bone], :] = points[..., row, :]
        anchors[..., BONE_INDEX["head"], :] = (points[..., 17, :] + points[..., 18, :]) / 2
        for bone, base, row in (("spine", "hips", 8), ("neck", "chest", 1)):
            offset = self.pivots[BONE_INDEX[bone]] - rest[row]
            turned = np.einsum("...ij,j->...i", rotations[..., BONE_INDEX[base], :, :], offset)
            anchors[..., BONE_INDEX[bone], :] = points[..., row, :] + turned * np.asarray(scale)[..., None]
        for swing in (swing for level in SWING_LEVELS for swing in level):
            anchors[..., BONE_INDEX[swing.name], :] = points[..., swing.start, :]
        return anchors

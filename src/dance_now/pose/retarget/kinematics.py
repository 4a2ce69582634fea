"""Forward kinematics of a character: limb directions and trunk rotations in, keypoints out.

Every distance is the skeleton's own, so whatever the directions, the result is a body that the character
can have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig
from dance_now.pose.model.keypoints import FACE, LEFT_HAND, POINT_COUNT, RIGHT_HAND
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.model.vectors import basis, cross, length, normalised, swing_rotation
from dance_now.pose.retarget.finger_joints import FingerJoints

Array = npt.NDArray[np.float64]

_HEAD_ROWS: Final = np.array([0, 15, 16, 17, 18, *range(FACE.start, FACE.stop)])
_FACE_ROWS: Final = slice(5, None)  # of _HEAD_ROWS
_HAND_STARTS: Final = (LEFT_HAND.start, RIGHT_HAND.start)
_LIMBS: Final = np.array([[5, 6, 7], [2, 3, 4], [12, 13, 14], [9, 10, 11]])
_FOOT_ROWS: Final = np.array([[19, 20, 21], [22, 23, 24]])  # big toe, small toe, heel
_SWINGS: Final = tuple(
    tuple(f"{side}{name}" for name in names for side in ("left", "right"))
    for names in (("UpperArm", "UpperLeg"), ("LowerArm", "LowerLeg"), ("Foot",))
)
_KNUCKLES: Final = np.array([1, 5, 9, 13, 17])
_CURL: Final = np.radians([[0, 8, 12], [12, 34, 48], [16, 40, 56], [18, 42, 58], [20, 44, 60]])


@dataclass(frozen=True, eq=False)
class Posture:
    """Posture of a body without its size. View frame; sides in the order left, right.

    Attributes:
        trunk: (3,) direction from mid-hip to neck.
        hips, chest, head: (3, 3) rotations from the rest pose.
        limbs: (4, 2, 3) unit directions of left arm, right arm, left leg, right leg: upper, lower.
        feet: (2, 3, 3) rotations from the rest pose.
        hands: (2, 3, 3) rotations from the rest pose.
        fingers: (2, 5, 3, 3) unit directions of each finger's three bones, in the rest hand's axes.
        face: (70, 3) metres by which an expression moves the face points, in the rest head's axes.
    """

    trunk: Array
    hips: Array
    chest: Array
    head: Array
    limbs: Array
    feet: Array
    hands: Array
    fingers: Array
    face: Array = field(default_factory=lambda: np.zeros((FACE.stop - FACE.start, 3)))


class CharacterBody:
    """Forward kinematics of one skeleton."""

    def __init__(self, skeleton: Skeleton) -> None:
        """Reads lengths, pivots and the rest pose of ``skeleton``."""
        self.skeleton = skeleton
        self.rig = BoneRig.of(skeleton)
        rest = skeleton.rest.astype(np.float64)
        self.rest = rest
        spine, chest, neck, head = skeleton.pivots.astype(np.float64)
        self._spine_from_hips = spine - rest[8]
        self._chest_from_spine = chest - spine
        self._chest_rows = rest[[1, 2, 5]] - chest
        self._neck_from_chest = neck - chest
        self._head_from_neck = head - neck
        self._head_rows = rest[_HEAD_ROWS] - head
        self._hip_rows = rest[[9, 12]] - rest[8]
        self._limb_lengths = np.linalg.norm(rest[_LIMBS[:, 1:]] - rest[_LIMBS[:, :-1]], axis=2)
        self._foot_rows = rest[_FOOT_ROWS] - rest[_LIMBS[2:, 2]][:, None]
        self.toes = normalised(self._foot_rows[:, 0])
        self._swings = [self._swing_constants(names) for names in _SWINGS]
        hands = np.stack([rest[start : start + 21] for start in _HAND_STARTS])  # (2, 21, 3)
        self._hand_rows = hands - rest[_LIMBS[:2, 2]][:, None]
        bones = np.stack(
            [hands[:, _KNUCKLES + joint + 1] - hands[:, _KNUCKLES + joint] for joint in range(3)], 2
        )
        self._finger_lengths = np.linalg.norm(bones, axis=-1)  # (2, 5, 3)
        known = skeleton.known
        self.has_hand = np.array([known[[s, s + 5, s + 9, s + 17]].all() for s in _HAND_STARTS])
        self.palm_frames = self._palm_frames()
        self.rest_posture = self._rest_posture(bones)

    def points(self, posture: Posture) -> Array:
        """Keypoints (137, 3) of a posture in the view frame, metres, the mid-hip at the origin."""
        out = np.zeros((POINT_COUNT, 3))
        hips, chest = posture.hips, posture.chest
        out[[9, 12]] = self._hip_rows @ hips.T
        spine = _halfway(hips, chest)
        chest_pivot = hips @ self._spine_from_hips + spine @ self._chest_from_spine
        # Bending moves the neck off the line that pelvis and chest take their lean from; it is moved back, as
        # in the renderer, so that the bone rule recovers these rotations from the keypoints.
        bent = chest_pivot + chest @ self._chest_rows[0]
        line = normalised(posture.trunk)
        chest_pivot = chest_pivot + line * (line @ bent) - bent
        out[[1, 2, 5]] = chest_pivot + self._chest_rows @ chest.T
        head_pivot = chest_pivot + chest @ self._neck_from_chest
        head_pivot = head_pivot + _halfway(chest, posture.head) @ self._head_from_neck
        head_rows = self._head_rows.copy()
        head_rows[_FACE_ROWS] += posture.face
        out[_HEAD_ROWS] = head_pivot + head_rows @ posture.head.T
        out[_LIMBS[:, 1]] = out[_LIMBS[:, 0]] + posture.limbs[:, 0] * self._limb_lengths[:, :1]
        out[_LIMBS[:, 2]] = out[_LIMBS[:, 1]] + posture.limbs[:, 1] * self._limb_lengths[:, 1:]
        ankles = out[_LIMBS[2:, 2]]
        out[_FOOT_ROWS] = ankles[:, None] + self._foot_rows @ np.swapaxes(posture.feet, 1, 2)
        self._add_hands(out, posture)
        return out

    def carriers(self, hips: Array, chest: Array, limbs: Array) -> Array:
        """Rotations (4, 3, 3) of the forearms and shins, the parents of hands and feet, by ``BoneRig.swing``.

        Args:
            hips, chest: (3, 3) rotations from rest.
            limbs: (4, 2, 3) unit directions, as in ``Posture``.
        """
        upper = self.swing(0, np.stack([chest, chest, hips, hips]), limbs[:, 0])
        return self.swing(1, upper, limbs[:, 1])

    def swing(self, level: int, parents: Array, directions: Array) -> Array:
        """Rotations (n, 3, 3) of bones from their parents' (n, 3, 3) and their directions (n, 3).

        ``level`` is 0 for the four upper limbs, 1 for the lower ones, 2 for the feet.
        """
        relaxed, to_relaxed = self._swings[level]
        local = (np.swapaxes(parents, 1, 2) @ directions[..., None])[..., 0]
        result: Array = parents @ swing_rotation(relaxed, local) @ to_relaxed
        return result

    def _add_hands(self, out: Array, posture: Posture) -> None:
        turned = np.swapaxes(posture.hands, 1, 2)
        wrists = out[_LIMBS[:2, 2]]
        hands = wrists[:, None] + self._hand_rows @ turned  # (2, 21, 3)
        steps = np.cumsum(posture.fingers * self._finger_lengths[..., None], axis=2)
        steps = steps @ turned[:, None]
        hands[:, (_KNUCKLES[:, None] + np.arange(1, 4)).ravel()] = (
            hands[:, _KNUCKLES, None] + steps
        ).reshape(2, 15, 3)
        for start, hand in zip(_HAND_STARTS, hands, strict=True):
            out[start : start + 21] = hand

    def _palm_frames(self) -> Array:
        """Bases (2, 3, 3) of the rest hands, from wrist, index and little knuckles."""
        rows = self._hand_rows
        middle = (rows[:, 5] + rows[:, 17]) / 2 - rows[:, 0]
        frames = basis(middle, rows[:, 5] - rows[:, 17])
        usable = self.has_hand & (length(cross(middle, rows[:, 5] - rows[:, 17]))[:, 0] > 1e-8)
        self.has_hand = usable
        return np.where(usable[:, None, None], frames, np.eye(3))

    def _rest_posture(self, bones: Array) -> Posture:
        fingers = normalised(bones)
        # a hand bends towards its palm; left and right palms lie on opposite sides of index x little
        palms = self.palm_frames[:, :, 2] * np.array([[1.0], [-1.0]])
        axes = normalised(cross(self.palm_frames[:, :, 0], palms))
        relaxed = _turned(fingers, axes[:, None, None], _CURL[None, :, :, None])
        relaxed = np.where(self.has_hand[:, None, None, None], relaxed, fingers)
        self.finger_joints = FingerJoints(fingers, relaxed, axes)
        rest = self.rest
        return Posture(
            trunk=normalised(rest[1] - rest[8]),
            hips=np.eye(3),
            chest=np.eye(3),
            head=np.eye(3),
            limbs=normalised(rest[_LIMBS[:, 1:]] - rest[_LIMBS[:, :-1]]),
            feet=_both(np.eye(3)),
            hands=_both(np.eye(3)),
            fingers=relaxed,
        )

    def _swing_constants(self, names: tuple[str, ...]) -> tuple[Array, Array]:
        rows = [BONE_INDEX[name] for name in names]
        return self.rig.relaxed_directions[rows].astype(np.float64), self.rig.to_relaxed[rows].astype(
            np.float64
        )


def _both(rotation: Array) -> Array:
    return np.broadcast_to(rotation, (2, 3, 3))


def _halfway(first: Array, second: Array) -> Array:
    """Mean (3, 3) of two rotations; opposite rotations give the first."""
    mean = first + second
    square = basis(mean[:, 0], mean[:, 1])
    return square if abs(np.linalg.det(square) - 1) < 1e-3 else first


def _turned(vectors: Array, axes: Array, angles: Array) -> Array:
    """Rotates vectors about unit axes by radians (Rodrigues' formula)."""
    cosine, sine = np.cos(angles), np.sin(angles)
    along = (vectors * axes).sum(axis=-1, keepdims=True) * axes
    axes = np.broadcast_to(axes, vectors.shape)
    return vectors * cosine + cross(axes, vectors) * sine + along * (1 - cosine)

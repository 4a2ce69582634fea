"""Forward kinematics of a character: limb directions and trunk rotations in, keypoints out.

Every distance is the skeleton's own, so whatever the directions, the result is a body that the character
can have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.bones import BONE_INDEX, BoneRig, basis, swing_rotation, unit
from dance_now.pose.keypoints import FACE, LEFT_HAND, POINT_COUNT, RIGHT_HAND
from dance_now.pose.skeleton import Skeleton

Array = npt.NDArray[np.float64]

_HEAD_ROWS: Final = np.array([0, 15, 16, 17, 18, *range(FACE.start, FACE.stop)])
_HAND_STARTS: Final = (LEFT_HAND.start, RIGHT_HAND.start)
_ARMS: Final = np.array([[5, 6, 7], [2, 3, 4]])
_LEGS: Final = np.array([[12, 13, 14], [9, 10, 11]])
_TOES: Final = np.array([19, 22])
_FOOT_ROWS: Final = np.array([[20, 21], [23, 24]])  # small toe, heel
_KNUCKLES: Final = np.array([1, 5, 9, 13, 17])
_CURL: Final = np.radians([[0, 8, 12], [12, 34, 48], [16, 40, 56], [18, 42, 58], [20, 44, 60]])


@dataclass(frozen=True, eq=False)
class Posture:
    """What a body does, without its size. View frame; sides in the order left, right.

    Attributes:
        hips, chest, head: (3, 3) rotations from the rest pose.
        arms, legs: (2, 2, 3) unit directions of upper and lower limb.
        feet: (2, 3) unit directions from ankle to big toe.
        hands: (2, 3, 3) rotations from the rest pose.
        fingers: (2, 5, 3, 3) unit directions of each finger's three bones, in the rest hand's axes.
    """

    hips: Array
    chest: Array
    head: Array
    arms: Array
    legs: Array
    feet: Array
    hands: Array
    fingers: Array


class CharacterBody:
    """Poses one skeleton."""

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
        self._arm_lengths = _chain_lengths(rest, _ARMS)
        self._leg_lengths = _chain_lengths(rest, _LEGS)
        self._toe_lengths = np.linalg.norm(rest[_TOES] - rest[_LEGS[:, 2]], axis=1)
        self._foot_rows = rest[_FOOT_ROWS] - rest[_LEGS[:, 2]][:, None]
        hands = np.stack([rest[start : start + 21] for start in _HAND_STARTS])  # (2, 21, 3)
        self._hand_rows = hands - rest[_ARMS[:, 2]][:, None]
        bones = np.stack([hands[:, _KNUCKLES + joint + 1] - hands[:, _KNUCKLES + joint] for joint in range(3)], 2)
        self._finger_lengths = np.linalg.norm(bones, axis=-1)  # (2, 5, 3)
        known = skeleton.known
        self.has_hand = np.array([known[[s, s + 5, s + 9, s + 17]].all() for s in _HAND_STARTS])
        self.palm_frames = self._palm_frames()
        self.rest_posture = self._rest_posture(bones)

    def points(self, posture: Posture) -> Array:
        """(137, 3) keypoints in the view frame, metres, the mid-hip at the origin."""
        out = np.zeros((POINT_COUNT, 3))
        hips, chest = posture.hips, posture.chest
        spine = _halfway(hips, chest)
        out[[9, 12]] = self._hip_rows @ hips.T
        chest_pivot = hips @ self._spine_from_hips + spine @ self._chest_from_spine
        out[[1, 2, 5]] = chest_pivot + self._chest_rows @ chest.T
        head_pivot = chest_pivot + chest @ self._neck_from_chest
        head_pivot = head_pivot + _halfway(chest, posture.head) @ self._head_from_neck
        out[_HEAD_ROWS] = head_pivot + self._head_rows @ posture.head.T
        for rows, lengths, directions in (
            (_ARMS, self._arm_lengths, posture.arms),
            (_LEGS, self._leg_lengths, posture.legs),
        ):
            out[rows[:, 1]] = out[rows[:, 0]] + directions[:, 0] * lengths[:, :1]
            out[rows[:, 2]] = out[rows[:, 1]] + directions[:, 1] * lengths[:, 1:]
        self._add_feet(out, posture)
        self._add_hands(out, posture)
        return out

    def swing(self, names: tuple[str, str], parents: Array, directions: Array) -> Array:
        """(2, 3, 3) rotations of a left and a right bone from their parents' and their directions (2, 3).

        The same rule as ``BoneRig.swing``, for two bones at once.
        """
        rows = [BONE_INDEX[name] for name in names]
        local = np.einsum("nji,nj->ni", parents, directions)
        relaxed = self.rig.relaxed_directions[rows].astype(np.float64)
        return parents @ swing_rotation(relaxed, local) @ self.rig.to_relaxed[rows]

    def forearms(self, posture: Posture) -> Array:
        """(2, 3, 3) rotations of the forearms."""
        upper = self.swing(("leftUpperArm", "rightUpperArm"), _both(posture.chest), posture.arms[:, 0])
        return self.swing(("leftLowerArm", "rightLowerArm"), upper, posture.arms[:, 1])

    def shins(self, posture: Posture) -> Array:
        """(2, 3, 3) rotations of the lower legs."""
        upper = self.swing(("leftUpperLeg", "rightUpperLeg"), _both(posture.hips), posture.legs[:, 0])
        return self.swing(("leftLowerLeg", "rightLowerLeg"), upper, posture.legs[:, 1])

    def _add_feet(self, out: Array, posture: Posture) -> None:
        feet = self.swing(("leftFoot", "rightFoot"), self.shins(posture), posture.feet)
        ankles = out[_LEGS[:, 2]]
        out[_TOES] = ankles + posture.feet * self._toe_lengths[:, None]
        out[_FOOT_ROWS] = ankles[:, None] + self._foot_rows @ np.swapaxes(feet, 1, 2)

    def _add_hands(self, out: Array, posture: Posture) -> None:
        turned = np.swapaxes(posture.hands, 1, 2)
        wrists = out[_ARMS[:, 2]]
        hands = wrists[:, None] + self._hand_rows @ turned  # (2, 21, 3)
        steps = np.cumsum(posture.fingers * self._finger_lengths[..., None], axis=2)
        steps = np.einsum("hfbi,hij->hfbj", steps, turned)
        hands[:, (_KNUCKLES[:, None] + np.arange(1, 4)).ravel()] = (
            hands[:, _KNUCKLES, None] + steps
        ).reshape(2, 15, 3)
        for start, hand in zip(_HAND_STARTS, hands, strict=True):
            out[start : start + 21] = hand

    def _palm_frames(self) -> Array:
        """(2, 3, 3) bases of the rest hands, from wrist, index and little knuckles."""
        rows = self._hand_rows
        middle = (rows[:, 5] + rows[:, 17]) / 2 - rows[:, 0]
        frames = basis(middle, rows[:, 5] - rows[:, 17])
        usable = self.has_hand & (np.linalg.norm(np.cross(middle, rows[:, 5] - rows[:, 17]), axis=1) > 1e-8)
        self.has_hand = usable
        return np.where(usable[:, None, None], frames, np.eye(3))

    def _rest_posture(self, bones: Array) -> Posture:
        fingers = unit(bones)
        # a hand bends towards its palm; left and right palms lie on opposite sides of index x little
        palms = self.palm_frames[:, :, 2] * np.array([[1.0], [-1.0]])
        axes = unit(np.cross(self.palm_frames[:, :, 0], palms))
        relaxed = _turned(fingers, axes[:, None, None], _CURL[None, :, :, None])
        relaxed = np.where(self.has_hand[:, None, None, None], relaxed, fingers)
        rest = self.rest
        limbs = [np.stack([rest[r[:, 1]] - rest[r[:, 0]], rest[r[:, 2]] - rest[r[:, 1]]], 1) for r in (_ARMS, _LEGS)]
        return Posture(
            hips=np.eye(3),
            chest=np.eye(3),
            head=np.eye(3),
            arms=unit(limbs[0]),
            legs=unit(limbs[1]),
            feet=unit(rest[_TOES] - rest[_LEGS[:, 2]]),
            hands=_both(np.eye(3)),
            fingers=relaxed,
        )

    def straight_fingers(self) -> Posture:
        """The rest posture with the rest pose's own fingers, not relaxed ones."""
        rows = self._hand_rows
        bones = np.stack([rows[:, _KNUCKLES + j + 1] - rows[:, _KNUCKLES + j] for j in range(3)], 2)
        return replace(self.rest_posture, fingers=unit(bones))


def _both(rotation: Array) -> Array:
    return np.broadcast_to(rotation, (2, 3, 3))


def _chain_lengths(rest: Array, rows: npt.NDArray[np.int_]) -> Array:
    return np.linalg.norm(rest[rows[:, 1:]] - rest[rows[:, :-1]], axis=2)


def _halfway(first: Array, second: Array) -> Array:
    """(3, 3) the rotation halfway between two; opposite rotations give the first."""
    mean = first + second
    square = basis(mean[:, 0], mean[:, 1])
    return square if abs(np.linalg.det(square) - 1) < 1e-3 else first


def _turned(vectors: Array, axes: Array, angles: Array) -> Array:
    """Rodrigues' rotation of vectors about unit axes by radians."""
    cosine, sine = np.cos(angles), np.sin(angles)
    along = (vectors * axes).sum(axis=-1, keepdims=True) * axes
    return vectors * cosine + np.cross(axes, vectors) * sine + along * (1 - cosine)

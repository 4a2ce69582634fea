"""Poses in which a hand touches the body at a known place, and how far a character's hand is from that place.

A place is a point of the body's own mesh, or of its face points: the chin, the forehead, the breastbone, both
hips, a knee, or the other hand. A person's arms are solved so that the hand lies on it; a character's arms
are as they come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.character.character import builtin_files
from dance_now.character.character_file import read_character_file
from dance_now.pose.contacts.two_bone import solve_two_bones
from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig
from dance_now.pose.model.keypoints import FACE, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.model.vectors import basis, normalised
from dance_now.pose.retarget.kinematics import CharacterBody, Posture
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton

Array = npt.NDArray[np.float64]

ARMS: Final = np.array([[5, 6, 7], [2, 3, 4]])
HANDS: Final = (LEFT_HAND.start, RIGHT_HAND.start)
THICKNESS: Final = 0.012  # of an adult's height: from the middle of a hand to its palm
# Touch: hands (0 left, 1 right), each with its place, and where its elbow points (x outwards, y up, z front).
TOUCHES: Final[dict[str, tuple[tuple[int, str, tuple[float, float, float]], ...]]] = {
    "chin": ((1, "chin", (0.5, -1.0, 0.9)),),
    "forehead": ((1, "forehead", (1.0, -0.3, 0.2)),),
    "chest": ((1, "breastbone", (1.0, -0.5, -0.1)),),
    "hips": ((0, "left hip", (1.0, 0.1, -0.4)), (1, "right hip", (1.0, 0.1, -0.4))),
    "knee": ((1, "right knee", (1.0, -0.2, -0.2)),),
    "clasped": ((0, "between", (1.0, -0.6, -0.1)), (1, "between", (1.0, -0.6, -0.1))),
}
_SAME: Final = {"upperChest": "chest"}
PLACE_BONES: Final = {
    "chin": "head",
    "forehead": "head",
    "breastbone": "chest",
    "left hip": "hips",
    "right hip": "hips",
    "right knee": "rightUpperLeg",
}


@dataclass(frozen=True, eq=False)
class TouchedBody:
    """A body whose surface is known.

    Attributes:
        skeleton: of it.
        vertices: (V, 3) rest positions of its mesh, metres.
        bones: (V,) the bone that moves each most, by its number in BONE_NAMES.
    """

    skeleton: Skeleton
    vertices: Array
    bones: npt.NDArray[np.int_]

    @classmethod
    def of_avatar(cls, avatar: Avatar) -> TouchedBody:
        """A person."""
        owners = [avatar.humanoid_owner(node) for node in range(len(avatar.parents))]
        numbers = np.array([BONE_INDEX.get(_SAME.get(name or "", name or ""), -1) for name in owners])
        vertices = np.concatenate([each.positions for each in avatar.primitives]).astype(np.float64)
        bones = [
            numbers[np.take_along_axis(each.joints, each.weights.argmax(axis=1)[:, None], 1)[:, 0]]
            for each in avatar.primitives
        ]
        return cls(avatar_skeleton(avatar), vertices, np.concatenate(bones))

    @classmethod
    def of_character(cls, name: str) -> TouchedBody:
        """A built-in character that has a surface."""
        content = read_character_file(builtin_files()[name])
        joints, weights = content.arrays["joints"], content.arrays["weights"]
        most = np.take_along_axis(joints, weights.argmax(axis=1)[:, None], 1)[:, 0].astype(np.int64)
        return cls(content.card.skeleton, content.arrays["positions"].astype(np.float64), most)

    def places(self) -> dict[str, tuple[Array, Array]]:
        """Rest position and outward normal of every place."""
        rest = self.skeleton.rest.astype(np.float64)
        ears = (rest[17] + rest[18]) / 2
        crown = float(self.skeleton.bounds[1, 1])
        trunk = rest[1, 1] - rest[8, 1]
        front, aside = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
        if self.skeleton.known[FACE].all():
            face = rest[FACE]
            brows = face[[19, 24]].mean(axis=0)
            chin, forehead = face[8], brows + 0.6 * (brows - face[30])
        else:
            head = crown - ears[1]
            chin = self._frontmost("head", 0.0, ears[1] - 0.75 * head, 0.1 * head)
            forehead = self._frontmost("head", 0.0, ears[1] + 0.4 * head, 0.1 * head)
        chest = self._frontmost("chest", 0.0, rest[1, 1] - 0.25 * trunk, 0.08 * trunk)
        hips = [self._outermost(side, rest[9, 1] + 0.1 * trunk, 0.1 * trunk) for side in (1.0, -1.0)]
        knee = self._frontmost("right", float(rest[10, 0]), float(rest[10, 1]), 0.1 * trunk)
        return {
            "chin": (chin, normalised(front - [0, 0.6, 0])),
            "forehead": (forehead, front),
            "breastbone": (chest, front),
            "left hip": (hips[0], aside),
            "right hip": (hips[1], -aside),
            "right knee": (knee, front),
        }

    def _frontmost(self, part: str, x: float, y: float, reach: float) -> Array:
        near = self._part(part) & (np.hypot(self.vertices[:, 0] - x, self.vertices[:, 1] - y) < reach)
        where = self.vertices[near]
        return np.array([x, y, where[:, 2].max()]) if len(where) else np.array([x, y, 0.0])

    def _outermost(self, side: float, y: float, reach: float) -> Array:
        near = self._part("hips") & (np.abs(self.vertices[:, 1] - y) < reach)
        where = self.vertices[near]
        best = where[(side * where[:, 0]).argmax()]
        return np.array([best[0], y, best[2]])

    def _part(self, part: str) -> npt.NDArray[np.bool_]:
        names = {
            "head": ("head",),
            "chest": ("chest", "spine"),
            "hips": ("hips", "spine", "leftUpperLeg", "rightUpperLeg"),
            "right": ("rightUpperLeg", "rightLowerLeg"),
        }[part]
        return np.isin(self.bones, [BONE_INDEX[name] for name in names])


def hand_middle(points: Array, hand: int) -> Array:
    """The middle of a hand (..., 3): two fifths of the wrist, three of the middle finger's knuckle."""
    start = HANDS[hand]
    return np.asarray(0.4 * points[..., start, :] + 0.6 * points[..., start + 9, :])


def touching(body: TouchedBody, name: str) -> Posture:
    """Posture of a person who touches a place of the own body."""
    figure = CharacterBody(body.skeleton)
    posture = _standing(figure, name)
    lengths = np.linalg.norm(np.diff(body.skeleton.rest[ARMS].astype(np.float64), axis=1), axis=2)
    for _ in range(6):  # the hand turns with the forearm
        points = figure.points(posture)
        arms = posture.limbs[:2].copy()
        for hand, place, elbow in TOUCHES[name]:
            goal = _goal(body, figure, posture, points, hand, place)
            way = goal - hand_middle(points, hand) + points[ARMS[hand, 2]] - points[ARMS[hand, 0]]
            outward = np.array(elbow) * [1.0 if hand == 0 else -1.0, 1, 1]
            side = (posture.chest @ outward)[None]
            bent = _bent(way, side[0])
            arms[hand] = solve_two_bones(bent[None], lengths[hand][None], way[None], side)[0]
        limbs = np.concatenate([arms, posture.limbs[2:]])
        carriers = figure.carriers(posture.hips, posture.chest, limbs)
        posture = replace(posture, limbs=limbs, hands=carriers[:2], feet=carriers[2:])
    return posture


def place_in(body: TouchedBody, points: Array, name: str, thickness: float) -> Array:
    """Where the middle of a hand on a place is, in a pose (137, 3) of the body in metres."""
    rig = BoneRig.of(body.skeleton)
    where, normal = body.places()[name]
    bone = BONE_INDEX[PLACE_BONES[name]]
    small = points.astype(np.float32)
    turn = rig.rotations(small)[bone].astype(np.float64)
    anchor = rig.anchors(small, rig.rotations(small), np.ones((), np.float32))[bone].astype(np.float64)
    return np.asarray(anchor + turn @ (where - rig.pivots[bone] + thickness * normal))


def misses(body: TouchedBody, points: Array, name: str, thickness: float) -> list[Array]:
    """Ways (3,) from where each hand should be to where it is, for a pose (137, 3) in metres."""
    if name == "clasped":
        apart = hand_middle(points, 0) - hand_middle(points, 1)
        return [apart * (1 - 2 * thickness / max(float(np.linalg.norm(apart)), 1e-9))]
    return [
        hand_middle(points, hand) - place_in(body, points, place, thickness)
        for hand, place, _ in TOUCHES[name]
    ]


def _standing(figure: CharacterBody, name: str) -> Posture:
    """Standing, or bent forward to the knees."""
    rest = figure.rest_posture
    lean = np.radians(50.0 if name == "knee" else 0.0)
    trunk = np.array([0.0, np.cos(lean), np.sin(lean)])
    turn = basis(np.array([1.0, 0, 0]), trunk)
    thighs = [[0.1, -1, 0.9], [-0.1, -1, 0.9]] if name == "knee" else [[0.1, -1, 0.05], [-0.1, -1, 0.05]]
    shins = (
        [[0.02, -1, -0.6], [-0.02, -1, -0.6]] if name == "knee" else [[0.05, -1, -0.05], [-0.05, -1, -0.05]]
    )
    arms = [[[0.25, -1, 0.05], [0.1, -1, 0.2]], [[-0.25, -1, 0.05], [-0.1, -1, 0.2]]]
    limbs = normalised(np.array([*arms, *zip(thighs, shins, strict=True)], np.float64))
    carriers = figure.carriers(turn, turn, limbs)
    return replace(
        rest,
        trunk=trunk,
        hips=turn,
        chest=turn,
        limbs=limbs,
        hands=carriers[:2],
        feet=carriers[2:],
    )


def _goal(
    body: TouchedBody, figure: CharacterBody, posture: Posture, points: Array, hand: int, place: str
) -> Array:
    """Where the middle of a hand should be."""
    height = body.skeleton.height
    if place == "between":
        middle = 0.7 * points[1] + 0.3 * points[8] + posture.chest[:, 2] * 0.16 * height
        return middle + posture.chest[:, 0] * (0.5 - hand) * 2 * THICKNESS * height
    return place_in(body, points, place, THICKNESS * height)


def _bent(way: Array, side: Array) -> Array:
    """Two directions (2, 3) of a bent arm, whose elbow points to a side."""
    along = normalised(way)
    out = normalised(side - (side @ along) * along)
    return normalised(np.stack([along + out, along - out]))

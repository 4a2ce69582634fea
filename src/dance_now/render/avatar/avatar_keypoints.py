"""Keypoints of an avatar: OpenPose body, hands and face at rest and in a pose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.keypoints import BODY_INDEX, FACE, FINGERS, POINT_COUNT, hand_slice
from dance_now.pose.model.skeleton import Skeleton
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.face.face_points import FaceLandmarks, expression_basis, expression_names

Vector = npt.NDArray[np.float64]

_BODY_BONES: Final = {
    f"{side}_{joint}": f"{side}{bone}"
    for side in ("left", "right")
    for joint, bone in (
        ("shoulder", "UpperArm"),
        ("elbow", "LowerArm"),
        ("wrist", "Hand"),
        ("hip", "UpperLeg"),
        ("knee", "LowerLeg"),
        ("ankle", "Foot"),
    )
}
_HEAD_NAMES: Final = ("nose", "right_eye", "left_eye", "right_ear", "left_ear")
_PHALANXES: Final = ("Proximal", "Intermediate", "Distal")
# Length of a fingertip segment, in lengths of the segment before it.
_TIP: Final = 0.85
# Knuckle, two joints and tip of a default straight hand, as (along, towards the thumb) in hand lengths.
_DEFAULT_HAND: Final = {
    "Thumb": ((0.15, 0.14), (0.30, 0.27), (0.42, 0.36), (0.52, 0.43)),
    "Index": ((0.50, 0.15), (0.72, 0.17), (0.85, 0.18), (0.96, 0.19)),
    "Middle": ((0.51, 0.04), (0.75, 0.04), (0.89, 0.04), (1.00, 0.04)),
    "Ring": ((0.48, -0.07), (0.70, -0.08), (0.84, -0.09), (0.95, -0.09)),
    "Little": ((0.44, -0.17), (0.60, -0.20), (0.70, -0.22), (0.79, -0.23)),
}


def avatar_skeleton(
    avatar: Avatar, face: FaceLandmarks | None = None, hide: tuple[str, ...] = ()
) -> Skeleton:
    """Rest keypoints of an avatar as a skeleton; joints without bones get default positions.

    Args:
        avatar: whose.
        face: its landmarks, from ``face_landmarks``; without them the 70 are unknown, and nose, eyes and
            ears are estimated from the eye bones or the size of the head.
        hide: names of parts that do not belong to the figure (weapons).
    """
    low, high = avatar.bounds(hide)
    rest = np.zeros((POINT_COUNT, 3))
    known = np.ones(POINT_COUNT, np.bool_)
    for name, bone in _BODY_BONES.items():
        rest[BODY_INDEX[name]] = avatar.rest_position(bone)
    rest[BODY_INDEX["neck"]] = (rest[2] + rest[5]) / 2
    rest[BODY_INDEX["mid_hip"]] = (rest[9] + rest[12]) / 2
    for side in ("left", "right"):
        _place_foot(rest, avatar, side, floor=float(low[1]))
        rest[hand_slice(side)] = _hand(avatar, side)
    known[FACE] = False
    if face is not None:
        rest[FACE] = face.positions(avatar, avatar.rest_world)
        known[FACE] = face.trusted
        # Nose and ears come from the face's nose and the ends of its jaw, where those can be trusted.
        trusted = face.trusted[[30, 36, 42, 0, 16], None]
        head = np.where(trusted, face.body_points(avatar, avatar.rest_world), _head_points(avatar))
    else:
        head = _head_points(avatar)
    for name, position in zip(_HEAD_NAMES, head, strict=True):
        rest[BODY_INDEX[name]] = position
    pivots = np.stack([avatar.rest_position(bone) for bone in _pivot_bones(avatar)])
    names = expression_names(avatar) if face is not None else ()
    moves = expression_basis(avatar, face, names) * known[FACE, None] if face is not None and names else ()
    return Skeleton(
        rest.astype(np.float32),
        known,
        pivots.astype(np.float32),
        np.stack([low, high]).astype(np.float32),
        {name: move.astype(np.float32) for name, move in zip(names, moves, strict=True)},
    )


def place_keypoints(
    avatar: Avatar,
    world: npt.NDArray[np.float64],
    points: FloatArray,
    face: FaceLandmarks | None = None,
    expressions: Mapping[str, float] | None = None,
) -> FloatArray:
    """Keypoints (137, 3) of a posed avatar, metres, character frame.

    Args:
        avatar: whose.
        world: (N, 4, 4) from ``Avatar.pose``.
        points: (137, 3) keypoints of the pose relative to the middle of the hips, see ``SolvedPoses``.
        face: its face points; they follow skin and expression.
        expressions: expression -> weight in [0, 1].
    """
    hips = [world[avatar.bones[bone], :3, 3] for bone in ("leftUpperLeg", "rightUpperLeg")]
    placed = points + np.mean(hips, axis=0)
    if face is not None:
        placed[FACE] = face.positions(avatar, world, expressions)
    result: FloatArray = placed.astype(np.float32)
    return result


def _pivot_bones(avatar: Avatar) -> tuple[str, str, str, str]:
    """Pivot bones of spine, chest, neck and head."""
    upper = [bone for bone in ("chest", "upperChest") if bone in avatar.bones]
    spine = "spine" if "spine" in avatar.bones else upper[0] if upper else "hips"
    chest = upper[0] if upper else spine
    return spine, chest, "neck" if "neck" in avatar.bones else "head", "head"


def _place_foot(rest: Vector, avatar: Avatar, side: str, floor: float) -> None:
    """Places toes in front of the ankle, and the heel behind and below it."""
    ankle = rest[BODY_INDEX[f"{side}_ankle"]]
    knee = rest[BODY_INDEX[f"{side}_knee"]]
    height = max(float(ankle[1]) - floor, 0.05 * float(np.linalg.norm(knee - ankle)))
    outward = np.array([1.0 if side == "left" else -1.0, 0, 0])
    bone = f"{side}Toes"
    toe = avatar.rest_position(bone) if bone in avatar.bones else ankle
    if np.linalg.norm(toe - ankle) < 0.2 * height:
        length = max(1.3 * height, 0.35 * float(np.linalg.norm(knee - ankle)))
        toe = ankle + np.array([0, -0.85 * height, length])
    forward = _unit((toe - ankle) * np.array([1, 0, 1]))
    sideways = _unit(outward - forward * (outward @ forward))
    length = float((toe - ankle) @ forward)
    rest[BODY_INDEX[f"{side}_big_toe"]] = toe - 0.12 * length * sideways
    rest[BODY_INDEX[f"{side}_small_toe"]] = toe + 0.3 * length * sideways - 0.12 * length * forward
    rest[BODY_INDEX[f"{side}_heel"]] = ankle - 0.35 * length * forward - np.array([0, 0.8 * height, 0])


def _hand(avatar: Avatar, side: str) -> Vector:
    """Hand keypoints (21, 3); fingers without bones are interpolated from their neighbours or default."""
    wrist = avatar.rest_position(f"{side}Hand")
    invented = _default_hand(avatar, side, wrist)
    chains = {finger: _finger(avatar, side, finger, wrist) for finger in FINGERS}
    rows = [wrist[None]]
    for number, finger in enumerate(FINGERS):
        chain = chains[finger]
        if chain is None and 1 < number < 4:
            before, after = chains[FINGERS[number - 1]], chains[FINGERS[number + 1]]
            if before is not None and after is not None:
                chain = (before + after) / 2
        rows.append(invented[finger] if chain is None else chain)
    return np.concatenate(rows)


def _finger(avatar: Avatar, side: str, finger: str, wrist: Vector) -> Vector | None:
    """Finger joints and tip (4, 3); None without bones."""
    names = [f"{side}{finger}{phalanx}" for phalanx in _PHALANXES]
    joints = [avatar.rest_position(name) for name in names if name in avatar.bones]
    if not joints:
        return None
    segment = joints[-1] - joints[-2] if len(joints) > 1 else 0.3 * (joints[0] - wrist)
    while len(joints) < 4:
        segment = _TIP * segment
        joints.append(joints[-1] + segment)
    return np.stack(joints)


def _default_hand(avatar: Avatar, side: str, wrist: Vector) -> dict[str, Vector]:
    """Default straight hand, (4, 3) per finger, as long as the mesh beyond the wrist, thumb to the front."""
    along = _unit(wrist - avatar.rest_position(f"{side}LowerArm"))
    mesh = _vertices_of(avatar, f"{side}Hand")
    reach = float(np.quantile((mesh - wrist) @ along, 0.98)) if len(mesh) else 0.0
    forearm = float(np.linalg.norm(wrist - avatar.rest_position(f"{side}LowerArm")))
    length = reach if 0.15 * forearm < reach < 2 * forearm else 0.6 * forearm
    front = np.array([0.0, 0.0, 1.0])
    thumbwards = _unit(front - along * (front @ along))
    return {
        finger: np.stack([wrist + length * (ahead * along + aside * thumbwards) for ahead, aside in chain])
        for finger, chain in _DEFAULT_HAND.items()
    }


def _vertices_of(avatar: Avatar, bone: str) -> Vector:
    """Rest positions (n, 3) of the vertices whose strongest weight is a bone or its descendants."""
    found = []
    for primitive, (positions, _) in zip(
        avatar.primitives, avatar.mesh_points(avatar.rest_world), strict=True
    ):
        strongest = primitive.joints[np.arange(len(positions)), primitive.weights.argmax(axis=1)]
        owners = {node: avatar.humanoid_owner(int(node)) for node in np.unique(strongest)}
        found.append(positions[[owners[node] == bone for node in strongest]])
    return np.concatenate(found).astype(np.float64)


def _head_points(avatar: Avatar) -> Vector:
    """Head keypoints (5, 3): nose, right eye, left eye, right ear, left ear, from eye bones or head size."""
    base = avatar.rest_position("head")
    mesh = _vertices_of(avatar, "head")
    if len(mesh) < 8:
        neck = avatar.rest_position("neck") if "neck" in avatar.bones else base - np.array([0, 0.1, 0])
        size = 2 * float(np.linalg.norm(base - neck))
        mesh = base + size * np.array([[0.4, 0.5, 0.4], [-0.4, 0.5, 0.4], [0.4, 0, -0.4], [-0.4, 1, -0.4]])
    top = float(np.quantile(mesh[:, 1], 0.98))
    height = max(top - float(base[1]), 1e-3)
    eyes = base + np.array([0, 0.36 * height, 0])
    if "leftEye" in avatar.bones and "rightEye" in avatar.bones:
        eyes = (avatar.rest_position("leftEye") + avatar.rest_position("rightEye")) / 2
    band = mesh[np.abs(mesh[:, 1] - eyes[1]) < 0.15 * height]
    band = band if len(band) > 3 else mesh
    side = 0.92 * float(np.quantile(np.abs(band[:, 0] - base[0]), 0.95))
    midline = mesh[(np.abs(mesh[:, 0] - base[0]) < 0.15 * side) & (mesh[:, 1] < eyes[1] + 0.05 * height)]
    front = float(midline[:, 2].max()) if len(midline) else float(np.quantile(band[:, 2], 0.95))
    back = float(np.quantile(band[:, 2], 0.05))
    middle = (front + back) / 2
    nose = np.array([base[0], eyes[1] - 0.14 * height, front])
    eye_depth = middle + 0.85 * (front - middle)
    points = [nose]
    points += [np.array([base[0] + sign * 0.42 * side, eyes[1], eye_depth]) for sign in (-1, 1)]
    points += [np.array([base[0] + sign * side, eyes[1] - 0.06 * height, middle]) for sign in (-1, 1)]
    return np.stack(points)


def _unit(vector: Vector) -> Vector:
    result: Vector = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return result

"""BVH writer: exports motions for animation programs.

Source: the Biovision BVH format as described by Meredith and Maddock, "Motion Capture File Formats Explained"
(2001). Metres, y up, facing +z at rest; joints are named after VRM's humanoid bones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.bone_rule import BONE_INDEX, SWING_LEVELS, BoneRig
from dance_now.pose.model.keypoints import LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.skeleton import TRUNK_PIVOTS, Skeleton
from dance_now.pose.retarget.retargeter import Retargeted

Array = npt.NDArray[np.float64]

_PARENTS: Final = {
    "spine": "hips",
    "chest": "spine",
    "neck": "chest",
    "head": "neck",
    "leftHand": "leftLowerArm",
    "rightHand": "rightLowerArm",
    **{swing.name: swing.parent for level in SWING_LEVELS for swing in level},
    "leftToes": "leftFoot",
    "rightToes": "rightFoot",
}
# Toes do not bend, but programs that read them get the direction of the foot.
_TOES: Final = {"leftToes": 19, "rightToes": 22}
_TOE_SHARE: Final = 0.3  # of the foot's length
_ENDS: Final = {
    swing.name: swing.end for level in SWING_LEVELS for swing in level
}  # keypoint a bone points to
_HIP: Final = 8
_SOLES: Final = [19, 20, 21, 22, 23, 24]


def bvh_text(skeleton: Skeleton, motion: Sequence[Retargeted | None], frame_time: float) -> str:
    """Formats a motion as the text of a BVH file.

    Args:
        skeleton: the body that the motion is for.
        motion: one entry per frame; None repeats the last one (at the beginning: the first one), so that the
            motions of all people in a clip share one clock.
        frame_time: seconds per frame.

    Raises:
        ValueError: a motion without any frame that is not None.
    """
    seen = [each for each in motion if each is not None]
    if not seen:
        raise ValueError("a motion needs at least one frame")
    bones = _bones()
    rotations, places = _local(skeleton, bones, seen)
    latest = np.maximum(np.cumsum([each is not None for each in motion]) - 1, 0)
    lines = ["HIERARCHY", *_hierarchy(skeleton, "hips", 0), "MOTION"]
    lines += [f"Frames: {len(motion)}", f"Frame Time: {frame_time:.7f}"]
    angles = np.degrees(np.unwrap(_zxy(rotations), axis=0)).reshape(len(seen), -1)
    rows = np.column_stack([places, angles])
    lines += [" ".join(f"{value:.5f}" for value in rows[frame]) for frame in latest]
    return "\n".join(lines) + "\n"


def _children(bone: str) -> list[str]:
    return [child for child, parent in _PARENTS.items() if parent == bone]


def _bones(bone: str = "hips") -> list[str]:
    """Bones in depth-first order: each before its children."""
    return [bone, *(each for child in _children(bone) for each in _bones(child))]


def _pivot(skeleton: Skeleton, bone: str) -> Array:
    """Rest position (3,) of a bone's pivot."""
    if bone in TRUNK_PIVOTS:
        return skeleton.pivots[TRUNK_PIVOTS.index(bone)].astype(np.float64)
    if bone.endswith("Hand"):
        start = LEFT_HAND.start if bone.startswith("left") else RIGHT_HAND.start
        return skeleton.rest[start].astype(np.float64)
    if bone in _TOES:
        return skeleton.rest[_TOES[bone]].astype(np.float64)
    swings = {swing.name: swing.start for level in SWING_LEVELS for swing in level}
    return skeleton.rest[swings.get(bone, _HIP)].astype(np.float64)


def _end(skeleton: Skeleton, bone: str) -> Array:
    """Rest position (3,) of the end of a bone without children."""
    if bone == "head":
        return np.array([0.0, skeleton.height + skeleton.bounds[0, 1], 0.0])
    if bone in _TOES:
        foot = _pivot(skeleton, bone) - _pivot(skeleton, _PARENTS[bone])
        return _pivot(skeleton, bone) + _TOE_SHARE * foot * [1, 0, 1]
    return skeleton.rest[_ENDS[bone]].astype(np.float64)


def _hierarchy(skeleton: Skeleton, bone: str, depth: int) -> list[str]:
    """Lines of a joint and its descendants."""
    tab, inner = "\t" * depth, "\t" * (depth + 1)
    parent = _PARENTS.get(bone)
    offset = _pivot(skeleton, bone) - (_pivot(skeleton, parent) if parent else 0.0)
    positions = "" if parent else "Xposition Yposition Zposition "
    lines = [
        f"{tab}{'JOINT' if parent else 'ROOT'} {bone[0].upper()}{bone[1:]}",
        f"{tab}{{",
        f"{inner}OFFSET {_numbers(offset)}",
        f"{inner}CHANNELS {3 if parent else 6} {positions}Zrotation Xrotation Yrotation",
    ]
    children = _children(bone)
    for child in children:
        lines += _hierarchy(skeleton, child, depth + 1)
    if not children:
        end = _end(skeleton, bone) - _pivot(skeleton, bone)
        lines += [f"{inner}End Site", f"{inner}{{", f"{inner}\tOFFSET {_numbers(end)}", f"{inner}}}"]
    return [*lines, f"{tab}}}"]


def _numbers(vector: Array) -> str:
    return " ".join(f"{value:.6f}" for value in vector)


def _local(skeleton: Skeleton, bones: Sequence[str], motion: Sequence[Retargeted]) -> tuple[Array, Array]:
    """Local rotations (n, bones, 3, 3) relative to each bone's parent, and hip positions (n, 3), metres."""
    view = np.stack([each.pose.points * [1, -1, 0] for each in motion])
    view[..., 2] = -np.stack([each.pose.depth for each in motion])
    turns = BoneRig.of(skeleton).rotations(view.astype(np.float32)).astype(np.float64)
    local = []
    for bone in bones:
        if bone in _TOES:
            local.append(np.broadcast_to(np.eye(3), (len(motion), 3, 3)))
            continue
        own = turns[:, BONE_INDEX[bone]]
        parent = _PARENTS.get(bone)
        local.append(own if parent is None else np.swapaxes(turns[:, BONE_INDEX[parent]], 1, 2) @ own)
    scale = np.array([each.scale for each in motion])[:, None]
    places = view[:, _HIP] / scale
    # at first the hips are over the origin and the soles on the ground
    ground = (view[0, _SOLES, 1].min() / scale[0]).item()
    places -= np.array([places[0, 0], ground, places[0, 2]])
    return np.stack(local, axis=1), places


def _zxy(rotations: Array) -> Array:
    """Euler angles (..., 3) in radians about z, x and y, in this order."""
    x = np.arcsin(np.clip(rotations[..., 2, 1], -1.0, 1.0))
    z = np.arctan2(-rotations[..., 0, 1], rotations[..., 1, 1])
    y = np.arctan2(-rotations[..., 2, 0], rotations[..., 2, 2])
    return np.stack([z, x, y], axis=-1)

"""BVH writer: exports motions for animation programs.

Source: the Biovision BVH format as described by Meredith and Maddock, "Motion Capture File Formats Explained"
(2001). Metres, y up, facing +z at rest; joints are named after VRM's humanoid bones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.formats.humanoid_motion import (
    BONE_PARENTS,
    TOES,
    bone_offset,
    bone_pivot,
    bones_in_order,
    child_bones,
    hip_places,
    local_rotations,
    view_points,
)
from dance_now.pose.model.bone_rule import SWING_LEVELS, BoneRig
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.retarget.retargeter import Retargeted

Array = npt.NDArray[np.float64]

_TOE_SHARE: Final = 0.3  # of the foot's length
_ENDS: Final = {
    swing.name: swing.end for level in SWING_LEVELS for swing in level
}  # keypoint a bone points to


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
    view = view_points(seen)
    rotations = local_rotations(BoneRig.of(skeleton), bones_in_order(), view)
    places = hip_places(view, np.array([each.scale for each in seen]))
    latest = np.maximum(np.cumsum([each is not None for each in motion]) - 1, 0)
    lines = ["HIERARCHY", *_hierarchy(skeleton, "hips", 0), "MOTION"]
    lines += [f"Frames: {len(motion)}", f"Frame Time: {frame_time:.7f}"]
    angles = np.degrees(np.unwrap(_zxy(rotations), axis=0)).reshape(len(seen), -1)
    rows = np.column_stack([places, angles])
    lines += [" ".join(f"{value:.5f}" for value in rows[frame]) for frame in latest]
    return "\n".join(lines) + "\n"


def _end(skeleton: Skeleton, bone: str) -> Array:
    """Rest position (3,) of the end of a bone without children."""
    if bone == "head":
        return np.array([0.0, skeleton.height + skeleton.bounds[0, 1], 0.0])
    if bone in TOES:
        foot = bone_pivot(skeleton, bone) - bone_pivot(skeleton, BONE_PARENTS[bone])
        return bone_pivot(skeleton, bone) + _TOE_SHARE * foot * [1, 0, 1]
    return skeleton.rest[_ENDS[bone]].astype(np.float64)


def _hierarchy(skeleton: Skeleton, bone: str, depth: int) -> list[str]:
    """Lines of a joint and its descendants."""
    tab, inner = "\t" * depth, "\t" * (depth + 1)
    parent = BONE_PARENTS.get(bone)
    offset = bone_offset(skeleton, bone)
    positions = "" if parent else "Xposition Yposition Zposition "
    lines = [
        f"{tab}{'JOINT' if parent else 'ROOT'} {bone[0].upper()}{bone[1:]}",
        f"{tab}{{",
        f"{inner}OFFSET {_numbers(offset)}",
        f"{inner}CHANNELS {3 if parent else 6} {positions}Zrotation Xrotation Yrotation",
    ]
    children = child_bones(bone)
    for child in children:
        lines += _hierarchy(skeleton, child, depth + 1)
    if not children:
        end = _end(skeleton, bone) - bone_pivot(skeleton, bone)
        lines += [f"{inner}End Site", f"{inner}{{", f"{inner}\tOFFSET {_numbers(end)}", f"{inner}}}"]
    return [*lines, f"{tab}}}"]


def _numbers(vector: Array) -> str:
    return " ".join(f"{value:.6f}" for value in vector)


def _zxy(rotations: Array) -> Array:
    """Euler angles (..., 3) in radians about z, x and y, in this order."""
    x = np.arcsin(np.clip(rotations[..., 2, 1], -1.0, 1.0))
    z = np.arctan2(-rotations[..., 0, 1], rotations[..., 1, 1])
    y = np.arctan2(-rotations[..., 2, 0], rotations[..., 2, 2])
    return np.stack([z, x, y], axis=-1)

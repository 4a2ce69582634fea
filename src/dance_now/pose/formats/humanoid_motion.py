"""Humanoid skeleton and local bone transforms of a retargeted motion, as animation programs expect them.

Bones have the names of VRM's humanoid. Character frame: x to the character's left, y up, z to its front;
metres.
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

BONE_PARENTS: Final = {
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
"""Parent of each bone but the hips. Toes do not bend, but show the foot's direction."""
TOES: Final = {"leftToes": 19, "rightToes": 22}
"""Keypoint at which each toe bone begins."""

_HIP: Final = 8
_SOLES: Final = [19, 20, 21, 22, 23, 24]
_STARTS: Final = {swing.name: swing.start for level in SWING_LEVELS for swing in level}


def child_bones(bone: str) -> list[str]:
    """Bones that hang on a bone."""
    return [child for child, parent in BONE_PARENTS.items() if parent == bone]


def bones_in_order(bone: str = "hips") -> list[str]:
    """A bone and all below it, depth first: each before its children."""
    return [bone, *(each for child in child_bones(bone) for each in bones_in_order(child))]


def bone_pivot(skeleton: Skeleton, bone: str) -> Array:
    """Rest position (3,) about which a bone turns."""
    if bone in TRUNK_PIVOTS:
        return skeleton.pivots[TRUNK_PIVOTS.index(bone)].astype(np.float64)
    if bone.endswith("Hand"):
        start = LEFT_HAND.start if bone.startswith("left") else RIGHT_HAND.start
        return skeleton.rest[start].astype(np.float64)
    return skeleton.rest[TOES.get(bone, _STARTS.get(bone, _HIP))].astype(np.float64)


def bone_offset(skeleton: Skeleton, bone: str) -> Array:
    """Rest position (3,) of a bone relative to its parent's; of the hips where they are."""
    parent = BONE_PARENTS.get(bone)
    pivot = bone_pivot(skeleton, bone)
    return pivot if parent is None else pivot - bone_pivot(skeleton, parent)


def view_points(motion: Sequence[Retargeted]) -> Array:
    """Keypoints (n, 137, 3) of retargeted poses in the view frame, pixels: x right, y up, z to the viewer."""
    view = np.stack([each.pose.points * [1, -1, 0] for each in motion]).astype(np.float64)
    view[..., 2] = -np.stack([each.pose.depth for each in motion])
    return view


def local_rotations(rig: BoneRig, bones: Sequence[str], view: Array) -> Array:
    """Rotations (n, bones, 3, 3) relative to each bone's parent.

    Args:
        rig: of the body.
        bones: names of n bones.
        view: (n, 137, 3) keypoints in the view frame.
    """
    turns = rig.rotations(view.astype(np.float32)).astype(np.float64)
    local = []
    for bone in bones:
        if bone in TOES:
            local.append(np.broadcast_to(np.eye(3), (len(view), 3, 3)))
            continue
        own = turns[:, BONE_INDEX[bone]]
        parent = BONE_PARENTS.get(bone)
        local.append(own if parent is None else np.swapaxes(turns[:, BONE_INDEX[parent]], 1, 2) @ own)
    return np.stack(local, axis=1)


def hip_places(view: Array, scales: Array) -> Array:
    """Positions (n, 3) of the hips, metres; at first they are over the origin and the soles on the ground.

    Args:
        view: (n, 137, 3) keypoints in the view frame, pixels.
        scales: (n,) pixels per metre.
    """
    return view[:, _HIP] / scales[:, None] - place_origin(view[0], float(scales[0]))


def place_origin(view: Array, scale: float) -> Array:
    """Point (3,) on the ground below the hips of a pose (137, 3), metres."""
    hips = view[_HIP] / scale
    return np.array([hips[0], view[_SOLES, 1].min() / scale, hips[2]])

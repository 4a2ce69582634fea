"""Motion joints, and the tracks of them that all readers of motion files return."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.formats3d.humanoid.skeleton_matching import find_humanoid_bones

_SIDES: Final = ("left", "right")
_SIDE_JOINTS: Final = ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
_TOES: Final = ("leftToes", "rightToes")
JOINT_NAMES: Final = ("hips", "head", *(side + joint for side in _SIDES for joint in _SIDE_JOINTS), *_TOES)
"""Joints of a motion, with the names of VRM's humanoid bones."""
JOINT_INDEX: Final = {name: index for index, name in enumerate(JOINT_NAMES)}


@dataclass(frozen=True, eq=False)
class JointTracks:
    """World transforms of J joints over time, in the file's own axes and unit; the output of motion readers.

    Attributes:
        name: of the motion, safe as a file name.
        skeleton: equal for motions of the same skeleton.
        frame_time: seconds per frame.
        joints: joint of JOINT_NAMES -> column below; toes may be missing.
        rotations: (1 + frames, J, 3, 3) world rotations; the first row is the skeleton's zero pose.
        positions: (1 + frames, J, 3) world positions, likewise.
        zero_is_reference: whether the format defines the zero pose as T-pose.
        keeps_world: whether the format defines the world's axes as those of the zero pose.
    """

    name: str
    skeleton: str
    frame_time: float
    joints: dict[str, int]
    rotations: FloatArray
    positions: FloatArray
    zero_is_reference: bool = False
    keeps_world: bool = False


def match_joint_names(names: Sequence[str]) -> dict[str, int]:
    """Matches a file's joint names (parents before children) to JOINT_NAMES: joint -> index.

    Names of all families of ``skeleton_families`` are known. Toes may be absent.

    Raises:
        DanceNowError: an unknown skeleton, or one without an arm or a leg, which the message names.
    """
    bones = find_humanoid_bones(names)
    found = {joint: bones[joint] for joint in JOINT_NAMES if joint in bones}
    if len(found) < len(JOINT_NAMES) // 2:
        first = names[0][:40] if names else ""
        raise DanceNowError(f"unknown skeleton: its joint names match no supported rig (first: {first!r}).")
    require_limbs(found)
    return found


def require_limbs(joints: dict[str, int]) -> None:
    """Checks that all joints but the toes are present.

    Raises:
        DanceNowError: missing joints, which the message names.
    """
    missing = [joint for joint in JOINT_NAMES if joint not in joints and joint not in _TOES]
    if missing:
        raise DanceNowError(f"this skeleton has no {', '.join(missing)}.")


def has_toes(joints: dict[str, int]) -> bool:
    """Whether both toe joints are present."""
    return all(joint in joints for joint in _TOES)


def joint_columns(joints: dict[str, int]) -> list[int]:
    """Columns of JOINT_NAMES in order; feet replace missing toes."""
    return [joints.get(joint, joints[joint.replace("Toes", "Foot")]) for joint in JOINT_NAMES]


def normalised_joint_name(name: str) -> str:
    """Normalises a joint name: lower case, no name space or separators."""
    return re.sub(r"^.*[:|]|[ _.\-]", "", name).lower()

"""Duplicate detection among motions, so that no recording is in both splits of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import unit
from dance_now.synthesis.poses.motion import JOINT_INDEX, Motion
from dance_now.synthesis.poses.motion_alignment import body_axes

_BONES: Final = tuple(
    (JOINT_INDEX[side + start], JOINT_INDEX[side + end])
    for side in ("left", "right")
    for start, end in (
        ("UpperArm", "LowerArm"),
        ("LowerArm", "Hand"),
        ("UpperLeg", "LowerLeg"),
        ("LowerLeg", "Foot"),
    )
)
# Copies of one recording on two skeletons differ by up to 0.3 in the median, different recordings by
# 0.5 and more; in between are takes of the same walk, which count as duplicates.
_DUPLICATE_DISTANCE: Final = 0.35
_LENGTH_DIFFERENCE: Final = 3
_MINIMUM_FRAMES: Final = 8


def group_duplicates(motions: Sequence[Motion]) -> list[list[Motion]]:
    """Groups motions: duplicates together, all others alone; order is kept."""
    features = [_limb_directions(motion) for motion in motions]
    group = list(range(len(motions)))
    for first in range(len(motions)):
        for second in range(first + 1, len(motions)):
            if group[first] != group[second] and _is_duplicate(features[first], features[second]):
                old, new = group[second], group[first]
                group = [new if number == old else number for number in group]
    members: dict[int, list[Motion]] = {}
    for number, motion in zip(group, motions, strict=True):
        members.setdefault(number, []).append(motion)
    return list(members.values())


def _limb_directions(motion: Motion) -> FloatArray:
    """Limb directions (frames, 24), in the body's frame."""
    positions = motion.positions[list(motion.frames)]
    axes = body_axes(positions)
    directions = [
        np.einsum("nji,nj->ni", axes, unit(positions[:, end] - positions[:, start])) for start, end in _BONES
    ]
    joined: FloatArray = np.concatenate(directions, axis=1).astype(np.float32)
    return joined


def _is_duplicate(first: FloatArray, second: FloatArray) -> bool:
    """Whether two clips (n, 24) of nearly the same length agree frame by frame at their end."""
    shared = min(len(first), len(second))
    if abs(len(first) - len(second)) > _LENGTH_DIFFERENCE or shared < _MINIMUM_FRAMES:
        return False
    one, other = first[-shared:], second[-shared:]
    for shift in (-1, 0, 1):
        ahead, behind = max(shift, 0), max(-shift, 0)
        differences = one[ahead : shared - behind] - other[behind : shared - ahead]
        if float(np.median(np.linalg.norm(differences, axis=1))) < _DUPLICATE_DISTANCE:
            return True
    return False

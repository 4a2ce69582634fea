"""Alignment of motions: body frames, distance from a T-pose, which way is up, front and level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.formats3d.motion.motion_joints import JOINT_INDEX
from dance_now.pose.model.bone_rule import basis, unit

_FRONT_SECONDS: Final = 1.0
_TURNING: Final = 0.3  # mean of unit vectors: below, a clip turns on the spot in its first second


def body_axes(positions: FloatArray) -> FloatArray:
    """Body frame (..., 3, 3): columns are left, up and front, from joints (..., 16, 3)."""
    left = positions[..., JOINT_INDEX["leftUpperLeg"], :] - positions[..., JOINT_INDEX["rightUpperLeg"], :]
    top = positions[..., JOINT_INDEX["leftUpperArm"], :] + positions[..., JOINT_INDEX["rightUpperArm"], :]
    low = positions[..., JOINT_INDEX["leftUpperLeg"], :] + positions[..., JOINT_INDEX["rightUpperLeg"], :]
    return basis(left, top - low)


def t_pose_distance(positions: FloatArray) -> FloatArray:
    """T-pose distance (frames,): mean angle in degrees between limbs (frames, 16, 3) and a T-pose's."""
    axes = body_axes(positions)
    angles = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for bone, child, wanted in (
            ("UpperArm", "LowerArm", (sign, 0, 0)),
            ("LowerArm", "Hand", (sign, 0, 0)),
            ("UpperLeg", "LowerLeg", (0, -1, 0)),
            ("LowerLeg", "Foot", (0, -1, 0)),
        ):
            start, end = JOINT_INDEX[f"{side}{bone}"], JOINT_INDEX[f"{side}{child}"]
            local = np.einsum("fji,fj->fi", axes, unit(positions[:, end] - positions[:, start]))
            angles.append(np.degrees(np.arccos(np.clip(local @ np.asarray(wanted, np.float32), -1, 1))))
    head = unit(positions[:, JOINT_INDEX["head"]] - positions[:, JOINT_INDEX["hips"]])
    upright = np.degrees(np.arccos(np.clip(np.einsum("fj,fj->f", axes[..., 1], head), -1, 1)))
    return np.mean([*angles, 4 * upright], axis=0)


def most_usual_up(positions: FloatArray) -> FloatArray:
    """Up (3,): the coordinate axis nearest to the bodies' own up in most frames (n, 16, 3)."""
    bodies = body_axes(positions)[..., 1]
    axes = np.abs(bodies).argmax(axis=1)
    signs = np.sign(np.take_along_axis(bodies, axes[:, None], axis=1)[:, 0])
    votes = {(int(a), float(s)): int(((axes == a) & (signs == s)).sum()) for a in range(3) for s in (-1, 1)}
    axis, sign = max(votes, key=lambda vote: votes[vote])
    up = np.zeros(3, np.float32)
    up[axis] = sign
    return up


def pose_alignment(pose: FloatArray, up: FloatArray) -> FloatArray:
    """Alignment rotation (3, 3): ``up`` becomes y, and a pose (16, 3) faces +z."""
    left = body_axes(pose)[:, 0]
    return basis(left - up * (up @ left), up).T


def clip_alignment(positions: FloatArray, usable: Sequence[int], frame_time: float) -> FloatArray:
    """Alignment of a clip: up is what most frames say, the front that of its first second.

    Args:
        positions: (n, 16, 3) of all frames.
        usable: frames that are no calibration poses.
        frame_time: seconds.
    """
    begin = usable[0] if usable else 0
    first = positions[begin : begin + max(1, round(_FRONT_SECONDS / frame_time))]
    up = most_usual_up(positions[list(usable)] if usable else positions)
    left = body_axes(first)[..., 0]
    flat = (left - (left @ up)[:, None] * up).mean(axis=0)
    if np.linalg.norm(flat) < _TURNING:  # it turns on the spot
        return pose_alignment(first[0], up)
    return basis(flat, up).T


def level_head(head: FloatArray, positions: FloatArray, reference: FloatArray) -> FloatArray:
    """Reference rotation of the head under which its median pitch is level.

    Args:
        head: (n, 3, 3) world rotations, aligned.
        positions: (n, 16, 3) aligned.
        reference: (3, 3) of a pose that is far from a T-pose.
    """
    fronts = (head @ reference.T)[..., 2]
    bodies = body_axes(positions)[..., 2] * (1, 0, 1)
    ahead = np.abs(np.einsum("fj,fj->f", unit(bodies), fronts))
    angle = float(np.median(np.arctan2(-fronts[:, 1], np.maximum(ahead, 1e-6))))
    cosine, sine = np.cos(angle), np.sin(angle)
    nod = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]], np.float32)
    level: FloatArray = nod @ reference
    return level

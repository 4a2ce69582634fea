"""Short clips of motion for the temporal lifter: the library's, mixed, with made-up arms, and made up whole.

Clips are sampled at ``CLIP_RATE`` frames a second, as far apart as the network looks from frame to frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig
from dance_now.synthesis.avatar_clip import hip_trajectory
from dance_now.synthesis.poses.avatar_poser import (
    PoseTarget,
    SolvedPoses,
    motion_target,
    pelvis_heading,
    solve_poses,
)
from dance_now.synthesis.poses.hand_shapes import random_fingers
from dance_now.synthesis.poses.motion import Motion
from dance_now.synthesis.poses.procedural_poses import random_target

Array = npt.NDArray[np.float64]

CLIP_FRAMES: Final = 12
CLIP_RATE: Final = 10
_STEP: Final = 3  # frames of motion, 30 a second, between two of a clip
_MOTION_FRAMES: Final = CLIP_FRAMES * _STEP
_OTHER_LEGS, _MADE_UP_ARMS, _MADE_UP = 0.2, 0.2, 0.2  # shares of the clips
_FAST, _BACKWARDS = 0.15, 0.2
_KEY_POSES: Final = 4
_ARMS: Final = [BONE_INDEX[side + bone] for side in ("left", "right") for bone in ("UpperArm", "LowerArm")]
_LEGS: Final = [
    BONE_INDEX[side + bone] for side in ("left", "right") for bone in ("UpperLeg", "LowerLeg", "Foot")
]
_FINGERS: Final = [row for row in BONE_INDEX.values() if row not in {*_ARMS, *_LEGS}]
_VECTORS: Final = ("trunk", "hips", "shoulders", "directions")


@dataclass(frozen=True, eq=False)
class MotionClip:
    """A clip of one body.

    Attributes:
        poses: of CLIP_FRAMES frames.
        turns: (n, 3, 3) of the body about y; it faces the front at first.
        points: (n, 137, 3) metres, turned, relative to the hips.
        hips: (n, 3) middle of the hips, metres.
    """

    poses: SolvedPoses
    turns: Array
    points: Array
    hips: Array


def sample_clip(
    rig: BoneRig, leg: float, motions: Sequence[Motion], generator: np.random.Generator
) -> MotionClip:
    """Samples one clip.

    Args:
        rig: of the body.
        leg: length of its leg, metres.
        motions: of the library.
        generator: random generator.
    """
    shares = np.sqrt([len(motion.frames) for motion in motions])
    motion = motions[int(generator.choice(len(motions), p=shares / shares.sum()))]
    frames = _frames(motion, generator)
    target = _target(rig, motion, frames, generator)
    heading = pelvis_heading(motion, frames).transpose(0, 2, 1).astype(np.float64)
    kind = generator.random()
    if kind < _OTHER_LEGS:
        other = motions[int(generator.integers(len(motions)))]
        legs = _target(rig, other, _frames(other, generator), generator)
        target.directions[:, _LEGS] = legs.directions[:, _LEGS]
        target.hips[:] = legs.hips
    elif kind < _OTHER_LEGS + _MADE_UP_ARMS + _MADE_UP:
        made_up = _made_up(rig, generator)
        if kind < _OTHER_LEGS + _MADE_UP_ARMS:
            rows = _ARMS + _FINGERS
            target.directions[:, rows] = made_up.directions[:, rows]
            target.hands[:] = made_up.hands
            if generator.random() < 0.5:
                target.trunk[:] = made_up.trunk
        else:
            target, heading = made_up, np.tile(np.eye(3), (_MOTION_FRAMES, 1, 1))
    poses = solve_poses(rig, target)
    turns = heading[0].T @ heading
    points = np.einsum("nij,npj->npi", turns, poses.points.astype(np.float64))
    hips = hip_trajectory(leg, motion, frames, points.astype(np.float32)).astype(np.float64)
    used = slice(None, None, _STEP)
    return MotionClip(
        SolvedPoses(poses.points[used], poses.rotations[used]), turns[used], points[used], hips[used]
    )


def _frames(motion: Motion, generator: np.random.Generator) -> list[int]:
    """Frames of a motion at 30 a second; short ones run to and fro."""
    step = max(1, round(1 / (CLIP_RATE * _STEP * motion.frame_time)))
    frames = list(motion.frames)[:: step * (2 if generator.random() < _FAST else 1)]
    if len(frames) < _MOTION_FRAMES:
        frames = (frames + frames[::-1][1:-1]) * (_MOTION_FRAMES // len(frames) + 1)
    start = int(generator.integers(0, len(frames) - _MOTION_FRAMES + 1))
    chosen = frames[start : start + _MOTION_FRAMES]
    return chosen[::-1] if generator.random() < _BACKWARDS else chosen


def _target(rig: BoneRig, motion: Motion, frames: list[int], generator: np.random.Generator) -> PoseTarget:
    fingers = np.repeat(random_fingers(generator, 1), len(frames), axis=0)
    return motion_target(rig, motion, frames, fingers)


def _made_up(rig: BoneRig, generator: np.random.Generator) -> PoseTarget:
    """A motion from one made-up pose to the next, and the next."""
    keys = random_target(rig, generator, _KEY_POSES)
    count = int(generator.integers(2, _KEY_POSES + 1))
    place = np.linspace(0, count - 1, _MOTION_FRAMES)
    first = np.minimum(place.astype(int), count - 2)
    share = place - first
    share = share * share * (3 - 2 * share)

    def between(values: npt.NDArray[np.float32]) -> Array:
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        mixed: Array = values[first] * (1 - weight) + values[first + 1] * weight
        return mixed

    vectors = {name: between(getattr(keys, name)) for name in _VECTORS}
    units = {
        name: value / np.maximum(np.linalg.norm(value, axis=-1, keepdims=True), 1e-9)
        for name, value in vectors.items()
    }
    turns = {name: _rotations(between(getattr(keys, name))) for name in ("head", "hands")}
    return PoseTarget(**{name: value.astype(np.float32) for name, value in (units | turns).items()})


def _rotations(matrices: Array) -> Array:
    """The rotations nearest to matrices (..., 3, 3)."""
    left, _, right = np.linalg.svd(matrices)
    nearest: Array = left @ right
    return nearest

"""Pose selection for a data set: training and test poses from motions and procedural poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig, basis, unit
from dance_now.synthesis.poses.avatar_poser import PoseTarget, SolvedPoses, motion_target, solve_poses
from dance_now.synthesis.poses.duplicate_motions import group_duplicates
from dance_now.synthesis.poses.hand_shapes import random_fingers
from dance_now.synthesis.poses.motion import Motion
from dance_now.synthesis.poses.procedural_poses import random_poses, random_turns

TEST_SHARE: Final = 0.08
PROCEDURAL_SHARE: Final = 0.3
TURNED_HEADS: Final = 0.5
_CANDIDATES: Final = 3
_MAXIMUM_CANDIDATES: Final = 60_000
_FEATURE_ROWS: Final = [
    BONE_INDEX[side + bone]
    for side in ("left", "right")
    for bone in ("UpperArm", "LowerArm", "UpperLeg", "LowerLeg")
]


@dataclass(frozen=True, eq=False)
class PoseSelection:
    """Selected poses of one split.

    Attributes:
        names: n file stems.
        poses: the n poses.
    """

    names: tuple[str, ...]
    poses: SolvedPoses

    def __len__(self) -> int:
        return len(self.names)


def select_poses(
    rig: BoneRig, motions: Sequence[Motion], images: int, generator: np.random.Generator
) -> tuple[PoseSelection, PoseSelection]:
    """Selects training and test poses of a body; no motion is in both splits, nor are its duplicates.

    Without motions every pose is procedural; with them about three in ten training poses are, or more if the
    motions have too few frames.

    Args:
        rig: of the body.
        motions: may be empty.
        images: training and test poses together.
        generator: random generator.
    """
    test_count = max(1, round(TEST_SHARE * images)) if images > 1 else 0
    groups = group_duplicates(motions)
    order = [motion for index in generator.permutation(len(groups)) for motion in groups[index]]
    held_out = _held_out(order, groups)
    if held_out:
        test = _from_motions(rig, order[:held_out], test_count, generator)
    else:
        test = _procedural(rig, test_count, generator, "procedural_test")
    train_count = images - len(test)
    from_motion = round((1 - PROCEDURAL_SHARE) * train_count)
    seen = _from_motions(rig, order[held_out:], from_motion, generator)
    made_up = _procedural(rig, train_count - len(seen), generator, "procedural")
    return _join([seen, made_up]), test


def _held_out(order: Sequence[Motion], groups: Sequence[Sequence[Motion]]) -> int:
    """Number of motions at the start of ``order`` for the test split: whole groups, and not all of them."""
    if len(groups) < 2:
        return 0
    sizes = {motion.name: len(group) for group in groups for motion in group}
    count = 0
    while count < TEST_SHARE * len(order):
        following = count + sizes[order[count].name]
        if following == len(order):
            break
        count = following
    return count


def _procedural(rig: BoneRig, count: int, generator: np.random.Generator, name: str) -> PoseSelection:
    return PoseSelection(
        tuple(f"{name}_{index:05d}" for index in range(count)), random_poses(rig, generator, count)
    )


def _from_motions(
    rig: BoneRig, motions: Sequence[Motion], count: int, generator: np.random.Generator
) -> PoseSelection:
    """Frames of motions: half at random, half by farthest-point sampling."""
    frames = [(motion, frame) for motion in motions for frame in motion.frames]
    wanted = min(len(frames), _CANDIDATES * count, _MAXIMUM_CANDIDATES)
    groups: dict[str, tuple[Motion, list[int]]] = {}
    for index in np.sort(generator.permutation(len(frames))[:wanted]):
        motion, frame = frames[index]
        groups.setdefault(motion.name, (motion, []))[1].append(frame)
    if not groups:
        return _procedural(rig, 0, generator, "")
    target = PoseTarget.join(
        [
            motion_target(rig, motion, own, random_fingers(generator, len(own)))
            for motion, own in groups.values()
        ]
    )
    target = _turn_heads(target, generator)
    names = [f"{motion.name}_{frame:05d}" for motion, own in groups.values() for frame in own]
    rows = _spread_out(pose_features(target), min(count, len(names)), generator)
    chosen = PoseTarget(*(getattr(target, field.name)[rows] for field in fields(target)))
    return PoseSelection(tuple(names[row] for row in rows), solve_poses(rig, chosen))


def _turn_heads(target: PoseTarget, generator: np.random.Generator) -> PoseTarget:
    """Randomises every second head's direction: recorded dancers mostly look at the floor."""
    upright = basis(target.shoulders, unit(target.trunk) + np.asarray((0, 0.8, 0), np.float32))
    turned = upright @ random_turns(generator, len(target), yaw=32, pitch=16, roll=10)
    chosen = generator.random(len(target)) < TURNED_HEADS
    return replace(target, head=np.where(chosen[:, None, None], turned, target.head).astype(np.float32))


def pose_features(target: PoseTarget) -> FloatArray:
    """Pose features (n, 33): limb, trunk, head and shoulder directions, close for similar poses."""
    limbs = target.directions[:, _FEATURE_ROWS].reshape(len(target), -1)
    trunk = [unit(target.trunk), unit(target.shoulders), target.head[:, :, 2]]
    features: FloatArray = np.concatenate([limbs, *trunk], axis=1).astype(np.float32)
    return features


def _spread_out(features: FloatArray, count: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Selects rows: a random half, then farthest points; sorted."""
    chosen = [int(row) for row in generator.permutation(len(features))[: count - count // 2]]
    nearest = np.full(len(features), np.inf, np.float32)
    for row in chosen:
        nearest = np.minimum(nearest, ((features - features[row]) ** 2).sum(axis=1))
    nearest[chosen] = -1
    while len(chosen) < count:
        row = int(nearest.argmax())
        chosen.append(row)
        nearest = np.minimum(nearest, ((features - features[row]) ** 2).sum(axis=1))
        nearest[row] = -1
    return np.sort(np.array(chosen, np.int64))


def _join(choices: Sequence[PoseSelection]) -> PoseSelection:
    return PoseSelection(
        tuple(name for choice in choices for name in choice.names),
        SolvedPoses(
            np.concatenate([choice.poses.points for choice in choices]),
            np.concatenate([choice.poses.rotations for choice in choices]),
        ),
    )

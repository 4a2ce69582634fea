"""Which poses and views a data set shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.arrays import FloatArray
from dance_now.pose.bones import BONE_INDEX, BoneRig, unit
from dance_now.studio.camera import Camera
from dance_now.studio.doubles import group_alike
from dance_now.studio.fingers import random_fingers
from dance_now.studio.motion import Motion
from dance_now.studio.posing import SolvedPoses, Target, motion_target, solve_poses
from dance_now.studio.procedural import random_poses

TEST_SHARE: Final = 0.08
PROCEDURAL_SHARE: Final = 0.3
ZOOMED_SHARE: Final = 0.25
CAMERA_PITCHES: Final = (-15.0, 30.0)  # degrees; positive looks down
_CLOSE_UPS: Final = (0.33, 0.95)  # of the figure's height
_CANDIDATES: Final = 3
_MAXIMUM_CANDIDATES: Final = 60_000
_FEATURE_ROWS: Final = [
    BONE_INDEX[side + bone]
    for side in ("left", "right")
    for bone in ("UpperArm", "LowerArm", "UpperLeg", "LowerLeg")
]


@dataclass(frozen=True, eq=False)
class PoseChoice:
    """Poses of one split of a data set.

    Attributes:
        names: n file stems.
        poses: the n poses.
    """

    names: tuple[str, ...]
    poses: SolvedPoses

    def __len__(self) -> int:
        return len(self.names)


def choose_poses(
    rig: BoneRig, motions: Sequence[Motion], images: int, generator: np.random.Generator
) -> tuple[PoseChoice, PoseChoice]:
    """Training and test poses of a body; no motion gives frames to both, nor does a double of it.

    Without motions every pose is made up; with them about three in ten training poses are. More are where
    the motions are too short to give their share.

    Args:
        rig: of the body.
        motions: may be empty.
        images: training and test poses together.
        generator: source of chance.
    """
    test_count = max(1, round(TEST_SHARE * images)) if images > 1 else 0
    groups = group_alike(motions)
    order = [motion for index in generator.permutation(len(groups)) for motion in groups[index]]
    held_out = _held_out(order, groups)
    if held_out:
        test = _from_motions(rig, order[:held_out], test_count, generator)
    else:
        test = _made_up(rig, test_count, generator, "procedural_test")
    train_count = images - len(test)
    from_motion = round((1 - PROCEDURAL_SHARE) * train_count)
    seen = _from_motions(rig, order[held_out:], from_motion, generator)
    made_up = _made_up(rig, train_count - len(seen), generator, "procedural")
    return _join([seen, made_up]), test


def _held_out(order: Sequence[Motion], groups: Sequence[Sequence[Motion]]) -> int:
    """How many motions at the beginning of ``order`` are for testing: whole groups, and not all of them."""
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


def _made_up(rig: BoneRig, count: int, generator: np.random.Generator, name: str) -> PoseChoice:
    return PoseChoice(
        tuple(f"{name}_{index:05d}" for index in range(count)), random_poses(rig, generator, count)
    )


def _from_motions(
    rig: BoneRig, motions: Sequence[Motion], count: int, generator: np.random.Generator
) -> PoseChoice:
    """Frames of motions: half by chance, half those most unlike what is already chosen."""
    frames = [(motion, frame) for motion in motions for frame in motion.frames]
    wanted = min(len(frames), _CANDIDATES * count, _MAXIMUM_CANDIDATES)
    groups: dict[str, tuple[Motion, list[int]]] = {}
    for index in np.sort(generator.permutation(len(frames))[:wanted]):
        motion, frame = frames[index]
        groups.setdefault(motion.name, (motion, []))[1].append(frame)
    if not groups:
        return _made_up(rig, 0, generator, "")
    target = Target.join(
        [
            motion_target(rig, motion, own, random_fingers(generator, len(own)))
            for motion, own in groups.values()
        ]
    )
    names = [f"{motion.name}_{frame:05d}" for motion, own in groups.values() for frame in own]
    rows = _spread_out(pose_features(target), min(count, len(names)), generator)
    chosen = Target(*(getattr(target, field.name)[rows] for field in fields(target)))
    return PoseChoice(tuple(names[row] for row in rows), solve_poses(rig, chosen))


def pose_features(target: Target) -> FloatArray:
    """(n, 33) limb, trunk, head and shoulder directions: near each other for poses that look alike."""
    limbs = target.directions[:, _FEATURE_ROWS].reshape(len(target), -1)
    trunk = [unit(target.trunk), unit(target.shoulders), target.head[:, :, 2]]
    features: FloatArray = np.concatenate([limbs, *trunk], axis=1).astype(np.float32)
    return features


def _spread_out(features: FloatArray, count: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Rows: a random half, then farthest points; sorted."""
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


def _join(choices: Sequence[PoseChoice]) -> PoseChoice:
    return PoseChoice(
        tuple(name for choice in choices for name in choice.names),
        SolvedPoses(
            np.concatenate([choice.poses.points for choice in choices]),
            np.concatenate([choice.poses.rotations for choice in choices]),
        ),
    )


def random_camera(
    generator: np.random.Generator, height: float, mesh: FloatArray, head: FloatArray, hips: FloatArray
) -> Camera:
    """A view of a posed figure: whole in three pictures of four, from head to hips in the fourth.

    Args:
        generator: source of chance.
        height: of the figure at rest, metres.
        mesh: (n, 3) vertices of the posed figure, character frame.
        head: (3,) middle of the head.
        hips: (3,) middle of the hips.
    """
    front = generator.random() < 0.6
    yaw = float(generator.uniform(-60, 60) if front else generator.uniform(60, 300))
    level = Camera.orbit(yaw, float(generator.uniform(*CAMERA_PITCHES)), (0, 0, 0), 1.0)
    roll = np.radians(generator.uniform(-4, 4))
    tilt = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation = tilt @ level.rotation
    view = mesh @ rotation.T
    low, high = view.min(axis=0), view.max(axis=0)
    if generator.random() < ZOOMED_SHARE:
        cover = float(np.exp(generator.uniform(*np.log(_CLOSE_UPS)))) * height
        share = float(generator.uniform(-0.1, 0.9))
        centre = rotation @ (head + share * (hips - head))
        centre[:2] += generator.normal(0, 0.05, 2) * cover
    else:
        size = max(height, float(high[0] - low[0]), float(high[1] - low[1]))
        cover = float(generator.uniform(1.08, 1.4)) * size
        centre = (low + high) / 2
        room = (cover - (high - low)[:2]) / 2 - 0.02 * cover
        centre[:2] += generator.uniform(-1, 1, 2) * np.clip(0.6 * room, 0, 0.06 * cover)
    return Camera(rotation, rotation.T @ centre, cover)

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.pose.model.bone_rule import BONE_INDEX, BONE_NAMES, BoneRig, unit
from dance_now.pose.model.keypoints import BODY_INDEX, FINGERS, POINT_COUNT, hand_slice
from dance_now.pose.model.skeleton import RIGID_SEGMENTS, Skeleton
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton, place_keypoints
from dance_now.synthesis.poses.avatar_poser import (
    SWINGS,
    AvatarPoser,
    PoseTarget,
    SolvedPoses,
    avatar_bones,
    motion_target,
    solve_poses,
)
from dance_now.synthesis.poses.hand_shapes import random_fingers
from dance_now.synthesis.poses.motion import load_motion
from dance_now.synthesis.poses.procedural_poses import random_target

JOINT_BONES = {
    "shoulder": "UpperArm",
    "elbow": "LowerArm",
    "wrist": "Hand",
    "hip": "UpperLeg",
    "knee": "LowerLeg",
    "ankle": "Foot",
}


@pytest.fixture(scope="module", params=["vrm0", "vrm1", "glb"])
def avatar(request: pytest.FixtureRequest, humanoid_file: Callable[[str], Path]) -> Avatar:
    return load_avatar(humanoid_file(request.param))


@pytest.fixture(scope="module")
def rig(avatar: Avatar) -> BoneRig:
    return BoneRig.of(avatar_skeleton(avatar))


def degrees_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    difference = np.linalg.norm((first - second).reshape(*first.shape[:-2], 9), axis=-1)
    return np.degrees(2 * np.arcsin(np.clip(difference / np.sqrt(8), 0, 1)))


def assert_rule_gives_back(rig: BoneRig, poses: SolvedPoses) -> None:
    again = rig.rotations(poses.points * 170 + np.float32(300))
    assert degrees_between(again, poses.rotations).max() < 0.1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_keypoints_give_back_the_rotations_that_were_used(bent_rig: BoneRig, seed: int) -> None:
    target = random_target(bent_rig, np.random.default_rng(seed), 8)
    assert_rule_gives_back(bent_rig, solve_poses(bent_rig, target))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_limbs_point_where_they_were_told_and_keep_their_length(bent_rig: BoneRig, seed: int) -> None:
    target = random_target(bent_rig, np.random.default_rng(seed), 8)
    points = solve_poses(bent_rig, target).points
    for swing in SWINGS:
        wished = unit(target.directions[:, BONE_INDEX[swing.name]])
        found = unit(points[:, swing.end] - points[:, swing.start])
        assert (wished * found).sum(axis=1).min() > np.cos(np.radians(1)), swing.name
    pairs = np.array(RIGID_SEGMENTS)
    lengths = np.linalg.norm(points[:, pairs[:, 0]] - points[:, pairs[:, 1]], axis=2)
    np.testing.assert_allclose(lengths, np.tile(bent_rig.skeleton.lengths(), (8, 1)), rtol=1e-4)
    trunk = unit(points[:, 1] - points[:, 8])
    np.testing.assert_allclose(trunk, unit(target.trunk), atol=1e-4)


@pytest.fixture(scope="module")
def bent_rig() -> BoneRig:
    """A body whose spine, like real avatars', does not lie on the line from hips to neck."""
    generator = np.random.default_rng(1)
    rest = generator.normal(0, 0.02, (POINT_COUNT, 3))
    sided: dict[str, tuple[float, float]] = {
        "shoulder": (0.16, 1.4),
        "elbow": (0.42, 1.4),
        "wrist": (0.66, 1.4),
        "hip": (0.1, 0.9),
    }
    sided |= {"knee": (0.1, 0.5), "ankle": (0.1, 0.1), "ear": (0.08, 1.6), "eye": (0.04, 1.6)}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for joint, (x, y) in sided.items():
            rest[BODY_INDEX[f"{side}_{joint}"]] = (sign * x, y, 0.08 if joint == "eye" else 0.0)
        rest[BODY_INDEX[f"{side}_big_toe"]] = (sign * 0.1, 0.03, 0.12)
        rest[BODY_INDEX[f"{side}_small_toe"]] = (sign * 0.14, 0.03, 0.1)
        rest[BODY_INDEX[f"{side}_heel"]] = (sign * 0.1, 0.02, -0.05)
        hand = hand_slice(side)
        rest[hand] = (sign * 0.66, 1.4, 0)
        for finger in range(5):
            for number in range(4):
                row = hand.start + 1 + 4 * finger + number
                rest[row] = (sign * (0.72 + 0.03 * number), 1.4, 0.04 - 0.02 * finger)
    rest[BODY_INDEX["nose"]] = (0, 1.58, 0.12)
    rest[1], rest[8] = (rest[2] + rest[5]) / 2, (rest[9] + rest[12]) / 2
    pivots = [(0, 1.02, 0.04), (0, 1.2, 0.035), (0, 1.42, -0.02), (0, 1.5, 0.01)]
    bounds = [(-0.8, 0, -0.2), (0.8, 1.75, 0.2)]
    known = np.ones(POINT_COUNT, np.bool_)
    return BoneRig.of(
        Skeleton(rest.astype(np.float32), known, np.array(pivots, np.float32), np.array(bounds, np.float32))
    )


def test_a_posed_avatar_has_its_joints_at_its_keypoints(avatar: Avatar, rig: BoneRig) -> None:
    poses = solve_poses(rig, random_target(rig, np.random.default_rng(5), 6))
    assert_rule_gives_back(rig, poses)
    poser = AvatarPoser(avatar)
    for points, rotations in zip(poses.points, poses.rotations, strict=True):
        world = poser.world(points, rotations)
        placed = place_keypoints(avatar, world, points)
        for side in ("left", "right"):
            for joint, bone in JOINT_BONES.items():
                node = avatar.bones[side + bone]
                np.testing.assert_allclose(
                    placed[BODY_INDEX[f"{side}_{joint}"]], world[node, :3, 3], atol=1e-4
                )


def test_real_fingers_bend_where_their_keypoints_say(data_dir: Path) -> None:
    avatar = load_avatar(data_dir / "characters" / "godette.vrm")
    rig = BoneRig.of(avatar_skeleton(avatar))
    poses = solve_poses(rig, random_target(rig, np.random.default_rng(2), 3))
    poser = AvatarPoser(avatar)
    for points, rotations in zip(poses.points, poses.rotations, strict=True):
        world = poser.world(points, rotations)
        placed = place_keypoints(avatar, world, points)
        for side in ("left", "right"):
            for number, finger in enumerate(FINGERS):
                for joint, phalanx in enumerate(("Proximal", "Intermediate", "Distal")):
                    bone = f"{side}{finger}{phalanx}"
                    if bone in avatar.bones:
                        row = hand_slice(side).start + 1 + 4 * number + joint
                        np.testing.assert_allclose(placed[row], world[avatar.bones[bone], :3, 3], atol=1e-4)


def test_every_bone_of_the_rule_turns_as_it_says(avatar: Avatar, rig: BoneRig) -> None:
    poses = solve_poses(rig, random_target(rig, np.random.default_rng(9), 1))
    world = AvatarPoser(avatar).world(poses.points[0], poses.rotations[0])
    for bone, rule in avatar_bones(avatar.bones).items():
        node = avatar.bones[bone]
        turned = world[node, :3, :3] @ np.linalg.inv(avatar.rest_world[node, :3, :3])
        np.testing.assert_allclose(turned, poses.rotations[0, BONE_INDEX[rule]], atol=1e-5)


@pytest.mark.parametrize(
    ("bones", "expected"),
    [
        (("spine",), {"spine": "chest"}),
        (("spine", "chest"), {"spine": "spine", "chest": "chest"}),
        (("spine", "upperChest"), {"spine": "spine", "upperChest": "chest"}),
        (("leftShoulder", "leftToes"), {"leftShoulder": "chest", "leftToes": "leftFoot"}),
        (("leftEye", "jaw"), {"leftEye": "head", "jaw": "head"}),
        (("hips", "leftThumbProximal"), {"hips": "hips", "leftThumbProximal": "leftThumbProximal"}),
    ],
)  # fmt: skip
def test_each_bone_of_an_avatar_follows_one_of_the_rule(
    bones: tuple[str, ...], expected: dict[str, str]
) -> None:
    assert avatar_bones(bones) == expected
    assert set(expected.values()) <= set(BONE_NAMES)


@pytest.mark.parametrize(
    "path",
    [
        "cmu_actions/train_basketball_signal_basketball_signal_1.bvh",
        "cmu_amc2bvh/cmu_49_01.bvh",
        "cmu_bvh/cmu_05_02.bvh",
    ],
)
def test_a_motion_keeps_its_limb_directions_on_another_body(data_dir: Path, rig: BoneRig, path: str) -> None:
    motion = load_motion(data_dir / "motions" / path)
    frames = motion.frames[:: max(1, len(motion.frames) // 40)]
    fingers = random_fingers(np.random.default_rng(0), len(frames))
    poses = solve_poses(rig, motion_target(rig, motion, frames, fingers))
    assert_rule_gives_back(rig, poses)
    hips = poses.points[:, 12] - poses.points[:, 9]
    np.testing.assert_allclose(hips[:, 2], 0, atol=1e-4)  # turned to the front
    assert hips[:, 0].min() > 0
    limbs = (("UpperArm", "LowerArm", 5, 6), ("LowerArm", "Hand", 6, 7), ("LowerLeg", "Foot", 13, 14))
    for start, end, first, second in limbs:
        source = unit(motion.joint(f"left{end}", frames) - motion.joint(f"left{start}", frames))
        ours = unit(poses.points[:, second] - poses.points[:, first])
        # The heading was turned about y: heights and the angle to the hips' line stay.
        np.testing.assert_allclose(ours[:, 1], source[:, 1], atol=0.0175)
        line = unit(motion.joint("leftUpperLeg", frames) - motion.joint("rightUpperLeg", frames))
        np.testing.assert_allclose((ours * unit(hips)).sum(1), (source * line).sum(1), atol=0.0175)


def test_targets_are_joined_in_order(bent_rig: BoneRig) -> None:
    first = random_target(bent_rig, np.random.default_rng(0), 2)
    second = random_target(bent_rig, np.random.default_rng(1), 3)
    joined = PoseTarget.join([first, second])
    assert len(joined) == 5
    np.testing.assert_array_equal(joined.hands[2:], second.hands)

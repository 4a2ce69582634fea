from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dance_now.pose.model.bone_rule import BONE_INDEX, FRAME_BONES, BoneRig, unit
from dance_now.render.avatar.avatar import load_avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.synthesis.poses.avatar_poser import SolvedPoses
from dance_now.synthesis.poses.hand_shapes import FINGER_SHAPES, finger_directions, random_fingers
from dance_now.synthesis.poses.procedural_poses import penetration, random_poses, random_target


@pytest.fixture(scope="module")
def rig(humanoid_file: Callable[[str], Path]) -> BoneRig:
    return BoneRig.of(avatar_skeleton(load_avatar(humanoid_file("vrm1"))))


@pytest.fixture(scope="module")
def poses(rig: BoneRig) -> SolvedPoses:
    return random_poses(rig, np.random.default_rng(0), 1500)


def test_the_same_seed_gives_the_same_poses(rig: BoneRig) -> None:
    first, second = (random_poses(rig, np.random.default_rng(7), 5) for _ in range(2))
    np.testing.assert_array_equal(first.points, second.points)
    assert np.abs(random_poses(rig, np.random.default_rng(8), 5).points - first.points).max() > 0.05


def test_arms_go_everywhere_an_arm_goes(poses: SolvedPoses) -> None:
    wrist = poses.points[:, 7] - poses.points[:, 5]
    chest = np.einsum("nji,nj->ni", poses.rotations[:, BONE_INDEX["chest"]], wrist)
    left, up, front = (unit(chest) > 0.75).mean(axis=0)
    right, down, back = (unit(chest) < -0.5).mean(axis=0)
    assert min(left, up, front, down) > 0.05
    assert min(right, back) > 0.02


def test_arms_move_side_by_side_as_in_a_dance(rig: BoneRig) -> None:
    wished = random_target(rig, np.random.default_rng(3), 2000)
    left, right = (wished.directions[:, BONE_INDEX[f"{side}UpperArm"]] for side in ("left", "right"))
    aside = np.abs(left[:, 0]) > 0.3
    beside = (left[aside] * right[aside]).sum(axis=1) > 0.999
    assert beside.mean() > 0.03


def test_elbows_and_shoulders_keep_their_limits(rig: BoneRig) -> None:
    wished = random_target(rig, np.random.default_rng(4), 3000)
    for side in ("left", "right"):
        upper, fore = (wished.directions[:, BONE_INDEX[side + bone]] for bone in ("UpperArm", "LowerArm"))
        bend = np.degrees(np.arccos(np.clip((unit(upper) * unit(fore)).sum(axis=1), -1, 1)))
        assert bend.max() < 170
        assert (bend > 145).mean() < 0.02


def test_legs_are_lifted_aside_and_back(poses: SolvedPoses) -> None:
    thigh = unit(poses.points[:, 13] - poses.points[:, 12])
    pelvis = np.einsum("nji,nj->ni", poses.rotations[:, BONE_INDEX["hips"]], thigh)
    assert (pelvis[:, 0] > 0.6).mean() > 0.03
    assert (pelvis[:, 2] < -0.3).mean() > 0.015


def test_legs_stand_kick_and_crouch(poses: SolvedPoses) -> None:
    thigh = unit(poses.points[:, 13] - poses.points[:, 12])
    shank = unit(poses.points[:, 14] - poses.points[:, 13])
    bend = np.degrees(np.arccos(np.clip((thigh * shank).sum(axis=1), -1, 1)))
    assert (thigh[:, 1] < -0.9).mean() > 0.25
    assert ((thigh[:, 2] > 0.6) & (bend < 40)).mean() > 0.02
    assert ((thigh[:, 2] > 0.5) & (bend > 60)).mean() > 0.1
    assert bend.max() < 145


def test_the_head_turns_apart_from_the_chest_and_no_neck_breaks(poses: SolvedPoses) -> None:
    head, chest = poses.rotations[:, BONE_INDEX["head"]], poses.rotations[:, BONE_INDEX["chest"]]
    gaze = np.einsum("nij,nj->ni", np.swapaxes(chest, 1, 2), head[:, :, 2])
    yaw = np.degrees(np.arctan2(gaze[:, 0], gaze[:, 2]))
    assert (np.abs(yaw) > 40).mean() > 0.1
    assert np.abs(yaw).max() < 95


def test_forearms_rarely_cut_through_the_body(rig: BoneRig, poses: SolvedPoses) -> None:
    assert (penetration(rig, poses.points) > 0.02).mean() < 0.02


def test_no_poses_are_no_poses(rig: BoneRig) -> None:
    assert random_poses(rig, np.random.default_rng(0), 0).points.shape == (0, 137, 3)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_fist_closes_towards_the_palm(rig: BoneRig, side: str) -> None:
    """In the rest pose the palms look down, so fingertips of a fist point back along the arm."""
    fist = np.array([FINGER_SHAPES["fist"]], np.float32)
    directions = finger_directions(rig, side, np.eye(3, dtype=np.float32)[None], fist)[0]
    outward = 1 if side == "left" else -1
    assert directions[BONE_INDEX[f"{side}MiddleProximal"], 1] < -0.9
    assert directions[BONE_INDEX[f"{side}MiddleIntermediate"], 0] * outward < -0.9
    flat = finger_directions(rig, side, np.eye(3, dtype=np.float32)[None], np.zeros((1, 5, 4), np.float32))[0]
    np.testing.assert_allclose(
        flat[BONE_INDEX[f"{side}MiddleProximal"]],
        rig.rest_directions[BONE_INDEX[f"{side}MiddleProximal"]],
        atol=1e-6,
    )


def test_spread_fingers_part(rig: BoneRig) -> None:
    spread = np.array([FINGER_SHAPES["spread"]], np.float32)
    hand = np.eye(3, dtype=np.float32)[None]
    directions = finger_directions(rig, "left", hand, spread)[0]
    towards_thumb = rig.rest_frames[FRAME_BONES.index("leftHand")][:, 1]
    index, little = (
        directions[BONE_INDEX[f"left{name}Proximal"]] @ towards_thumb for name in ("Index", "Little")
    )
    assert index > little + 0.3


def test_hands_take_many_shapes() -> None:
    assert len(FINGER_SHAPES) >= 20
    fingers = random_fingers(np.random.default_rng(0), 200)
    assert fingers.shape == (200, 2, 5, 4)
    bends = fingers[:, :, 1:, :3].sum(axis=-1)
    assert (bends > 180).mean() > 0.1
    assert (bends < 30).mean() > 0.2

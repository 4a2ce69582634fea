import logging
from pathlib import Path

import numpy as np
import pytest
from bvh_files import TREE, write_bvh

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.motion.bvh_reader import parse_bvh
from dance_now.synthesis.poses.motion import (
    JOINT_INDEX,
    Motion,
    body_axes,
    load_motion,
    load_motions,
    match_joint_names,
    t_pose_distance,
)


def motion_of(rows: list[dict[str, tuple[float, float, float]]]) -> Motion:
    return Motion.from_bvh(parse_bvh(write_bvh(rows)), "test")


@pytest.mark.parametrize(
    "names",
    [
        "Hips Head LeftArm LeftForeArm LeftHand LeftUpLeg LeftLeg LeftFoot LeftToeBase",
        "mixamorig:Hips mixamorig:Head mixamorig:LeftArm mixamorig:LeftForeArm mixamorig:LeftHand"
        " mixamorig:LeftUpLeg mixamorig:LeftLeg mixamorig:LeftFoot mixamorig:LeftToeBase",
        "Hips Head LeftShoulder LeftElbow LeftWrist LeftHip LeftKnee LeftAnkle LeftToe",
        "hips head leftUpperArm leftLowerArm leftHand leftUpperLeg leftLowerLeg leftFoot leftToes",
        "Left_Upper_Arm Hips Head Left_Lower_Arm Left_Hand Left_Upper_Leg Left_Lower_Leg Left_Foot",
        "root head lhumerus lradius lwrist lfemur ltibia lfoot ltoes",
        "CC_Base_Hip CC_Base_Head CC_Base_L_Upperarm CC_Base_L_Forearm CC_Base_L_Hand CC_Base_L_Thigh"
        " CC_Base_L_Calf CC_Base_L_Foot CC_Base_L_ToeBase",
        "DEF-hips DEF-head DEF-upper_arm.L DEF-forearm.L DEF-hand.L DEF-thigh.L DEF-shin.L DEF-foot.L",
        "hip head lShldr lForeArm lHand lThigh lShin lFoot",
    ],
)
def test_skeletons_are_recognised_by_their_names(names: str) -> None:
    words = names.split()
    mirror = [
        word.replace("Left", "Right").replace("left", "right").replace("_L_", "_R_").replace(".L", ".R")
        if "eft" in word or "_L_" in word or word.startswith("DEF")
        else "r" + word[1:]
        for word in words
    ]
    found = match_joint_names(tuple(dict.fromkeys(words + mirror)))
    assert found["leftLowerArm"] < len(words) <= found["rightLowerArm"]


def test_numbered_cmu_joints_are_recognised() -> None:
    found = match_joint_names(tuple(f"cmu{number:02d}" for number in range(38)))
    assert (found["leftUpperArm"], found["rightToes"], found["head"]) == (21, 11, 18)


def test_an_unknown_skeleton_is_refused() -> None:
    text = write_bvh([{}], {name: f"bone{index}" for index, name in enumerate(TREE)})
    with pytest.raises(DanceNowError, match="unknown skeleton"):
        Motion.from_bvh(parse_bvh(text), "strange")


@pytest.mark.parametrize(
    ("joint", "bone"),
    [("LeftForeArm", "leftLowerArm"), ("RightUpLeg", "rightUpperLeg"), ("LeftHand", "leftHand")],
)
def test_a_skeleton_without_an_arm_or_a_leg_is_refused(joint: str, bone: str) -> None:
    text = write_bvh([{}], {joint: "Tail"})
    with pytest.raises(DanceNowError, match=rf"^one-armed: this skeleton has no {bone}\.$"):
        Motion.from_bvh(parse_bvh(text), "one-armed")


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        ("OFFSET 30 0 0", "leftUpperArm of this skeleton has no length"),
        ("OFFSET -30 0 0", "rightUpperArm of this skeleton has no length"),
        ("OFFSET 0 -40 0", "no length"),
    ],
)
def test_a_limb_without_length_is_refused(offset: str, message: str) -> None:
    text = write_bvh([{"LeftArm": (0, 0, -80)}]).replace(offset, "OFFSET 0 0 0")
    with pytest.raises(DanceNowError, match=message):
        Motion.from_bvh(parse_bvh(text), "short")


def test_a_t_pose_is_told_from_other_poses() -> None:
    motion = motion_of([{}, {"LeftArm": (0, 0, -80), "RightArm": (0, 0, 80)}])
    distances = t_pose_distance(motion.positions)
    assert distances[0] < 1
    assert distances[1] > 30


def test_calibration_frames_at_the_start_are_dropped() -> None:
    arms_down = {"LeftArm": (0.0, 0.0, -80.0), "RightArm": (0.0, 0.0, 80.0)}
    assert motion_of([{}, {}, arms_down, {}, arms_down]).frames == (2, 3, 4)
    assert motion_of([{}, arms_down, arms_down, {}]).frames == (1, 2)
    assert motion_of([{}, {}]).frames == ()


def test_head_and_hands_turn_away_from_the_reference() -> None:
    motion = motion_of([{"Head": (30, 0, 0), "LeftHand": (0, 0, 45)}])
    head = motion.head[0] @ motion.reference.head.T
    np.testing.assert_allclose(head @ [0, 0, 1], [0, -0.5, np.sqrt(0.75)], atol=1e-5)  # it looks down
    hand = motion.hands[0, 0] @ motion.reference.hands[0].T
    np.testing.assert_allclose(hand @ [1, 0, 0], [np.sqrt(0.5), np.sqrt(0.5), 0], atol=1e-5)
    right = motion.hands[0, 1] @ motion.reference.hands[1].T
    np.testing.assert_allclose(right, np.eye(3), atol=1e-5)


@pytest.mark.parametrize("turn", [(0, 137, 0), (-90, 0, 0), (0, 0, 90)])
def test_the_files_axes_do_not_matter(turn: tuple[float, float, float]) -> None:
    """A file whose root is always turned, as with z pointing up, gives the same motion."""
    rows = [{"LeftArm": (0.0, 0.0, -70.0)}, {"RightUpLeg": (-60.0, 0.0, 0.0)}, {}]
    plain, turned = motion_of(rows), motion_of([{**row, "Hips": turn} for row in rows])
    for motion in (plain, turned):
        axes = body_axes(motion.positions)
        assert axes.shape == (3, 3, 3)
    local = [
        np.einsum("fji,fkj->fki", body_axes(m.positions), m.positions - m.positions[:, :1])
        for m in (plain, turned)
    ]
    np.testing.assert_allclose(local[0], local[1], atol=1e-3)


def test_files_of_one_skeleton_share_the_best_reference(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "calibrated.bvh").write_text(write_bvh([{}]))
    (tmp_path / "walk.bvh").write_text(write_bvh([{"LeftArm": (0.0, 0.0, -80.0)}]))
    (tmp_path / "broken.bvh").write_text("HIERARCHY nothing")
    with caplog.at_level(logging.WARNING):
        motions = load_motions(sorted(tmp_path.glob("*.bvh")))
    assert [motion.name for motion in motions] == ["walk"]  # the other is but a T-pose
    assert motions[0].reference.distance < 1
    assert "broken.bvh" in caplog.text


def test_a_name_that_comes_twice_is_read_once(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "walk.bvh").write_text(write_bvh([{"LeftArm": (0.0, 0.0, -80.0)}]))
    assert len(load_motions(sorted(tmp_path.rglob("*.bvh")))) == 1


@pytest.mark.parametrize(
    "path",
    [
        "cmu_actions/test_walking_walking_1.bvh",
        "cmu_amc2bvh/cmu_35_01.bvh",
        "cmu_bvh/cmu_07_03.bvh",
        "cmu_bvh/cmu_02_01.bvh",
    ],
)
def test_walks_of_every_family_stand_upright(data_dir: Path, path: str) -> None:
    motion = load_motion(data_dir / "motions" / path)
    positions = motion.positions[list(motion.frames)]
    up = positions[:, JOINT_INDEX["head"], 1] - positions[:, JOINT_INDEX["hips"], 1]
    feet = positions[:, JOINT_INDEX["leftFoot"], 1] - positions[:, JOINT_INDEX["hips"], 1]
    assert up.min() > 0
    assert feet.max() < 0
    arms = positions[:, JOINT_INDEX["leftUpperArm"]] - positions[:, JOINT_INDEX["leftLowerArm"]]
    lengths = np.linalg.norm(arms, axis=1)
    np.testing.assert_allclose(lengths, lengths[0], rtol=1e-3)

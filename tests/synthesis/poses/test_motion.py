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
    load_motion,
    load_motions,
    match_joint_names,
)
from dance_now.synthesis.poses.motion_alignment import body_axes, t_pose_distance


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


def turned_world(bvh_text: str, degrees: float) -> str:
    """The same motion in a world turned about x, over the same zero pose."""
    from scipy.spatial.transform import Rotation

    bvh = parse_bvh(bvh_text)
    turn = Rotation.from_euler("x", degrees, degrees=True)
    values = bvh.channels.astype(float)
    values[:, :3] = turn.apply(values[:, :3])
    values[:, 3:6] = (turn * Rotation.from_euler("XYZ", values[:, 3:6], degrees=True)).as_euler(
        "XYZ", degrees=True
    )
    head = bvh_text[: bvh_text.index("Frame Time: 0.04\n") + len("Frame Time: 0.04\n")]
    return head + "\n".join(" ".join(f"{value:.5f}" for value in row) for row in values)


def limb_directions(motion: Motion) -> np.ndarray:
    pairs = [
        (f"{side}{start}", f"{side}{end}")
        for side in ("left", "right")
        for start, end in (
            ("UpperArm", "LowerArm"),
            ("LowerArm", "Hand"),
            ("UpperLeg", "LowerLeg"),
            ("LowerLeg", "Foot"),
        )
    ]
    frames = range(len(motion.positions))
    bones = [motion.joint(end, frames) - motion.joint(start, frames) for start, end in pairs]
    found = np.stack(bones, axis=1)
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


WAVE = [
    {
        "LeftArm": (0.0, 20.0, -70.0 + turn),
        "RightArm": (0.0, 0.0, 60.0),
        "LeftUpLeg": (-float(turn), 0.0, 0.0),
        "Hips": (0.0, 30.0, 0.0),
        "Head": (0.0, float(turn), 0.0),
    }
    for turn in range(0, 40, 2)
]


@pytest.mark.parametrize("degrees", [90, -90])
def test_a_world_with_z_up_over_a_zero_pose_with_y_up(degrees: float) -> None:
    text = write_bvh(WAVE)
    plain = Motion.from_bvh(parse_bvh(text), "plain")
    turned = Motion.from_bvh(parse_bvh(turned_world(text, degrees)), "turned")
    cosines = (limb_directions(plain) * limb_directions(turned)).sum(axis=-1)
    assert np.degrees(np.arccos(np.clip(cosines, -1, 1))).max() < 1
    heads = [motion.head @ motion.reference.head.T for motion in (plain, turned)]
    np.testing.assert_allclose(heads[0], heads[1], atol=1e-3)


def test_the_first_second_faces_the_front() -> None:
    """The reference, a T-pose, looks elsewhere than the dance that follows."""
    rows = [{"Hips": (0.0, 150.0, 0.0)}, *({**row, "Hips": (0.0, 60.0, 0.0)} for row in WAVE)]
    motion = motion_of(rows)
    axes = body_axes(motion.positions[1:])
    np.testing.assert_allclose(axes[0, :, 2], [0, 0, 1], atol=0.02)
    turned_head = motion.head[1] @ motion.reference.head.T
    np.testing.assert_allclose(turned_head[:, 2], [0, 0, 1], atol=0.02)


def test_without_a_t_pose_the_head_is_level_by_its_median() -> None:
    bent = [
        {
            "LeftUpLeg": (-80.0, 0.0, 0.0),
            "RightUpLeg": (-80.0, 0.0, 0.0),
            "LeftLeg": (90.0, 0.0, 0.0),
            "RightLeg": (90.0, 0.0, 0.0),
            "LeftArm": (0.0, 0.0, -80.0),
            "RightArm": (0.0, 0.0, 80.0),
            "Head": (35.0 + nod, 0.0, 0.0),
        }
        for nod in (-10.0, -5.0, 0.0, 5.0, 10.0)
    ]
    zero = (
        write_bvh(bent).replace("OFFSET 15 0 0", "OFFSET 1 -15 0").replace("OFFSET 30 0 0", "OFFSET 0 -30 5")
    )
    zero = zero.replace("OFFSET -30 0 0", "OFFSET 0 -30 5").replace("OFFSET 25 0 0", "OFFSET 0 5 -25")
    zero = zero.replace("OFFSET -25 0 0", "OFFSET 0 5 -25").replace("OFFSET 0 -40 0", "OFFSET 0 10 40")
    motion = Motion.from_bvh(parse_bvh(zero), "seated")
    fronts = (motion.head @ motion.reference.head.T)[..., 2]
    pitches = np.degrees(np.arcsin(np.clip(-fronts[:, 1], -1, 1)))
    assert abs(float(np.median(pitches))) < 2
    np.testing.assert_allclose(np.diff(pitches), 5, atol=1)


def test_a_clip_is_chosen_by_its_name(tmp_path: Path) -> None:
    from motion_clips import about, clip_builder

    from dance_now.synthesis.poses.motion import clip_names

    arm = {"leftUpperArm": [about(2, 0), about(2, -60)]}
    leg = {"rightUpperLeg": [about(0, 0), about(0, -60)]}
    path = tmp_path / "all.glb"
    path.write_bytes(clip_builder({"Wave": arm, "Kick": leg}).to_bytes())
    assert clip_names(path) == ["Wave", "Kick"]
    assert load_motion(path).name == "all_Wave"
    assert load_motion(path, "Kick").name == "all_Kick"
    with pytest.raises(DanceNowError, match=r"all\.glb has no clip 'Jump'\. It has: Wave, Kick\."):
        load_motion(path, "Jump")

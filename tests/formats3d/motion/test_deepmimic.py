from pathlib import Path

import numpy as np
import pytest
from motion_clips import deepmimic_row
from motion_rows import write

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.bone_rule import unit
from dance_now.synthesis.poses.motion import JOINT_INDEX, load_motion, load_motions, motion_files

HALF = float(np.sqrt(0.5))


@pytest.mark.parametrize(
    ("turns", "bone", "expected"),
    [
        ({}, ("leftUpperArm", "leftLowerArm"), (0, -1, 0)),
        ({}, ("rightLowerLeg", "rightFoot"), (0, -1, 0)),
        # its z axis points to its right: a positive turn lifts a limb to the front
        ({"left_shoulder": [HALF, 0, 0, HALF]}, ("leftUpperArm", "leftLowerArm"), (0, 0, 1)),
        ({"right_hip": [HALF, 0, 0, HALF]}, ("rightUpperLeg", "rightLowerLeg"), (0, 0, 1)),
        ({"left_elbow": [np.pi / 2]}, ("leftLowerArm", "leftHand"), (0, 0, 1)),
        ({"right_knee": [-np.pi / 2]}, ("rightLowerLeg", "rightFoot"), (0, 0, -1)),
        # about its front axis: the left arm goes out to its left
        ({"left_shoulder": [HALF, HALF, 0, 0]}, ("leftUpperArm", "leftHand"), (1, 0, 0)),
        ({"right_shoulder": [HALF, -HALF, 0, 0]}, ("rightUpperArm", "rightHand"), (-1, 0, 0)),
    ],
)
def test_limbs_point_where_the_rows_turn_them(
    tmp_path: Path, turns: dict[str, list[float]], bone: tuple[str, str], expected: tuple[int, int, int]
) -> None:
    motion = load_motion(write(tmp_path / "pose.txt", [deepmimic_row(**turns)] * 2))
    found = unit(motion.joint(bone[1], [1]) - motion.joint(bone[0], [1]))[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert motion.frame_time == pytest.approx(1 / 30)


def test_the_head_turns_and_the_body_travels(tmp_path: Path) -> None:
    first, second = deepmimic_row(), deepmimic_row(neck=[HALF, 0, HALF, 0])
    second[1:4] = [2.0, 1.0, 0.0]
    motion = load_motion(write(tmp_path / "pose.txt", [first, second]))
    np.testing.assert_allclose(motion.head[1] @ motion.reference.head.T @ [0, 0, 1], [1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(np.diff(motion.joint("hips", [0, 1]), axis=0)[0], [0, 0.1, 2], atol=1e-5)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [[0.0] * 43],
        [deepmimic_row(), [0.0] * 3],
        [[0.0] * 44],
        [[*deepmimic_row()[:-1], float("nan")]],
        [[9e9, *deepmimic_row()[1:]]],
        "text",
        {"a": 1},
    ],
)
def test_damaged_rows_are_refused_in_one_line(tmp_path: Path, rows: object) -> None:
    with pytest.raises(DanceNowError, match=r"bad\.txt") as caught:
        load_motion(write(tmp_path / "bad.txt", rows))
    assert "\n" not in str(caught.value)


def test_a_folder_is_searched_for_motions_of_every_kind(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    write(tmp_path / "below" / "kick.txt", [deepmimic_row()] * 2)
    (tmp_path / "LICENSE.txt").write_text("Do what you like.")
    assert [path.name for path in motion_files(tmp_path)] == ["kick.txt"]


def test_the_motions_that_exist_bend_as_people_do(data_dir: Path) -> None:
    motions = load_motions(motion_files(data_dir / "motions" / "deepmimic"))
    assert len(motions) == 21
    walk = next(motion for motion in motions if motion.name == "humanoid3d_walk")
    assert (walk.positions[:, JOINT_INDEX["head"], 1] > walk.positions[:, JOINT_INDEX["hips"], 1]).all()
    ahead = walk.joint("leftToes", walk.frames) - walk.joint("leftFoot", walk.frames)
    assert np.median(unit(ahead)[:, 2]) > 0.7

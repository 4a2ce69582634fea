from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.motion.bvh_reader import axis_rotations, parse_bvh, read_bvh

TWO_BONES = """HIERARCHY
ROOT Hips
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Left Arm
  {
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 5 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333
0 0 0 0 0 0 0 0 0
7 8 9 90 0 0 0 90 0
"""


def test_the_skeleton_is_read_with_names_that_hold_spaces() -> None:
    bvh = parse_bvh(TWO_BONES)
    assert bvh.names == ("Hips", "Left Arm")
    assert bvh.joints[1].parent == 0
    assert bvh.joints[1].channels == ("Zrotation", "Xrotation", "Yrotation")
    assert bvh.channels.shape == (2, 9)
    assert bvh.frame_time == pytest.approx(0.0333)


def test_the_zero_pose_stands_at_the_offsets() -> None:
    _, positions = parse_bvh(TWO_BONES).world(None)
    np.testing.assert_allclose(positions[0], [[1, 2, 3], [1, 12, 3]])


def test_a_quarter_turn_about_z_lays_the_child_to_the_side() -> None:
    bvh = parse_bvh(TWO_BONES)
    rotations, positions = bvh.world(bvh.channels)
    np.testing.assert_allclose(positions[1], [[7, 8, 9], [-3, 8, 9]], atol=1e-5)
    # Z by 90 degrees on the parent, then X by 90 on the child: its y axis points to the viewer.
    np.testing.assert_allclose(rotations[1, 1] @ [0, 1, 0], [0, 0, 1], atol=1e-6)


@given(st.integers(0, 2), st.floats(-7, 7))
def test_axis_rotations_keep_their_axis(axis: int, angle: float) -> None:
    turn = axis_rotations(axis, np.array([angle], np.float32))[0]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(turn) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(turn[:, axis], np.eye(3)[axis], atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("HIERARCHY", "SKELETON", "not a BVH"),
        ("MOTION", "NOTHING", "not a BVH"),
        ("Frames: 2", "Frames: 4", "4 frames of 9 values expected, 2 and 0 values found"),
        ("Frames: 2", "Frames: 0", "damaged"),
        ("Frames: 2", "Frames: 99999999999", "damaged"),
        ("Frames: 2", "Frames: 900000", "900000 frames of 2 joints are too many"),
        ("Frame Time: 0.0333", "Frame Time: nan", "damaged"),
        ("CHANNELS 3", "CHANNELS 7", "7 channels"),
        ("Xrotation Yrotation\n", "Xrotation Wrotation\n", "unknown channels"),
        ("OFFSET 0 10 0", "OFFSET 0 inf 0", "not finite"),
        ("OFFSET 0 10 0", "OFFSET 0 ten 0", "damaged"),
        ("7 8 9", "nan 8 9", "frame 1 has values that are not finite"),
        ("7 8 9", "a 8 9", "damaged"),
        ("    OFFSET 0 10 0\n", "", "no OFFSET"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(old: str, new: str, message: str) -> None:
    with pytest.raises(DanceNowError, match=message) as caught:
        parse_bvh(TWO_BONES.replace(old, new, 1), "walk.bvh")
    assert "\n" not in str(caught.value)
    assert "walk.bvh" in str(caught.value)


@given(st.integers(0, len(TWO_BONES) - 4))
def test_of_a_file_cut_anywhere_at_most_the_last_frame_is_missing(length: int) -> None:
    try:
        bvh = parse_bvh(TWO_BONES[:length])
    except DanceNowError:
        return
    np.testing.assert_array_equal(bvh.channels, parse_bvh(TWO_BONES).channels[:1])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("MOTION\n", "MOTION\n\n"),
        lambda text: text.replace("Frames: 2\n", "Frames: 2\n\n"),
        lambda text: text.replace("rotation", "ROTATION").replace("position", "POSITION"),
        lambda text: text.replace("Frames: 2", "Frames: 1").replace("Frames: 1", "Frames: 2"),
        lambda text: "# made by a program\n" + text,
        lambda text: text + "\n1 2 3 4 5 6 7 8 9\n",
        lambda text: text.replace("0.0333", "0,0333"),
    ],
    ids=["CRLF", "BOM", "blank", "blank after Frames", "capitals", "same", "comment", "one more", "comma"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_habits_of_programs_are_accepted(tmp_path: Path, change: Callable[[str], str], encoding: str) -> None:
    path = tmp_path / "a.bvh"
    path.write_bytes(change(TWO_BONES).encode(encoding))
    np.testing.assert_allclose(read_bvh(path).channels, parse_bvh(TWO_BONES).channels)


def test_one_frame_more_than_there_is_may_be_announced() -> None:
    assert len(parse_bvh(TWO_BONES.replace("Frames: 2", "Frames: 3")).channels) == 2


def test_a_joint_called_emotion_is_no_motion() -> None:
    assert parse_bvh(TWO_BONES.replace("Hips", "EMOTION_root")).names[0] == "EMOTION_root"


def test_hips_travel_under_a_root_that_stays() -> None:
    start = TWO_BONES.index("ROOT")
    hips = TWO_BONES[start : TWO_BONES.index("MOTION")].replace("ROOT", "JOINT")
    root = "ROOT reference\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\n"
    motion = TWO_BONES[TWO_BONES.index("MOTION") :]
    motion = motion.replace("\n0 0 0 0", "\n0 0 0 0 0 0 0").replace("\n7 8 9", "\n0 0 0 7 8 9")
    bvh = parse_bvh(f"HIERARCHY\n{root}{hips}}}\n{motion}")
    _, positions = bvh.world(bvh.channels)
    np.testing.assert_allclose(positions[1, 1], [7, 8, 9])
    np.testing.assert_allclose(positions[1, 2], [-3, 8, 9], atol=1e-5)


def test_a_hierarchy_that_never_ends_is_refused() -> None:
    deep = "HIERARCHY ROOT a { " + "JOINT b { " * 5000 + "MOTION\nFrames: 1\nFrame Time: 0.1\n0"
    with pytest.raises(DanceNowError, match="too many joints"):
        parse_bvh(deep)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DanceNowError, match=r"absent\.bvh"):
        read_bvh(tmp_path / "absent.bvh")


def test_a_skeleton_that_ends_among_its_channels_is_damaged() -> None:
    text = "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 6 Xrotation\nMOTION\nFrames: 1\nFrame Time: 0.1\n1\n"
    with pytest.raises(DanceNowError, match="damaged BVH motion"):
        parse_bvh(text)

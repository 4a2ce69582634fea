"""VMD motions: bones, curves, and legs that follow their IK targets."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from vmd_files import LINEAR, REST, turn, vmd_bytes

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.motion.vmd_motion import SKELETON, pose_vmd, read_vmd_motion
from dance_now.formats3d.motion.vmd_reader import read_vmd
from dance_now.pose.model.bone_rule import unit
from dance_now.synthesis.poses.motion import load_motion

NO_TURN = (0.0, 0.0, 0.0, 1.0)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def degrees_between(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(unit(one) @ unit(other), -1, 1))))


def test_limbs_point_where_the_bones_turn_them(tmp_path: Path) -> None:
    """Against rotations in MMD's own, left-handed space, whose z is then turned around."""
    turns = {
        "上半身": turn((0, 1, 0), 40),
        "左肩": turn((0, 0, 1), 10),
        "左腕": turn((0.36, 0.48, 0.8), 55),
        "左ひじ": turn((0, 1, 0), 70),
        "左手首": turn((1, 0, 0), 20),
    }
    path = write(tmp_path / "a.vmd", vmd_bytes({name: [(0, REST, own)] for name, own in turns.items()}))
    tracks = read_vmd_motion(path)
    mirror = np.diag([1.0, 1.0, -1.0])

    def rest(start: str, end: str) -> np.ndarray:
        return mirror @ (SKELETON[end][1] - SKELETON[start][1])

    chain = Rotation.identity()
    for name, (start, end), joints in (
        ("上半身", ("上半身", "上半身2"), None),
        ("左肩", ("左肩", "左腕"), None),
        ("左腕", ("左腕", "左ひじ"), ("leftUpperArm", "leftLowerArm")),
        ("左ひじ", ("左ひじ", "左手首"), ("leftLowerArm", "leftHand")),
    ):
        chain = chain * Rotation.from_quat(turns[name])
        if joints is not None:
            expected = mirror @ chain.apply(rest(start, end))
            one, other = (tracks.positions[1, tracks.joints[joint]] for joint in joints)
            assert degrees_between(other - one, expected) < 0.1
    hand = mirror @ (chain * Rotation.from_quat(turns["左手首"])).as_matrix() @ mirror
    np.testing.assert_allclose(tracks.rotations[1, tracks.joints["leftHand"]], hand, atol=1e-5)


def test_an_ankle_stands_on_its_target_while_the_body_sinks(tmp_path: Path) -> None:
    keys = [(0, REST, NO_TURN), (30, (0.0, -4.0, 0.0), NO_TURN)]
    data = vmd_bytes({"センター": keys, "左足ＩＫ": [(0, REST, NO_TURN)], "右足ＩＫ": [(0, REST, NO_TURN)]})
    vmd = read_vmd(write(tmp_path / "a.vmd", data))
    rotations, places = pose_vmd(vmd)
    for mark in "左右":
        np.testing.assert_allclose(places[f"{mark}足首"][30], SKELETON[f"{mark}足首"][1], atol=1e-3)
        knee = places[f"{mark}ひざ"][30]
        assert knee[2] > 2  # it bends to the front
        thigh = knee - places[f"{mark}足"][30]
        rest = SKELETON[f"{mark}ひざ"][1] - SKELETON[f"{mark}足"][1]
        assert degrees_between(thigh, rotations[f"{mark}足"][30] @ rest) < 0.1
        assert np.linalg.norm(thigh) == pytest.approx(np.linalg.norm(rest), rel=1e-6)
    motion = load_motion(tmp_path / "a.vmd")
    assert len(motion.positions) == 31


def test_without_ik_the_legs_turn_themselves(tmp_path: Path) -> None:
    bones = {"左足": [(0, REST, turn((1, 0, 0), 90))], "左足ＩＫ": [(0, REST, NO_TURN)]}
    vmd = read_vmd(write(tmp_path / "a.vmd", vmd_bytes(bones, without_ik=("左足ＩＫ",))))
    _, places = pose_vmd(vmd)
    thigh = places["左ひざ"][0] - places["左足"][0]
    # 90 degrees about x in MMD's space swings the thigh from -y to -z there, which is the front.
    assert degrees_between(thigh, np.array([0, 0.1, 4.9])) < 1


@pytest.mark.parametrize(
    ("curve", "halfway"), [(LINEAR, 5.0), (bytes([0] * 4 + [127] * 4 + [0] * 4 + [127] * 4) * 4, 8.75)]
)
def test_curves_are_followed(tmp_path: Path, curve: bytes, halfway: float) -> None:
    keys = [(0, REST, NO_TURN), (10, (10.0, 0.0, 0.0), NO_TURN)]
    vmd = read_vmd(write(tmp_path / "a.vmd", vmd_bytes({"センター": keys}, curve=curve)))
    moved = vmd.bones["センター"].shifts[:, 0]
    assert (moved[0], moved[10]) == (0, 10)
    if curve == LINEAR:
        np.testing.assert_allclose(moved, np.arange(11), atol=1e-3)
    else:  # from (0, 0) to (1, 1) by (0, 1) and (0, 1): steep at once
        assert moved[5] > halfway


def test_the_first_version_is_read_as_well(tmp_path: Path) -> None:
    path = write(tmp_path / "a.vmd", vmd_bytes({"左腕": [(0, REST, turn((0, 0, 1), 30))]}, version=1))
    assert set(read_vmd(path).bones) == {"左腕"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"Vocaloid", "not a VMD"),
        (vmd_bytes({"左腕": [(0, REST, NO_TURN)]})[:100], "1 keyframes announced, 0 there"),
        (vmd_bytes({}), "moves no bones"),
        (vmd_bytes({"左髪": [(0, REST, NO_TURN)]}), "moves no body"),
        (vmd_bytes({"左腕": [(4_000_000, REST, NO_TURN)]}), "lasts"),
        (vmd_bytes({"左腕": [(0, (float("nan"), 0, 0), NO_TURN)]}), "左腕 in frame 0 is not finite"),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = write(tmp_path / "dance.vmd", data)
    with pytest.raises(DanceNowError, match=message) as caught:
        read_vmd_motion(path)
    assert str(caught.value).startswith("dance.vmd")
    assert "\n" not in str(caught.value)

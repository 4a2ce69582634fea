"""SMPL pose arrays, also in a world whose z points up."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from vmd_files import write_smpl

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.motion.smpl_arrays import BODY, read_smpl
from dance_now.pose.model.bone_rule import unit
from dance_now.synthesis.poses.motion import load_motion

ELBOW, SHOULDER, HIP = 18, 16, 1


def arm_poses(frames: int = 90) -> np.ndarray:
    """A left arm that falls by 70 degrees with a forearm bent by 50, a right thigh that kicks by 60."""
    poses = np.zeros((frames, 72))
    poses[:, 3 * SHOULDER : 3 * SHOULDER + 3] = np.radians([0, 0, -70.0])
    poses[:, 3 * ELBOW : 3 * ELBOW + 3] = np.radians([0, -50.0, 0])
    poses[:, 6:9] = np.radians([-60.0, 0, 0])
    return poses


def test_limbs_follow_the_rotations(tmp_path: Path) -> None:
    write_smpl(tmp_path / "a.npz", arm_poses())
    motion = load_motion(tmp_path / "a.npz")
    place = {name: np.array(position) for name, _, position in BODY}
    arm = Rotation.from_euler("z", -70, degrees=True)
    forearm = arm * Rotation.from_euler("y", -50, degrees=True)
    thigh = Rotation.from_euler("x", -60, degrees=True)
    for start, end, turn in (
        ("leftUpperArm", "leftLowerArm", arm),
        ("leftLowerArm", "leftHand", forearm),
        ("rightUpperLeg", "rightLowerLeg", thigh),
    ):
        found = unit(motion.joint(end, [40]) - motion.joint(start, [40]))[0]
        expected = unit(turn.apply(place[end] - place[start]))
        assert np.degrees(np.arccos(np.clip(found @ expected, -1, 1))) < 0.1


def test_a_world_with_z_up_is_turned_upright(tmp_path: Path) -> None:
    poses, lying = arm_poses(), arm_poses()
    lying[:, :3] = np.radians([90.0, 0, 0])  # the body stands along z
    trans = np.zeros((len(poses), 3))
    trans[:, 2] = 0.95
    write_smpl(tmp_path / "plain.npz", poses)
    write_smpl(tmp_path / "z_up.npz", lying, trans)
    plain, upright = load_motion(tmp_path / "plain.npz"), load_motion(tmp_path / "z_up.npz")
    for one, other in ((plain.positions, upright.positions),):
        np.testing.assert_allclose(one - one[:, :1], other - other[:, :1], atol=1e-4)
    np.testing.assert_allclose(
        plain.head @ plain.reference.head.T, upright.head @ upright.reference.head.T, atol=1e-4
    )
    assert upright.positions[0, 0, 1] > 0.5  # the hips are above the ground


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"poses": np.zeros((5, 12))}, r"poses has the shape \(5, 12\)"),
        ({"poses": np.zeros((5, 72)), "trans": np.zeros((4, 3))}, r"trans has the shape \(4, 3\)"),
        ({"poses": np.full((5, 72), np.nan)}, "frame 0 holds values"),
        ({"poses": np.zeros((5, 72)), "fps": np.array(0.0)}, "frame rate of 0"),
        ({"walk": np.zeros(3)}, "no array poses; it has walk"),
        ({"poses": np.array([{}], dtype=object)}, "not a readable .npz"),
    ],
)
def test_arrays_that_are_no_motion_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DanceNowError, match=message) as caught:
        read_smpl(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)


def test_an_archive_that_claims_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", poses=np.zeros((300_000, 72), np.float32))
    with pytest.raises(DanceNowError, match="would need more than"):
        read_smpl(tmp_path / "a.npz")

from pathlib import Path

import numpy as np
import pytest
from bvh_files import write_bvh
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_clips import deepmimic_row
from motion_rows import write

from dance_now.formats3d.motion.bvh_reader import parse_bvh
from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.synthesis.poses.avatar_poser import PoseTarget, motion_target
from dance_now.synthesis.poses.duplicate_motions import group_duplicates
from dance_now.synthesis.poses.motion import Motion, load_motion
from dance_now.synthesis.poses.motion_alignment import t_pose_distance
from dance_now.synthesis.poses.motion_library import (
    LIBRARY_FILE,
    LibraryMotion,
    load_motion_library,
    motion_credits,
    write_motion_library,
)

ROOT = Path(__file__).parents[3]


def degrees(first: np.ndarray, second: np.ndarray) -> float:
    """The largest angle between directions, or how far rotations differ."""
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    cosine = (first * second).sum(axis=-1)[lengths > 0] / lengths[lengths > 0]
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).max(initial=0))


def wished(rig: BoneRig, motion: Motion) -> PoseTarget:
    fingers = np.zeros((len(motion.frames), 2, 5, 4), np.float32)
    return motion_target(rig, motion, motion.frames, fingers)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-170, 170)] * 3), min_size=4, max_size=4))
def test_a_motion_comes_back_within_a_degree(
    tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[float, float, float]]
) -> None:
    joints = ("LeftArm", "RightForeArm", "LeftUpLeg", "Head")
    rows = [
        {"RightArm": (0.0, 0.0, 80.0)},
        dict(zip(joints, turns, strict=True)),
        {"LeftLeg": (50.0, 0.0, 0.0)},
    ]
    motion = Motion.from_bvh(parse_bvh(write_bvh(rows)), "made_up")
    path = tmp_path_factory.mktemp("bank") / "bank.npz"
    write_motion_library(path, [LibraryMotion(motion, "by nobody")], 30)
    (back,) = load_motion_library(path)
    assert (back.name, len(back.frames)) == ("made_up", len(motion.frames))
    rig = BoneRig.of(adult_skeleton())
    before, after = wished(rig, motion), wished(rig, back)
    for name in ("trunk", "hips", "shoulders", "directions", "head", "hands"):
        assert degrees(getattr(before, name), getattr(after, name)) < 0.6, name


def test_a_fast_motion_is_thinned(tmp_path: Path) -> None:
    rows = [[1 / 120, *deepmimic_row()[1:]]] * 12
    motion = load_motion(write(tmp_path / "walk.txt", rows))
    write_motion_library(tmp_path / "bank.npz", [LibraryMotion(motion, "by nobody")], 30)
    (back,) = load_motion_library(tmp_path / "bank.npz")
    assert len(back.frames) == 3
    assert back.frame_time == pytest.approx(1 / 30)


@pytest.fixture(scope="module")
def bank() -> list[Motion]:
    return load_motion_library()


def test_the_bank_is_small_and_long(bank: list[Motion]) -> None:
    assert LIBRARY_FILE.stat().st_size <= 5_000_000
    assert sum(len(motion.frames) * motion.frame_time for motion in bank) >= 18 * 60
    assert len({motion.name for motion in bank}) == len(bank)
    assert all(np.isfinite(motion.positions).all() for motion in bank)


def test_the_bank_holds_neither_t_poses_nor_doubles(bank: list[Motion]) -> None:
    assert len(group_duplicates(bank)) == len(bank)
    first = np.array([t_pose_distance(motion.positions[:1])[0] for motion in bank])
    assert (first < 11).sum() == 0


def test_everybody_who_made_the_motions_is_credited() -> None:
    lines = motion_credits()
    notice, readme = ((ROOT / name).read_text() for name in ("NOTICE", "README.md"))
    for word in ("mocap.cs.cmu.edu", "DeepMimic", "Quaternius", "pixiv"):
        assert any(word in line for line in lines)
        assert word in notice
        assert word in readme

"""Which poses are chosen: heads that look about although a motion's head is bowed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bvh_files import write_bvh

from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig
from dance_now.render.avatar.avatar import load_avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.synthesis.poses.motion import load_motion
from dance_now.synthesis.poses.pose_selection import TURNED_HEADS, select_poses


def test_every_second_head_of_a_motion_looks_about(humanoid_file: Any, tmp_path: Path) -> None:
    bowed = [{"LeftArm": (0.0, 0.0, frame - 80.0), "Head": (50.0, 0.0, 0.0)} for frame in range(100)]
    path = tmp_path / "bowed.bvh"
    path.write_text(write_bvh([{}, *bowed]))  # the first frame, a T-pose, tells how the head looks ahead
    rig = BoneRig.of(avatar_skeleton(load_avatar(humanoid_file("vrm1"))))
    train, _ = select_poses(rig, [load_motion(path)], 120, np.random.default_rng(0))
    rows = [index for index, name in enumerate(train.names) if name.startswith("bowed")]
    heads = train.poses.rotations[rows, BONE_INDEX["head"], :, 2]
    down = np.degrees(np.arcsin(-heads[:, 1]))
    turned = np.abs(down - 50) > 1
    assert turned.mean() == pytest.approx(TURNED_HEADS, abs=0.2)
    assert np.median(down[turned]) == pytest.approx(0, abs=15)

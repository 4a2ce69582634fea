"""Motions as BVH, read back by the studio's own reader."""

from dataclasses import replace

import numpy as np
import pytest
from skeletons import adult_skeleton as another_adult
from skeletons import posed, posture, view_points

from dance_now.formats3d.motion.bvh_reader import Bvh, parse_bvh
from dance_now.pose.formats.bvh_writer import bvh_text
from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.keypoints import LEFT_HAND
from dance_now.pose.model.vectors import normalised
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter
from dance_now.synthesis.poses.motion import Motion

LIMBS = {
    "LeftUpperArm": ("LeftLowerArm", 5, 6),
    "LeftLowerArm": ("LeftHand", 6, 7),
    "RightUpperArm": ("RightLowerArm", 2, 3),
    "RightLowerArm": ("RightHand", 3, 4),
    "LeftUpperLeg": ("LeftLowerLeg", 12, 13),
    "LeftLowerLeg": ("LeftFoot", 13, 14),
    "RightUpperLeg": ("RightLowerLeg", 9, 10),
    "RightLowerLeg": ("RightFoot", 10, 11),
    "LeftFoot": ("LeftToes", 14, 19),
    "RightFoot": ("RightToes", 11, 22),
    "LeftIndexProximal": ("LeftIndexIntermediate", LEFT_HAND.start + 5, LEFT_HAND.start + 6),
}
SKELETON = adult_skeleton()


def dancing(count: int = 12) -> list[Retargeted]:
    """Somebody who waves and steps, walks to the right and comes nearer."""
    generator, person = np.random.default_rng(5), another_adult()
    retarget = Retargeter(SKELETON, smooth=False)
    poses = []
    for frame in range(count):
        limbs = normalised(posture(person).limbs + generator.normal(0, 0.45, (4, 2, 3)))
        pose = posed(person, replace(posture(person), limbs=limbs), 200 + 4 * frame, (400 + 20 * frame, 350))
        poses.append(retarget(pose, frame / 25))
    return poses


@pytest.fixture(scope="module")
def motion() -> list[Retargeted]:
    return dancing()


def read(frames: list[Retargeted | None]) -> Bvh:
    return parse_bvh(bvh_text(SKELETON, frames, 0.04))


def test_limbs_point_where_the_poses_limbs_point(motion):
    bvh = read(motion)
    positions = bvh.world(bvh.channels)[1]
    for name, (child, start, end) in LIMBS.items():
        own = normalised(positions[:, bvh.names.index(child)] - positions[:, bvh.names.index(name)])
        points = np.stack([view_points(each.pose) for each in motion])
        given = normalised(points[:, end] - points[:, start])
        assert np.degrees(np.arccos(np.clip((own * given).sum(axis=1), -1, 1))).max() < 0.6, name


def test_it_is_in_metres_and_stands_on_the_ground(motion):
    bvh = read(motion)
    assert bvh.frame_time == pytest.approx(0.04)
    positions = bvh.world(bvh.channels)[1]
    trunk = positions[:, bvh.names.index("Neck")] - positions[:, 0]
    assert np.linalg.norm(trunk, axis=1) == pytest.approx(0.58, abs=0.06)
    assert 0.5 < positions[0, 0, 1] < 1.1
    feet = [bvh.names.index(f"{side}Foot") for side in ("Left", "Right")]
    assert positions[0, feet, 1].min() == pytest.approx(0.06, abs=0.06)
    walked = positions[-1, 0, 0] - positions[0, 0, 0]
    assert 0.3 < walked < 1.5


def test_rest_is_a_t_pose(motion):
    bvh = read(motion)
    positions = bvh.world()[1][0]
    wrists = [positions[bvh.names.index(f"{side}Hand")] for side in ("Left", "Right")]
    assert wrists[0][1] == pytest.approx(wrists[1][1])
    assert wrists[0][0] == pytest.approx(-wrists[1][0])
    assert wrists[0][0] > 0.5


def test_the_studio_takes_it_as_a_motion(motion):
    taken = Motion.from_bvh(read(motion), "dance")
    assert len(taken.positions) == len(motion)
    assert taken.has_toes


def test_missing_frames_repeat_what_was_before(motion):
    bvh = read([None, *motion[:2], None, None, motion[2]])
    np.testing.assert_array_equal(bvh.channels[0], bvh.channels[1])
    np.testing.assert_array_equal(bvh.channels[2], bvh.channels[4])
    assert not np.array_equal(bvh.channels[4], bvh.channels[5])
    with pytest.raises(ValueError, match="at least one"):
        bvh_text(SKELETON, [None], 0.04)

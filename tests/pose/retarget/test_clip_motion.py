"""Whole clips: no lag, gaps bridged, nothing drifts at the start."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from skeletons import adult_skeleton, chibi_skeleton, posed, posture

from dance_now.pose.model.keypoints import LEFT_HAND, POINT_COUNT
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.clip_motion import read_clip
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter

CHIBI, ADULT = chibi_skeleton(), adult_skeleton()
RATE = 30


def person(**options: Any) -> Pose:
    return posed(ADULT, posture(ADULT, **options))


def raising(frame: int) -> Pose:
    """A left arm that rises from hanging down to above the head within two seconds."""
    angle = np.radians(170) * min(frame / 60, 1.0)
    arm = [np.sin(angle), -np.cos(angle), 0.0]
    return person(left_arm=[arm, arm])


def without_arm(pose: Pose) -> Pose:
    points = pose.points.copy()
    points[[6, 7]], points[LEFT_HAND] = 0, 0
    return Pose(points, pose.depth, pose.has_depth)


def noisy(pose: Pose, random: np.random.Generator) -> Pose:
    shift = random.normal(0, 1.0, (POINT_COUNT, 3)) * [1, 1, 0]  # 0.3 % of the height
    depth = pose.depth + random.normal(0, 3, POINT_COUNT)
    return Pose((pose.points + shift).astype(np.float32), depth.astype(np.float32), pose.has_depth)


def danced(poses: Sequence[Pose | None]) -> list[Retargeted | None]:
    retargeter = Retargeter(CHIBI)
    readings = read_clip(retargeter, poses, [index / RATE for index in range(len(poses))], (640, 480))
    return [None if reading is None else retargeter.build(reading) for reading in readings]


def left_arm_angles(results: list[Retargeted | None]) -> np.ndarray:
    arms = np.array([result.posture.limbs[0, 0] for result in results if result is not None])
    return np.degrees(np.arctan2(arms[:, 0], -arms[:, 1]))


def shake(results: list[Retargeted]) -> float:
    """Rms of what the joints of trunk, arms and legs move from frame to frame, pixels."""
    return float(np.std(np.diff([result.pose.body[1:15, :2] for result in results], axis=0)))


def test_a_still_person_stands_still() -> None:
    random = np.random.default_rng(0)
    poses = [noisy(person(), random) for _ in range(60)]
    photos = Retargeter(CHIBI, smooth=False)
    calm = [result for result in danced(list(poses)) if result is not None]
    assert shake(calm) < shake([photos(pose, 0.0) for pose in poses]) / 4


def test_motion_is_shown_when_it_happens() -> None:
    angles = left_arm_angles(danced([raising(frame) for frame in range(75)]))
    true = 170 * np.minimum(np.arange(75) / 60, 1.0)
    assert np.abs(angles - true)[5:].max() < 8


def test_a_person_lost_for_a_moment_is_shown_in_between() -> None:
    poses: list[Pose | None] = [raising(frame) for frame in range(70)]
    whole = left_arm_angles(danced(list(poses)))
    poses[30:37] = [None] * 7
    bridged = danced(poses)
    assert None not in bridged
    assert np.abs(left_arm_angles(bridged) - whole).max() < 6


def test_a_person_lost_for_long_is_gone() -> None:
    poses: list[Pose | None] = [person() for _ in range(60)]
    poses[20:35] = [None] * 15
    shown = [result is not None for result in danced(poses)]
    assert shown == [pose is not None for pose in poses]


def test_an_arm_lost_for_a_moment_goes_on() -> None:
    poses: list[Pose | None] = [raising(frame) for frame in range(70)]
    whole = left_arm_angles(danced(list(poses)))
    poses[30:37] = [without_arm(raising(frame)) for frame in range(30, 37)]
    assert np.abs(left_arm_angles(danced(poses)) - whole).max() < 8


def test_an_arm_lost_for_long_rests_and_comes_back_without_a_jump() -> None:
    up = person(left_arm=[[1, 0, 0], [1, 0, 0]])
    angles = left_arm_angles(danced([up] * 20 + [without_arm(up)] * 60 + [up] * 20))
    assert abs(angles[[0, -1]] - 90).max() < 10
    assert angles[20:80].min() < 45
    assert np.abs(np.diff(angles)).max() < 15


def test_the_size_is_known_from_the_start() -> None:
    crouching = person(left_leg=[[0.1, -0.3, 1], [0, -1, -0.5]], right_leg=[[-0.1, -0.3, 1], [0, -1, -0.5]])
    results = danced([crouching] * 20 + [person()] * 60)
    heights = [result.height for result in results if result is not None]
    assert abs(heights[0] / heights[-1] - 1) < 0.08


def test_one_frame_and_none() -> None:
    (only,) = danced([person()])
    assert only is not None
    assert danced([None, None]) == [None, None]
    assert danced([]) == []


def test_the_same_clip_gives_the_same_motion() -> None:
    clip: list[Pose | None] = [raising(frame) for frame in range(30)]
    for one, other in zip(danced(clip), danced(clip), strict=True):
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one.pose.points, other.pose.points)

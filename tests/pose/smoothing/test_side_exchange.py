"""Bodies whose left and right change places for a while get their sides back; crossing limbs do not."""

import numpy as np
import pytest

from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.model.pose import Pose
from dance_now.pose.smoothing.side_exchange import _PARTS, undo_side_exchanges

FRAMES = 60
TIMES = [index / 30 for index in range(FRAMES)]
_SIDES = {"right": -1.0, "left": 1.0}
_PLACES = {  # across, to the left of a person who faces the camera; and down
    "eye": (5, -160),
    "ear": (12, -155),
    "shoulder": (35, -110),
    "elbow": (60, -60),
    "wrist": (70, 0),
    "hip": (20, 0),
    "knee": (25, 80),
    "ankle": (25, 160),
    "heel": (25, 168),
    "big_toe": (35, 170),
    "small_toe": (40, 170),
}


def walker(index: int) -> Pose:
    """Somebody who faces the camera, sways, and waves."""
    points = np.zeros((137, 3), np.float32)
    for side, sign in _SIDES.items():
        for name, (across, down) in _PLACES.items():
            wave = 20 * np.sin(index / 5) if name == "wrist" else 0.0
            x = 300 + 10 * np.sin(index / 7) + sign * across
            points[BODY_INDEX[f"{side}_{name}"]] = x, 300 + down - wave * (sign > 0), 0.9
    points[BODY_INDEX["nose"]] = 300, 140, 0.9
    depth = np.arange(137, dtype=np.float32)
    return Pose(points, depth, np.ones(137, np.bool_))


def exchanged(pose: Pose, parts: slice = slice(None)) -> Pose:
    rows = np.arange(137)
    for pairs in _PARTS[parts]:
        rows[pairs] = pairs[:, ::-1]
    return Pose(pose.points[rows], pose.depth[rows], pose.has_depth[rows])


@pytest.mark.parametrize("wrong", [range(20, 21), range(20, 45), range(8), range(45, 60)])
def test_sides_are_given_back(wrong: range) -> None:
    true = [walker(index) for index in range(FRAMES)]
    given = [exchanged(pose) if index in wrong else pose for index, pose in enumerate(true)]
    found = undo_side_exchanges(given, TIMES)
    for index, (pose, right) in enumerate(zip(found, true, strict=True)):
        assert pose is not None
        np.testing.assert_array_equal(pose.points, right.points, err_msg=str(index))
        np.testing.assert_array_equal(pose.depth, right.depth)


@pytest.mark.parametrize("parts", [slice(1), slice(2)])
def test_a_part_of_a_body_is_given_back_its_sides_alone(parts: slice) -> None:
    true = [walker(index) for index in range(FRAMES)]
    given = [exchanged(pose, parts) if 20 <= index < 23 else pose for index, pose in enumerate(true)]
    for pose, right in zip(undo_side_exchanges(given, TIMES), true, strict=True):
        assert pose is not None
        np.testing.assert_array_equal(pose.points, right.points)


def test_what_is_right_is_left_alone() -> None:
    given: list[Pose | None] = [walker(index) for index in range(FRAMES)]
    given[10] = given[30] = None
    found = undo_side_exchanges(given, TIMES)
    assert all(ours is theirs for ours, theirs in zip(found, given, strict=True))


def test_somebody_who_turns_round_is_no_exchange() -> None:
    given = []
    for index in range(FRAMES):
        pose = walker(index)
        points = pose.points.copy()
        points[:, 0] = 300 + (points[:, 0] - 300) * np.cos(index / 10)
        given.append(Pose(points))
    found = undo_side_exchanges(given, TIMES)
    assert all(ours is theirs for ours, theirs in zip(found, given, strict=True))


def test_exchanged_legs_alone_are_left_alone() -> None:
    rows = np.arange(137)
    for name in ("hip", "knee", "ankle", "heel", "big_toe", "small_toe"):
        right, left = BODY_INDEX[f"right_{name}"], BODY_INDEX[f"left_{name}"]
        rows[[right, left]] = left, right
    given = [
        Pose(walker(index).points[rows]) if 20 <= index < 30 else walker(index) for index in range(FRAMES)
    ]
    assert all(a is b for a, b in zip(undo_side_exchanges(given, TIMES), given, strict=True))


def test_after_a_gap_sides_start_anew() -> None:
    given = [exchanged(walker(index)) if index >= 30 else walker(index) for index in range(FRAMES)]
    times = [time + (2.0 if index >= 30 else 0.0) for index, time in enumerate(TIMES)]
    assert all(a is b for a, b in zip(undo_side_exchanges(given, times), given, strict=True))


@pytest.mark.parametrize("poses", [[], [None], [None, None], [Pose.empty(), Pose.empty()]])
def test_nobody(poses: list[Pose | None]) -> None:
    found = undo_side_exchanges(poses, [float(index) for index in range(len(poses))])
    assert all(ours is theirs for ours, theirs in zip(found, poses, strict=True))

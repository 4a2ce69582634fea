"""Hands that were read in every second frame lie between their neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from dance_now.pose.model.keypoints import BODY_INDEX, LEFT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.smoothing.carried_parts import interpolate_carried

WRIST = BODY_INDEX["left_wrist"]
LEFT = frozenset({"left_hand"})
READ: frozenset = frozenset()


def pose(x: float, length: float, depth: float = 0.0) -> Pose:
    """A left hand of a length, whose wrist is at x."""
    points, depths = np.zeros((137, 3), np.float32), np.zeros(137, np.float32)
    points[WRIST] = x, 100, 0.9
    points[LEFT_HAND] = x, 100, 0.95
    points[LEFT_HAND, 1] += np.linspace(0, length, 21)
    depths[LEFT_HAND] = depth
    return Pose(points, depths, points[:, 2] > 0)


def length(found: Pose | None) -> float:
    assert found is not None
    return float(np.ptp(found.left_hand[:, 1]))


def test_a_carried_hand_is_the_average_of_its_neighbours_at_its_own_wrist() -> None:
    poses = [pose(0, 40, 4), pose(10, 40, 4), pose(30, 60, 8)]
    between = interpolate_carried(poses, [READ, LEFT, READ])[1]
    assert between is not None
    assert length(between) == pytest.approx(50)
    assert between.left_hand[0, 0] == pytest.approx(10)
    assert between.depth[LEFT_HAND].mean() == pytest.approx(6)


def test_between_readings_farther_apart_it_changes_evenly() -> None:
    poses = [pose(0, 40), pose(0, 40), pose(0, 40), pose(0, 40), pose(0, 80)]
    found = interpolate_carried(poses, [READ, LEFT, LEFT, LEFT, READ])
    np.testing.assert_allclose([length(each) for each in found], [40, 50, 60, 70, 80])


def test_hands_that_were_read_stay() -> None:
    poses = [pose(0, 40), pose(0, 10), pose(0, 60)]
    assert interpolate_carried(poses, [READ] * 3) == poses


@pytest.mark.parametrize("gone", [0, 2])
def test_without_a_neighbour_it_stays_as_it_is(gone: int) -> None:
    poses: list[Pose | None] = [pose(0, 40), pose(0, 44), pose(0, 60)]
    poses[gone] = None
    assert length(interpolate_carried(poses, [READ, LEFT, READ])[1]) == pytest.approx(44)
    neighbours = [pose(0, 40), pose(0, 44), pose(0, 60)]
    assert length(interpolate_carried(neighbours, [LEFT, LEFT, READ])[1]) == pytest.approx(44)
    assert interpolate_carried([], []) == []

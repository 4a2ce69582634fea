"""Limbs come towards the viewer where they do, whatever the place, the size and the side."""

import numpy as np
import pytest
from skeletons import adult_skeleton, posed, posture

from dance_now.pose.model.body_scale import SEGMENT_INDEX
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.lifter import NETWORK as FRAME_NETWORK
from dance_now.pose.networks.lifter_input import (
    MIRRORED_OUTPUTS,
    MIRRORED_ROWS,
    MIRRORED_SIGNS,
    readings_of,
)
from dance_now.pose.networks.temporal_lifter import (
    NETWORK,
    LiveLifter,
    lift_clip,
    open_temporal_lifter,
)

ADULT = adult_skeleton()
LIFT = open_temporal_lifter()
TIMES = [index / 30 for index in range(30)]


def clip(depth: bool = True) -> list[Pose]:
    """An arm that is raised to the front."""
    arms = [
        {"left_arm": [[0.3, -1 + share, share], [0.1, -1 + share, share]]} for share in np.linspace(0, 1, 30)
    ]
    return [posed(ADULT, posture(ADULT, **arm), has_depth=depth) for arm in arms]


@pytest.mark.parametrize("depth", [True, False])
def test_an_arm_comes_towards_the_viewer_where_it_does(depth: bool) -> None:
    frame = lift_clip(LIFT, clip(depth), TIMES)[-1]
    assert frame is not None
    assert frame.directions[SEGMENT_INDEX["left_forearm"], 2] > 0.5
    np.testing.assert_allclose(np.linalg.norm(frame.directions, axis=1), 1, atol=1e-4)
    assert (frame.concentration > 0).all()


@pytest.mark.parametrize(("scale", "offset"), [(0.2, (0.0, 0.0)), (3.0, (-400.0, 90.0))])
def test_directions_go_neither_with_the_size_nor_with_the_place(scale, offset) -> None:
    here, there = (
        lift_clip(LIFT, poses, TIMES)[-1]
        for poses in (clip(), [pose.transformed(scale, offset) for pose in clip()])
    )
    np.testing.assert_allclose(here.directions, there.directions, atol=1e-3)


def test_a_mirror_image_has_mirrored_directions() -> None:
    readings = readings_of(clip()[-1:])
    own, other = LIFT.encode(readings), LIFT.encode(readings[:, MIRRORED_ROWS] * [-1, 1, 1, 1, 1])
    alone, none = np.zeros((1, 8), bool), np.zeros((1, 8))
    left, right = (
        LIFT.combine(each, each.rows(np.zeros((1, 8), int)), alone, none)[0] for each in (own, other)
    )
    mirrored = right.directions[MIRRORED_OUTPUTS[:-1]] * MIRRORED_SIGNS[:-1]
    np.testing.assert_allclose(left.directions, mirrored, atol=1e-4)


def test_live_it_knows_the_past_and_for_files_the_future() -> None:
    poses = clip()
    live = LiveLifter(LIFT)
    last = [live(pose, time) for pose, time in zip(poses, TIMES, strict=True)]
    both = lift_clip(LIFT, poses, TIMES)
    # Live directions are averaged with those just before.
    assert (last[-1].directions * both[-1].directions).sum(axis=1).min() > np.cos(np.radians(8))
    assert last[0].neighbours == 0 < both[0].neighbours


def test_who_has_too_few_points_or_is_missing_is_not_lifted() -> None:
    points = np.zeros((137, 3), np.float32)
    points[:3] = [[10, 10, 1], [12, 30, 1], [5, 30, 1]]
    assert lift_clip(LIFT, [None, Pose(points)], TIMES[:2]) == [None, None]
    assert LiveLifter(LIFT)(Pose(points), 0.0) is None


def test_the_networks_are_small() -> None:
    assert NETWORK.stat().st_size + FRAME_NETWORK.stat().st_size <= 3_000_000

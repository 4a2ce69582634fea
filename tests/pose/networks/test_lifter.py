import numpy as np
import pytest
from skeletons import adult_skeleton, posed, posture, view_points

from dance_now.pose.model.keypoints import LEFT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.vectors import normalised
from dance_now.pose.networks.lifter import LIFTED, NETWORK, open_lifter
from dance_now.pose.retarget import posture_reading as measure
from dance_now.pose.retarget.retargeter import Retargeter

pytest.importorskip("onnxruntime")
ADULT = adult_skeleton()
LIFT = open_lifter()
POSTURES = {
    "pointing": ({"left_arm": [[0.3, -0.2, 1], [0.1, 0, 1]]}, (6, 7)),
    "knee up": ({"right_leg": [[-0.1, -0.1, 1], [0, -1, -0.2]]}, (9, 10)),
    "sitting": (
        {
            "left_leg": [[0.2, -0.1, 1], [0, -1, -0.1]],
            "right_leg": [[-0.2, -0.1, 1], [0, -1, -0.1]],
        },
        (12, 13),
    ),
}


def drawn(**options) -> tuple[Pose, Pose]:
    true = posed(ADULT, posture(ADULT, **options))
    return true, Pose(true.points)


@pytest.mark.parametrize("name", POSTURES)
def test_limbs_come_towards_the_viewer_where_they_do(name):
    options, (start, end) = POSTURES[name]
    true, flat = drawn(**options)
    lifted = LIFT(flat)
    wanted, found = (each.depth[end] - each.depth[start] for each in (true, lifted))
    assert wanted < 0
    assert found < wanted / 3


def test_only_what_is_seen_gets_a_depth():
    _, flat = drawn()
    points = flat.points.copy()
    points[[6, 7]] = 0
    points[LEFT_HAND] = 0
    lifted = LIFT(Pose(points))
    assert not lifted.has_depth[[6, 7, *range(LEFT_HAND.start, LEFT_HAND.stop)]].any()
    assert lifted.has_depth[[2, 3, 4, 9, 10, 11]].all()
    np.testing.assert_array_equal(lifted.points, points)


@pytest.mark.parametrize(("scale", "offset"), [(0.2, (0.0, 0.0)), (3.0, (-400.0, 90.0))])
def test_depth_goes_with_the_size_and_not_with_the_place(scale, offset):
    _, flat = drawn(**POSTURES["pointing"][0])
    here, there = LIFT(flat), LIFT(flat.transformed(scale, offset))
    np.testing.assert_allclose(there.depth, scale * here.depth, atol=0.05 * scale)


def test_a_pose_of_few_points_stays_without_depth():
    points = np.zeros((137, 3), np.float32)
    points[:3] = [[10, 10, 1], [12, 30, 1], [5, 30, 1]]
    assert not LIFT(Pose(points)).has_depth.any()


def test_without_onnxruntime_lengths_alone_give_depth(monkeypatch):
    monkeypatch.setattr(measure, "open_lifter", lambda: None)
    result = Retargeter(ADULT, smooth=False)(drawn(**POSTURES["knee up"][0])[1], 0.0)
    assert np.isfinite(view_points(result.pose)).all()


@pytest.mark.parametrize("name", POSTURES)
def test_the_character_takes_the_lifted_pose(name):
    options, (start, end) = POSTURES[name]
    true, flat = drawn(**options)
    result = Retargeter(ADULT, smooth=False)(flat, 0.0)
    wanted, found = (view_points(each)[end] - view_points(each)[start] for each in (true, result.pose))
    angle = np.degrees(np.arccos(normalised(wanted) @ normalised(found)))
    assert angle < 30


def test_a_pose_with_its_own_depth_is_not_lifted(monkeypatch):
    monkeypatch.setattr(measure, "open_lifter", lambda: pytest.fail("not needed"))
    Retargeter(ADULT, smooth=False)(drawn()[0], 0.0)


def test_the_network_is_small_and_ships():
    assert NETWORK.stat().st_size <= 4_000_000
    assert len(LIFTED) == 29

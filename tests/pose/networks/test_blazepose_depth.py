"""BlazePose's depth brought to pixels."""

import numpy as np

from dance_now.pose.model.keypoints import BODY_INDEX, FACE, POINT_COUNT
from dance_now.pose.networks.blazepose_depth import DEPTH_SCALES, rescale_depth


def test_every_point_of_the_body_network_hangs_on_one_that_is_right_already() -> None:
    placed = {BODY_INDEX["mid_hip"]}
    for parent, rows, share in DEPTH_SCALES:
        assert parent in placed
        assert 0 < share < 1
        assert placed.isdisjoint(rows)
        placed.update(rows)
    assert placed == set(range(POINT_COUNT)) - set(range(FACE.start, FACE.stop))


def test_a_wrist_keeps_its_share_of_every_limb_on_the_way() -> None:
    depth = np.zeros(POINT_COUNT, np.float32)
    depth[[1, 5, 6, 7]] = -100, -200, -300, -400  # neck, left shoulder, elbow, wrist
    found = rescale_depth(depth)[[1, 5, 6, 7]]
    assert (np.diff(found) < 0).all()
    np.testing.assert_allclose(np.diff(found)[1], np.diff(found)[2], rtol=1e-5)
    assert abs(found[1] - found[0]) < abs(found[2] - found[1])  # shoulders are exaggerated most


def test_a_body_as_far_as_its_hips_stays_there() -> None:
    depth = np.full(POINT_COUNT, 37.0, np.float32)
    np.testing.assert_allclose(rescale_depth(depth), depth)
    np.testing.assert_allclose(rescale_depth(-depth), -depth)

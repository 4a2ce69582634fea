"""The skeleton drawn over an image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.pose.formats.pose_overlay import draw_pose
from dance_now.pose.model.pose import Pose


def picture() -> np.ndarray:
    return np.zeros((100, 120, 3), np.uint8)


def pose_of(**rows: tuple[float, float, float]) -> Pose:
    """A pose with some points: ``r8=(x, y, confidence)``."""
    points = np.zeros((137, 3), np.float32)
    for name, point in rows.items():
        points[int(name[1:])] = point
    return Pose(points)


def test_a_limb_lies_between_its_points():
    drawn = draw_pose(picture(), pose_of(r1=(60, 20, 1), r8=(60, 80, 1)))
    assert drawn[50, 60].max() > 200
    assert drawn[50, 70].max() == 0
    assert drawn[90, 60].max() == 0


def test_the_image_given_stays_as_it_was():
    image = picture()
    draw_pose(image, pose_of(r1=(60, 20, 1), r8=(60, 80, 1)))
    assert not image.any()


@pytest.mark.parametrize("pose", [Pose.empty(), pose_of(r1=(60, 20, 0.05), r8=(60, 80, 0.05))])
def test_missing_and_doubtful_points_are_not_drawn(pose):
    assert not draw_pose(picture(), pose).any()


def test_a_limb_with_one_missing_end_is_not_drawn_to_the_corner():
    drawn = draw_pose(picture(), pose_of(r1=(60, 60, 1)))
    assert drawn[60, 60].any()
    assert not drawn[:40, :40].any()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e7, 1e7, width=32), min_size=4, max_size=4))
def test_points_anywhere_do_no_harm(values):
    x, y, u, v = values
    assert draw_pose(picture(), pose_of(r1=(x, y, 1), r8=(u, v, 1), r9=(30, 30, 1))).shape == (100, 120, 3)

"""The outline drawn from keypoints alone."""

import numpy as np
import pytest
from skeletons import adult_skeleton, posed, posture

from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.limb_hull import hull_mask

HEIGHT = 480


def figure(scale: float = 200.0) -> Pose:
    """An adult in the middle of 640x480 whose arms hang."""
    body = adult_skeleton()
    return posed(body, posture(body), scale, (320.0, 240.0))


def covered(pose: Pose) -> np.ndarray:
    """(480, 640) bool."""
    return hull_mask(pose).alpha_in(HEIGHT, 640) > 0.5


@pytest.mark.parametrize("scale", [20.0, 100.0, 250.0])
def test_it_covers_the_points_and_little_else(scale):
    pose = figure(scale)
    mask = covered(pose)
    inside = pose.body[:, :2].astype(int)
    assert mask[inside[:, 1].clip(0, HEIGHT - 1), inside[:, 0]].all()
    height = adult_skeleton().height * scale
    rows, columns = np.nonzero(mask)
    assert np.ptp(columns) < 0.6 * height
    assert 0.1 < mask.sum() / min(height, HEIGHT) ** 2 < 0.35
    assert rows.min() <= max(0, 240 - 0.45 * height)  # hair above the eyes


def test_it_moves_and_grows_with_the_person():
    moved = covered(figure().transformed(0.5, (100.0, 50.0)))
    rows, columns = np.nonzero(covered(figure()))
    centre = (columns.mean() * 0.5 + 100, rows.mean() * 0.5 + 50)
    np.testing.assert_allclose([np.nonzero(moved)[1].mean(), np.nonzero(moved)[0].mean()], centre, atol=1.5)


def test_half_a_body_is_half_an_outline():
    points = figure().points.copy()
    points[[9, 10, 11, 12, 13, 14, 19, 20, 21, 22, 23, 24]] = 0
    mask = covered(Pose(points))
    assert mask[:230].any()
    assert not mask[300:].any()


@pytest.mark.parametrize("rows", [(), (0,), (4,), (2, 5)])
def test_few_points_make_a_finite_mask(rows):
    points = np.zeros((137, 3), np.float32)
    points[list(rows)] = [(50 + 3 * row, 60, 0.01) for row in rows] or np.zeros((0, 3))
    mask = hull_mask(Pose(points))
    assert np.isfinite(mask.to_image).all()
    assert bool(mask.alpha.any()) == bool(rows)

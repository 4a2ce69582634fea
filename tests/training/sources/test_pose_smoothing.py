"""Labels of a clip tremble less than what an estimator finds."""

import numpy as np
import pytest

from dance_now.pose.model.pose import Pose
from dance_now.training.sources.pose_smoothing import smooth_poses

HEIGHT, FRAMES = 500.0, 60


def walk(noise: float, seed: int = 0) -> list[Pose]:
    """137 points that swing, and tremble by ``noise`` px; point 40 comes and goes."""
    rng = np.random.default_rng(seed)
    places = np.random.default_rng(9).uniform(100, 400, (137, 2))
    poses = []
    for frame in range(FRAMES):
        swing = 30 * np.sin(2 * np.pi * frame / 40)
        points = np.column_stack([places + np.array([swing, 0]), np.ones(137)])
        points[:, :2] += rng.normal(0, noise, (137, 2)) if noise else 0
        points[40] *= frame % 5 != 0
        depth = 0.2 * swing + (rng.normal(0, noise, 137) if noise else np.zeros(137))
        poses.append(Pose(points.astype(np.float32), depth.astype(np.float32), np.ones(137, np.bool_)))
    return poses


def error(poses: list[Pose]) -> float:
    """Distance from the true swing, px."""
    true = walk(0)
    pairs = zip(poses, true, strict=True)
    seen = [(a.points[:40, :2] - b.points[:40, :2], a.depth[:40] - b.depth[:40]) for a, b in pairs]
    return float(np.mean([np.abs(flat).mean() + np.abs(deep).mean() for flat, deep in seen]))


def test_trembling_is_removed_and_motion_kept() -> None:
    noisy = walk(2.0)
    smooth = smooth_poses(noisy, range(FRAMES), 1 / 24, HEIGHT)
    assert error(smooth) < 0.6 * error(noisy)
    assert error(smooth_poses(walk(0), range(FRAMES), 1 / 24, HEIGHT)) < 0.3


def test_missing_points_stay_missing_and_are_not_dragged_to_the_corner() -> None:
    noisy = walk(2.0)
    smooth = smooth_poses(noisy, range(FRAMES), 1 / 24, HEIGHT)
    for before, after in zip(noisy, smooth, strict=True):
        np.testing.assert_array_equal(before.visible, after.visible)
        np.testing.assert_allclose(before.points[40], after.points[40], atol=10)


@pytest.mark.parametrize("cut", [30, 55])
def test_a_gap_divides_the_clip(cut: int) -> None:
    noisy = walk(2.0)
    frames = [frame if frame < cut else frame + 100 for frame in range(FRAMES)]
    smooth = smooth_poses(noisy, frames, 1 / 24, HEIGHT)
    alone = smooth_poses(noisy[:cut], frames[:cut], 1 / 24, HEIGHT)
    for together, apart in zip(smooth, alone, strict=False):
        np.testing.assert_array_equal(together.points, apart.points)
    assert len(smooth) == FRAMES

"""Rare views of a clip are trained on as often as common ones."""

import numpy as np
import pytest
from skeletons import chibi_skeleton, posed, posture

from dance_now.core.arrays import FloatArray
from dance_now.training.data.sample_balance import pose_balance, varied_poses


def clip(turns: list[float], scale: float = 300.0) -> FloatArray:
    """(n, 137, 4) of somebody who stands and turns."""
    skeleton = chibi_skeleton()
    poses = [posed(skeleton, posture(skeleton, turn=turn), scale, (256.0, 350.0)) for turn in turns]
    rows = [np.column_stack([pose.points[:, :2], pose.depth, pose.points[:, 2]]) for pose in poses]
    return np.stack(rows).astype(np.float32)


def test_a_glance_aside_counts_like_a_long_look() -> None:
    turns = [*np.linspace(-2, 2, 60).tolist(), *np.linspace(88, 92, 6).tolist()]
    chance = pose_balance(clip(turns))
    assert chance.sum() == pytest.approx(1, abs=1e-5)
    assert chance[60:].sum() > 0.35
    assert chance.max() < 8.1 * np.median(chance)


@pytest.mark.parametrize("scale", [30.0, 300.0])
def test_an_even_clip_stays_even(scale: float) -> None:
    chance = pose_balance(clip(np.linspace(0, 350, 36).tolist(), scale))
    assert chance.max() < 1.5 * chance.min()


def test_one_picture_is_enough() -> None:
    assert pose_balance(clip([0.0])).tolist() == [1.0]


def test_a_sample_of_a_clip_holds_its_short_glances() -> None:
    turns = [*np.linspace(-2, 2, 90).tolist(), *np.linspace(88, 92, 10).tolist()]
    skeleton = chibi_skeleton()
    poses = [posed(skeleton, posture(skeleton, turn=turn), 300.0, (256.0, 350.0)) for turn in turns]
    chosen = varied_poses(poses, 12)
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= 12
    assert sum(index >= 90 for index in chosen) >= 4
    assert varied_poses(poses[:5], 12) == [0, 1, 2, 3, 4]

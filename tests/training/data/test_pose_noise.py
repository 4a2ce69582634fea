"""Poses with errors are still possible poses of the same body."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.pose.model.bone_rule import SWING_LEVELS
from dance_now.pose.model.keypoints import LEFT_HAND
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.data.pose_noise import PoseNoise, add_pose_noise

NOISE = PoseNoise(degrees=6, finger_degrees=15, flipped=0.2)
LIMBS = [swing for level in SWING_LEVELS for swing in level]


def directions(keypoints: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """(42, 3) of all limbs and fingers, px."""
    points = keypoints[:, :3].astype(np.float64)
    return np.stack([points[limb.end] - points[limb.start] for limb in LIMBS])


def angles(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Degrees."""
    cosine = (one * other).sum(axis=1) / (np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_bones_keep_their_lengths(pictures: LabelledPictures, seed: int) -> None:
    true = pictures.keypoints[seed % 6]
    found = add_pose_noise(true, NOISE, np.random.default_rng(seed))
    np.testing.assert_allclose(
        np.linalg.norm(directions(found), axis=1),
        np.linalg.norm(directions(true), axis=1),
        rtol=1e-3,
        atol=1e-3,
    )
    np.testing.assert_array_equal(found[:, 3], true[:, 3])
    np.testing.assert_array_equal(found[:2, :3], true[:2, :3])  # trunk and head are not touched
    np.testing.assert_array_equal(found[25:95], true[25:95])


def test_errors_have_the_size_that_was_asked_for(pictures: LabelledPictures) -> None:
    true = pictures.keypoints[0]
    noise = PoseNoise(degrees=4, finger_degrees=12)
    found = [
        angles(directions(add_pose_noise(true, noise, np.random.default_rng(n))), directions(true))
        for n in range(200)
    ]
    upper_arm = LIMBS.index(next(limb for limb in LIMBS if limb.name == "leftUpperArm"))
    assert np.mean(np.stack(found)[:, upper_arm]) == pytest.approx(4 * np.sqrt(np.pi / 2), rel=0.15)
    fingers = [row for row, limb in enumerate(LIMBS) if limb.start >= LEFT_HAND.start]
    assert np.mean(np.stack(found)[:, fingers]) > 2 * np.mean(np.stack(found)[:, upper_arm])


def test_a_flipped_limb_points_the_other_way_in_depth(pictures: LabelledPictures) -> None:
    true = pictures.keypoints[0]
    found = add_pose_noise(true, PoseNoise(flipped=1.0), np.random.default_rng(0))
    before, after = directions(true), directions(found)
    for row, limb in enumerate(LIMBS):
        sign = 1 if limb.start >= LEFT_HAND.start else -1
        np.testing.assert_allclose(after[row], before[row] * [1, 1, sign], atol=1e-3, err_msg=limb.name)


def test_missing_points_stay_missing(pictures: LabelledPictures) -> None:
    true = pictures.keypoints[0].copy()
    true[4] = 0
    np.testing.assert_array_equal(add_pose_noise(true, NOISE, np.random.default_rng(0))[4], 0)


def test_no_noise_changes_nothing(pictures: LabelledPictures) -> None:
    true = pictures.keypoints[0]
    np.testing.assert_array_equal(add_pose_noise(true, PoseNoise(), np.random.default_rng(0)), true)

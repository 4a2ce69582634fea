"""Dark frames are stretched; others are left alone."""

from __future__ import annotations

import numpy as np

from dance_now.pose.networks.exposure import stretch_dark


def test_dark_frame_is_stretched() -> None:
    image = np.random.default_rng(0).integers(0, 9, (90, 120, 3), dtype=np.uint8)
    before = image.copy()
    stretched = stretch_dark(image)
    assert 80 < stretched.mean() < 130
    np.testing.assert_array_equal(image, before)


def test_other_frames_are_the_same_object() -> None:
    image = np.zeros((90, 120, 3), np.uint8)
    image[20:60, 30:80] = 180  # a lit person on a dark stage
    assert stretch_dark(image) is image


def test_black_frame_stays_black() -> None:
    assert not stretch_dark(np.zeros((9, 9, 3), np.uint8)).any()

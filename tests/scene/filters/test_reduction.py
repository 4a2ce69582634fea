"""Frames are reduced as OpenCV's area averaging would, whatever their size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dance_now.scene.filters.reduction import reduced


@pytest.mark.parametrize(
    "size", [(1920, 1080), (1280, 720), (1921, 1081), (1366, 768), (640, 360), (700, 400)]
)
def test_it_is_area_averaging_within_a_level_or_two(size: tuple[int, int]) -> None:
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    image = np.stack([columns % 256, rows % 256, (columns + rows) // 2 % 256], axis=-1).astype(np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 3)
    small = reduced(image, (640, 360))
    area = cv2.resize(image, (640, 360), interpolation=cv2.INTER_AREA)
    assert small.shape == (360, 640, 3)
    assert np.abs(small.astype(int) - area).mean() < 1.0
    assert small.mean() == pytest.approx(area.mean(), abs=0.5)


def test_fine_patterns_do_not_alias() -> None:
    image = np.zeros((1081, 1921), np.uint8)
    image[:, ::2] = 255
    small = reduced(image, (640, 360))
    assert np.abs(small.astype(int) - 127).max() < 50

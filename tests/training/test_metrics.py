"""Scores of pictures that are right, shifted, dark or empty."""

from itertools import pairwise

import numpy as np
import pytest

from dance_now.training.metrics import score


def disk(x: float = 256, radius: float = 120, colour: int = 200, size: int = 512) -> np.ndarray:
    """An opaque disk of one grey."""
    rows, columns = np.mgrid[:size, :size] + 0.5
    alpha = (np.hypot(columns - x, rows - size / 2) < radius) * 255
    grey = np.full_like(alpha, colour)
    return np.stack([grey, grey, grey, alpha], axis=2).astype(np.uint8)


def test_the_same_picture_scores_best() -> None:
    result = score(disk(), disk())
    assert result.psnr >= 100
    assert result.iou == 1


def test_two_empty_pictures_are_equal() -> None:
    empty = np.zeros((512, 512, 4), np.uint8)
    assert score(empty, empty).psnr == float("inf")
    assert score(empty, empty).iou == 1


def test_a_larger_shift_scores_lower() -> None:
    results = [score(disk(256 + shift), disk()) for shift in (2, 8, 32, 128)]
    for nearer, farther in pairwise(results):
        assert farther.psnr < nearer.psnr
        assert farther.iou < nearer.iou


def test_a_known_shift_has_a_known_overlap() -> None:
    """Two disks of radius r, d apart."""
    radius, distance = 120, 64
    lens = 2 * radius**2 * np.arccos(distance / 2 / radius) - distance / 2 * np.sqrt(
        4 * radius**2 - distance**2
    )
    expected = lens / (2 * np.pi * radius**2 - lens)
    assert score(disk(256 + distance), disk()).iou == pytest.approx(expected, abs=0.01)


def test_a_wrong_grey_costs_its_difference() -> None:
    """20 of 255 too bright within the disk, nothing in the rim around it, counted by area."""
    result = score(disk(colour=220), disk(colour=200))
    inside, rim = 60**2, 68**2
    assert result.psnr == pytest.approx(-20 * np.log10(20 / 255 * np.sqrt(inside / rim)), abs=0.1)
    assert result.iou == 1


def test_what_is_transparent_has_no_colour() -> None:
    hidden = disk()
    hidden[hidden[..., 3] == 0, :3] = 255
    assert score(hidden, disk()).psnr >= 100


def test_a_missing_figure_is_grey() -> None:
    """Mid-grey on mid-grey differs in the silhouette only."""
    result = score(np.zeros((512, 512, 4), np.uint8), disk(colour=128))
    assert result.psnr > 50
    assert result.iou == 0


def test_the_background_does_not_count() -> None:
    """The same figure and error on a canvas twice the width score the same."""
    wide = [np.pad(picture, ((0, 0), (0, 512), (0, 0))) for picture in (disk(colour=220), disk())]
    assert score(*wide).psnr == pytest.approx(score(disk(colour=220), disk()).psnr, abs=0.05)

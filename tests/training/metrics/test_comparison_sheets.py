"""Sheets of true and drawn pictures."""

import numpy as np
import pytest

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.keypoints import FACE
from dance_now.training.metrics.comparison_sheets import (
    ImagePair,
    contact_sheet,
    difference,
    difference_sheet,
    head_sheet,
    over_backdrop,
)


def plain(grey: int, alpha: int = 255) -> Image:
    """A picture of one color."""
    picture = np.full((64, 64, 4), grey, np.uint8)
    picture[..., 3] = alpha
    return picture


def label_at(x: float, y: float) -> FloatArray:
    """A face of ten pixels around a place."""
    label = np.zeros((137, 4), np.float32)
    angle = np.linspace(0, 2 * np.pi, FACE.stop - FACE.start, endpoint=False)
    label[FACE] = np.stack([x + 5 * np.cos(angle), y + 5 * np.sin(angle), 0 * angle, 0 * angle + 1], axis=1)
    return label


def test_tiles_fill_rows() -> None:
    tiles = [np.full((4, 6, 3), value, np.uint8) for value in (1, 2, 3)]
    sheet = contact_sheet(tiles, columns=2)
    assert sheet.shape == (8, 12, 3)
    assert (sheet[4:, :6] == 3).all()
    assert (sheet[4:, 6:] == 255).all()
    assert contact_sheet(tiles, columns=9).shape == (4, 18, 3)


def test_laying_over_shows_the_backdrop_where_it_is_clear() -> None:
    picture = np.zeros((2, 2, 4), np.uint8)
    picture[0] = [10, 20, 30, 255]
    laid = over_backdrop(picture)
    assert laid[0, 0].tolist() == [10, 20, 30]
    assert laid[1, 0].tolist() == [200, 220, 255]


@pytest.mark.parametrize(("drawn", "shown"), [(100, 255), (110, 235), (0, 55), (255, 0)])
def test_a_difference_is_white_where_there_is_none(drawn: int, shown: int) -> None:
    assert np.abs(difference(plain(drawn), plain(100)).astype(int) - shown).max() <= 1


def test_what_is_clear_does_not_differ() -> None:
    assert (difference(plain(0, alpha=0), plain(255, alpha=0)) == 255).all()


def test_true_drawn_and_difference_lie_side_by_side() -> None:
    sheet = difference_sheet([ImagePair(plain(100), plain(110), label_at(32, 32))] * 3, columns=2)
    assert sheet.shape == (128, 2 * 192, 3)
    assert [int(sheet[5, column, 0]) for column in (10, 70, 140)] == [100, 110, 235]


def test_heads_are_cut_at_twice_their_size_even_at_the_edge() -> None:
    true, drawn = plain(0), plain(0)
    true[30:35, 30:35, :3], drawn[30:35, 30:35, :3] = 200, 90
    inside, edge = ImagePair(true, drawn, label_at(32, 32)), ImagePair(true, drawn, label_at(2, 2))
    sheet = head_sheet([inside, edge])
    side = (sheet.shape[0] - 12) // 2
    assert 40 <= side <= 48  # ten pixels, a rim of six on each side, doubled
    assert sheet.shape[1] == 2 * (side + 12)
    assert (sheet[:, : side + 12] == 200).all(axis=2).sum() == 10 * 10
    assert (sheet[6 + side :, : side + 12] == 90).all(axis=2).sum() == 10 * 10
    assert (sheet[6:12, side + 18 : -6] == 255).all()  # beyond the picture

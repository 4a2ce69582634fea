"""How large a person is: it does not grow with the noise, nor with wrong depth."""

import numpy as np
import pytest

from dance_now.pose.model.body_scale import SEGMENT_RATIOS, BodyScaleEstimator

HEIGHT = 400.0
COUNT = len(SEGMENT_RATIOS)


def watched(exaggeration: float, seconds: float = 6.0, noise: float = 0.015) -> BodyScaleEstimator:
    """The size after some seconds of a person who moves all limbs about."""
    random = np.random.default_rng(0)
    size = BodyScaleEstimator()
    phases = random.uniform(0, 2 * np.pi, COUNT)
    for frame in range(round(30 * seconds)):
        turn = 0.9 * np.sin(2 * np.pi * 0.4 * frame / 30 + phases)
        drawn = SEGMENT_RATIOS * HEIGHT * np.cos(turn) + random.normal(0, 0.003 * HEIGHT, COUNT)
        depth = exaggeration * (
            SEGMENT_RATIOS * HEIGHT * np.sin(turn) + random.normal(0, noise * HEIGHT, COUNT)
        )
        size.update(np.abs(drawn), depth, np.ones(COUNT), frame / 30)
    return size


@pytest.mark.parametrize("exaggeration", [0.8, 1.0, 1.6])
def test_a_moving_person_keeps_its_size(exaggeration: float) -> None:
    size = watched(exaggeration)
    assert size.height == pytest.approx(HEIGHT, rel=0.08)
    np.testing.assert_allclose(size.lengths[1:11], SEGMENT_RATIOS[1:11] * HEIGHT, rtol=0.15)


def test_depth_is_brought_to_pixels() -> None:
    gains = [np.median(watched(exaggeration).depth_gain[1:11]) for exaggeration in (0.8, 1.6)]
    assert gains[0] > 1.4 * gains[1]


def test_settled_proportions_stay_while_the_height_follows() -> None:
    size = watched(1.0)
    proportions = size.lengths / size.height
    size.freeze()
    for frame in range(60):
        size.update(1.5 * SEGMENT_RATIOS * HEIGHT, np.zeros(COUNT), np.ones(COUNT), frame / 30)
    np.testing.assert_allclose(size.lengths / size.height, proportions)
    assert size.height == pytest.approx(1.5 * HEIGHT, rel=0.08)

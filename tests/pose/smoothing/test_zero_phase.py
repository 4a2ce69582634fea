"""Smoothing of whole clips: noise goes, motion stays where and when it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dance_now.pose.smoothing.zero_phase import zero_phase_filter

NOISE = (0.01, 0.05)
STEP = 1 / 30
SIGNALS = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 40), st.integers(1, 3), st.integers(1, 3)),
    elements=st.floats(-100, 100, allow_subnormal=False),
)


def kick(seconds: float = 4.0, step: float = STEP) -> np.ndarray:
    """(n, 2) direction of a leg that swings up and back within 0.4 s, after 1.5 s of standing."""
    angle = np.radians(70) * np.sin(np.pi * np.clip((np.arange(0, seconds, step) - 1.5) / 0.4, 0, 1))
    return np.stack([np.sin(angle), -np.cos(angle)], axis=1)


@given(SIGNALS, st.floats(1e-3, 0.2))
def test_time_reversed_gives_the_result_reversed(values: np.ndarray, step: float) -> None:
    np.testing.assert_allclose(
        zero_phase_filter(values[::-1], step, NOISE), zero_phase_filter(values, step, NOISE)[::-1], atol=1e-6
    )


@given(SIGNALS, st.floats(-100, 100))
def test_a_constant_added_is_added_to_the_result(values: np.ndarray, constant: float) -> None:
    one, other = (
        zero_phase_filter(values + constant, STEP, NOISE),
        zero_phase_filter(values, STEP, NOISE) + constant,
    )
    np.testing.assert_allclose(one, other, atol=1e-6)


@given(st.integers(0, 60), st.floats(-10, 10), st.floats(-10, 10))
def test_straight_motion_is_left_alone(count: int, start: float, speed: float) -> None:
    line = (start + speed * np.arange(count))[:, None]
    np.testing.assert_allclose(zero_phase_filter(line, STEP, NOISE), line, atol=1e-9)


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_takes_jitter_away_at_rest(rate: int) -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, (4 * rate, 3))
    calm = zero_phase_filter(noise, 1 / rate, NOISE)
    assert np.std(np.diff(calm, axis=0)) < np.std(np.diff(noise, axis=0)) / 5
    assert np.std(calm) < np.std(noise) / 2


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_a_kick_keeps_its_height_and_its_time(rate: int) -> None:
    true = kick(step=1 / rate)
    shown = zero_phase_filter(true + np.random.default_rng(1).normal(0, 0.015, true.shape), 1 / rate, NOISE)
    moments = np.arange(len(true))
    middles = [np.average(moments, weights=np.maximum(each[:, 0] - 0.3, 0)) for each in (shown, true)]
    assert abs(middles[0] - middles[1]) < 0.5
    assert shown[:, 0].max() > 0.95 * true[:, 0].max()
    assert np.abs(shown - true).max() < 0.1


def test_directions_do_not_mix() -> None:
    values = np.random.default_rng(2).normal(size=(50, 3, 2))
    alone = [zero_phase_filter(values[:, [column]], STEP, NOISE) for column in range(3)]
    np.testing.assert_allclose(zero_phase_filter(values, STEP, NOISE), np.concatenate(alone, axis=1))


def test_a_steady_move_keeps_its_path_up_to_the_ends() -> None:
    angle = np.linspace(0, 3, 75)
    path = np.stack([np.sin(angle), -np.cos(angle), 0 * angle], axis=1)
    np.testing.assert_allclose(zero_phase_filter(path, 1 / 30, noise_range=(0.015, 0.05)), path, atol=0.03)


@pytest.mark.parametrize("hertz", [0.5, 1.0, 2.0])
def test_a_wave_is_as_wide_as_it_was(hertz: float) -> None:
    angle = np.radians(40) * np.sin(2 * np.pi * hertz * np.arange(150) / 30)
    true = np.stack([np.sin(angle), np.cos(angle), 0 * angle], axis=1)
    shown = zero_phase_filter(true, STEP, noise_range=(0.02, 0.05))
    assert np.ptp(shown[15:-15, 0]) > 0.96 * np.ptp(true[15:-15, 0])


def test_slow_wandering_goes_and_a_steady_move_stays() -> None:
    clock = np.arange(360) / 30
    wander = 0.002 * np.sin(2 * np.pi * clock / 9)
    for speed in (0.0, 0.1):
        values = (speed * clock + wander + np.random.default_rng(3).normal(0, 0.004, clock.shape))[:, None]
        off = zero_phase_filter(values, STEP, noise_range=(0.004, 0.01))[:, 0] - speed * clock
        assert np.std(off) < 0.4 * np.std(wander)


def test_slow_sway_stays() -> None:
    clock = np.arange(360) / 30
    sway = np.stack([0.04 * np.sin(2 * np.pi * clock / 4), 0 * clock], axis=1)
    noise = np.random.default_rng(0).normal(0, 0.004, sway.shape)
    calm = zero_phase_filter(sway + noise, 1 / 30, noise_range=(0.004, 0.01))
    assert np.abs(calm - sway)[10:-10].max() < 0.013

"""The One-Euro filter: what goes in steady comes out steady, what moves is followed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dance_now.pose.smoothing.one_euro import OneEuroFilter

VALUES = hnp.arrays(
    np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(-1e4, 1e4, allow_subnormal=False)
)
PARAMETERS = st.tuples(st.floats(0.01, 10), st.floats(0, 2), st.floats(0.1, 5))


@given(VALUES, PARAMETERS, st.floats(1e-3, 0.5))
def test_constant_in_constant_out(values: np.ndarray, parameters: tuple, step: float) -> None:
    smooth = OneEuroFilter(*parameters)
    for index in range(5):
        np.testing.assert_allclose(smooth.filter(values, index * step), values, rtol=0, atol=1e-9)


@given(VALUES, st.floats(0.2, 5), st.floats(0, 1))
def test_converges_to_a_new_value_without_overshoot(values: np.ndarray, cutoff: float, beta: float) -> None:
    smooth = OneEuroFilter(cutoff, beta)
    smooth.filter(np.zeros_like(values), 0.0)
    distance = np.abs(values)
    for index in range(1, 400):
        result = smooth.filter(values, index / 30)
        left = np.abs(values - result)
        assert (left <= distance + 1e-9).all()
        distance = left
    assert (distance <= 1e-3 * np.maximum(np.abs(values), 1)).all()


@given(
    hnp.arrays(
        np.float64, (12, 3), elements=st.one_of(st.floats(-1e6, 1e6), st.just(np.nan), st.just(np.inf))
    ),
    st.lists(st.floats(0, 2), min_size=12, max_size=12),
)
def test_always_finite_and_within_what_was_seen(values: np.ndarray, times: list[float]) -> None:
    smooth = OneEuroFilter(1.0, 0.1)
    finite = np.where(np.isfinite(values), values, 0.0)
    low, high = np.minimum(finite.min(), 0), np.maximum(finite.max(), 0)
    for row, time in zip(values, times, strict=True):
        result = smooth.filter(row, time)
        assert np.isfinite(result).all()
        assert (result >= low - 1e-6).all()
        assert (result <= high + 1e-6).all()


def test_elements_do_not_mix() -> None:
    rng = np.random.default_rng(1)
    values, together = rng.normal(size=(20, 4)), OneEuroFilter(1.0, 0.5)
    alone = [OneEuroFilter(1.0, 0.5) for _ in range(4)]
    for index, row in enumerate(values):
        one_by_one = [smooth.filter(value, index / 30) for smooth, value in zip(alone, row, strict=True)]
        np.testing.assert_allclose(together.filter(row, index / 30), one_by_one)


def test_takes_jitter_away_at_rest() -> None:
    noise = np.random.default_rng(2).normal(size=300)
    smooth = OneEuroFilter(1.0, 0.0)
    results = [float(smooth.filter(value, index / 30)) for index, value in enumerate(noise)]
    assert np.std(results[30:]) < 0.4 * np.std(noise)
    assert np.std(np.diff(results[30:])) < 0.2 * np.std(np.diff(noise))


def test_beta_cuts_the_lag_of_fast_motion() -> None:
    def lag(beta: float) -> float:
        smooth, speed = OneEuroFilter(1.0, beta), 600.0  # pixels a second
        for index in range(60):
            result = smooth.filter(speed * index / 30, index / 30)
        return (speed * 59 / 30 - float(result)) / speed

    assert lag(0.0) > 0.1
    assert lag(0.05) < 0.01


def test_slow_noise_does_not_open_the_filter() -> None:
    noise = np.random.default_rng(3).normal(0, 0.02, 300)
    shakes = []
    for still in (0.0, 0.9):
        smooth = OneEuroFilter(0.3, 1.5, 3.0, speed_deadband=still)
        results = [float(smooth.filter(value, index / 30)) for index, value in enumerate(noise)]
        shakes.append(np.std(np.diff(results[30:])))
    assert shakes[1] < 0.8 * shakes[0]
    assert shakes[1] < np.std(np.diff(noise)) / 4


def test_components_that_share_their_speed_arrive_together() -> None:
    smooth = OneEuroFilter(1.0, 1.0, shared_speed=True)
    smooth.filter([[0.0, 0.0]], 0.0)
    for index in range(1, 6):
        x, y = smooth.filter([[5.0, 0.5]], index / 30)[0]
        assert y == pytest.approx(x / 10)


def test_same_result_whatever_the_frame_rate() -> None:
    ends = []
    for rate in (30, 120):
        smooth = OneEuroFilter(0.5, 0.0)
        for index in range(rate + 1):
            result = smooth.filter(min(index, 1), index / rate)
        ends.append(float(result))
    assert ends[0] == pytest.approx(ends[1], abs=0.03)


def test_gap_holds_the_last_result() -> None:
    smooth = OneEuroFilter(1.0, 0.0)
    smooth.filter([1.0, 2.0], 0.0)
    np.testing.assert_array_equal(smooth.filter([np.nan, 2.0], 0.1), [1.0, 2.0])


def test_first_value_may_come_late() -> None:
    smooth = OneEuroFilter(1.0, 0.0)
    np.testing.assert_array_equal(smooth.filter([np.nan, 5.0], 0.0), [0.0, 5.0])
    np.testing.assert_array_equal(smooth.filter([7.0, 5.0], 0.1), [7.0, 5.0])


def test_repeated_time_changes_nothing_and_earlier_time_starts_anew() -> None:
    smooth = OneEuroFilter(1.0, 0.0)
    smooth.filter([0.0], 1.0)
    np.testing.assert_array_equal(smooth.filter([9.0], 1.0), [0.0])
    np.testing.assert_array_equal(smooth.filter([9.0], 0.5), [9.0])


def test_reset_forgets() -> None:
    smooth = OneEuroFilter(1.0, 0.0)
    smooth.filter([0.0], 0.0)
    smooth.reset()
    np.testing.assert_array_equal(smooth.filter([[3.0, 4.0]], 0.0), [[3.0, 4.0]])


def test_result_is_the_callers_own() -> None:
    smooth = OneEuroFilter(1.0, 0.0)
    smooth.filter([1.0], 0.0)[:] = 100
    np.testing.assert_array_equal(smooth.filter([1.0], 0.1), [1.0])


@pytest.mark.parametrize(
    "arguments", [(0.0, 0.0, 1.0), (1.0, -1.0, 1.0), (1.0, 0.0, 0.0), (np.nan, 0.0, 1.0)]
)
def test_bad_settings(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="cutoffs"):
        OneEuroFilter(*arguments)
    with pytest.raises(ValueError, match="speed_deadband"):
        OneEuroFilter(speed_deadband=-1.0)


def test_bad_calls() -> None:
    smooth = OneEuroFilter()
    smooth.filter([1.0], 0.0)
    with pytest.raises(ValueError, match="shape"):
        smooth.filter([1.0, 2.0], 0.1)
    with pytest.raises(ValueError, match="finite"):
        smooth.filter([1.0], np.nan)


def test_with_slack_rest_is_calm_and_what_departs_is_followed() -> None:
    random = np.random.default_rng(0)
    clock = np.arange(300) / 30
    smooth = OneEuroFilter(0.05, 8.0, 1.5, speed_deadband=0.2, shared_speed=True, departure_scale=0.035)
    moved = np.where(clock > 5, 0.2, 0.0)[:, None] * [1.0, 0.0]
    noisy = moved + random.normal(0, 0.004, moved.shape)
    shown = np.stack([smooth.filter(row, time) for row, time in zip(noisy, clock, strict=True)])
    assert np.std(shown[30:150], axis=0).max() < 0.004 / 4
    assert np.abs(shown[165:] - moved[165:]).max() < 0.04  # half a second after it moved
    assert np.abs(shown[290:] - moved[290:]).max() < 0.03


def test_slack_is_above_zero() -> None:
    with pytest.raises(ValueError, match="departure_scale"):
        OneEuroFilter(departure_scale=0.0)

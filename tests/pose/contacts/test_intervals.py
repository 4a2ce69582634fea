"""Hysteresis and smoothing over time."""

import numpy as np

from dance_now.pose.contacts.intervals import smooth_over_time, true_intervals, with_hysteresis


def test_a_run_needs_its_peak_its_length_and_bridges_a_short_gap() -> None:
    values = np.array([0.0, 0.5, 0.9, 0.5, 0.1, 0.8, 0.8, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.0, 0.0, 0.9])
    mask = with_hysteresis(values, on=0.7, off=0.4, step=0.1, shortest=0.25, bridged=0.15)
    assert true_intervals(mask) == [(1, 7)]


def test_smoothing_keeps_a_constant_and_has_no_lag() -> None:
    values = np.zeros((41, 2))
    values[20] = 1
    smooth = smooth_over_time(values, 2.0)
    assert smooth[:, 0].argmax() == 20
    np.testing.assert_allclose(smooth, smooth[::-1])
    np.testing.assert_allclose(smooth_over_time(np.full((9, 1), 3.0), 2.0), 3.0)

"""Interpolation along curves and lines."""

import numpy as np

from tools.mascot.surface import curve, through


def test_curves_do_not_overshoot() -> None:
    values = curve([(0, 0.0), (1, 1.0), (2, 1.0), (3, 0.0)])(np.linspace(-1, 4, 101))
    assert values.min() == 0
    assert values.max() == 1


def test_lines_are_evenly_spaced_and_keep_their_ends() -> None:
    line = through([(0, 0, 0), (1, 0, 0), (1, 2, 0)], 20)
    np.testing.assert_allclose(line[[0, -1]], [(0, 0, 0), (1, 2, 0)], atol=1e-9)
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    assert steps.max() < 1.1 * steps.min()

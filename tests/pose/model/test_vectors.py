"""Vector algebra for small batches agrees with NumPy's general functions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dance_now.pose.model.vectors import quantile


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12), st.floats(0, 1))
def test_quantiles(values: list[float], share: float) -> None:
    assert quantile(np.array(values), share) == pytest.approx(np.quantile(values, share), rel=1e-9, abs=1e-6)

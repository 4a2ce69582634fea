"""The cheapest pairs, against trying all."""

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dance_now.pose.tracking.assignment import linear_assignment

COSTS = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=4), elements=st.floats(0, 9))


def total(costs, pairs, limit):
    return sum(costs[pair] for pair in pairs) + limit * (costs.shape[0] - len(pairs))


@given(COSTS, st.floats(0.1, 5))
def test_no_other_pairing_is_cheaper(costs, limit):
    pairs = linear_assignment(costs, limit)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(costs[pair] < limit for pair in pairs)
    rows, columns = costs.shape
    padded = np.column_stack([costs, np.full((rows, rows), limit)])
    best = min(
        sum(padded[row, column] for row, column in enumerate(order))
        for order in permutations(range(rows + columns), rows)
    )
    assert abs(total(costs, pairs, limit) - best) < 1e-9


def test_nobody_is_paired_with_nobody():
    assert linear_assignment(np.zeros((0, 3)), 1.0) == []
    assert linear_assignment(np.zeros((2, 0)), 1.0) == []

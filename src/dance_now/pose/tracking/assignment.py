"""Linear assignment (Hungarian algorithm) of detections to tracks.

Source: Kuhn, "The Hungarian method for the assignment problem", 1955, in the form with potentials and
shortest augmenting paths (Jonker and Volgenant, 1987).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def linear_assignment(costs: npt.NDArray[np.float64], limit: float) -> list[tuple[int, int]]:
    """Minimum-cost assignment of rows to columns, each used at most once.

    Args:
        costs: (rows, columns), finite.
        limit: cost of leaving a row and a column unassigned; no pair costs more.

    Returns:
        (row, column) in the order of rows.

    Example:
        >>> linear_assignment(np.array([[0.1, 0.2], [0.1, 0.9]]), 1.0)
        [(0, 1), (1, 0)]
    """
    rows, columns = costs.shape
    side = rows + columns  # every row and column has a dummy partner
    square = np.zeros((side, side))
    square[:rows, columns:] = limit
    square[:rows, :columns] = np.minimum(costs, 4 * abs(limit) + 1)
    partner = _solve_square(square)
    return [
        (row, column)
        for row, column in enumerate(partner[:rows])
        if column < columns and costs[row, column] < limit
    ]


def _solve_square(costs: npt.NDArray[np.float64]) -> list[int]:
    """Column of each row of a square matrix in the minimum-cost assignment."""
    side = len(costs)
    row_price, column_price = np.zeros(side), np.zeros(side + 1)
    row_of = np.full(side + 1, -1)  # the last column is where a search begins
    for row in range(side):
        row_of[side] = row
        shortest = np.full(side, np.inf)
        before = np.full(side, side)
        done = np.zeros(side + 1, np.bool_)
        column = side
        while row_of[column] >= 0:
            done[column] = True
            here = row_of[column]
            reduced = costs[here] - row_price[here] - column_price[:side]
            better = ~done[:side] & (reduced < shortest)
            shortest[better], before[better] = reduced[better], column
            following = int(np.argmin(np.where(done[:side], np.inf, shortest)))
            step = shortest[following]
            row_price[row_of[done]] += step
            column_price[done] -= step
            shortest[~done[:side]] -= step
            column = following
        while column != side:  # along the path back
            row_of[column] = row_of[before[column]]
            column = int(before[column])
    column_of = np.empty(side, np.intp)
    column_of[row_of[:side]] = np.arange(side)
    return [int(column) for column in column_of]

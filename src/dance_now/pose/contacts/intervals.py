"""Intervals of a clip: hysteresis over time, short gaps bridged, and smoothing that has no lag."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def true_intervals(mask: Mask) -> list[tuple[int, int]]:
    """First index of each run of True, and the one after its last.

    Example:
        >>> true_intervals(np.array([True, True, False, True]))
        [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(after)) for first, after in edges.reshape(-1, 2)]


def with_hysteresis(
    values: Array, on: float, off: float, step: float, shortest: float, bridged: float
) -> Mask:
    """Mask (n,) of runs above ``off`` that come above ``on``.

    Args:
        values: (n,) evenly spaced.
        on, off: levels.
        step: seconds from one value to the next.
        shortest: seconds that a run has to last.
        bridged: seconds of gaps that are closed.
    """
    mask = np.zeros(len(values), bool)
    for first, after in true_intervals(values > off):
        mask[first:after] = bool((values[first:after] > on).any())
    for first, after in true_intervals(~mask):
        if first > 0 and after < len(mask) and (after - first) * step <= bridged:
            mask[first:after] = True
    for first, after in true_intervals(mask):
        if (after - first) * step < shortest:
            mask[first:after] = False
    return mask


def smooth_over_time(values: Array, deviation: float) -> Array:
    """Gaussian smoothing along the first axis; ends are continued as they are.

    Args:
        values: (n, ...).
        deviation: standard deviation in samples.
    """
    half = int(np.ceil(3 * deviation))
    if half < 1 or len(values) < 2:
        return np.asarray(values, np.float64)
    taps = np.exp(-0.5 * (np.arange(-half, half + 1) / deviation) ** 2)
    taps = taps / taps.sum()
    padded = np.concatenate([np.repeat(values[:1], half, 0), values, np.repeat(values[-1:], half, 0)])
    result = np.zeros(values.shape)
    for index, tap in enumerate(taps):
        result += tap * padded[index : index + len(values)]
    return result

"""Smoothing of whole clips: no lag, little jitter at rest, fast moves left alone.

A signal is split into details of growing duration by the "a trous" wavelet transform with cubic B-splines,
whose kernels are symmetric. Details no larger than the noise are taken away, larger ones are kept whole; the
sum of what is left is the result. So the width of the smoothing follows the motion by itself. A detail is
also kept where the next longer one is motion: a wave's finer details are small, but without them it is lower.

Source: Starck, Murtagh, "Image restoration with noise suppression using the wavelet transform", Astronomy and
Astrophysics 288, 1994 (the transform, and thresholds at multiples of each scale's noise).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise, repeat
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_SPLINE: Final = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
_LONGEST_SECONDS: Final = 10.0  # of a detail; slower ones are one
_THRESHOLD: Final = 3.1  # times the noise
_NOISE_SECONDS: Final = (
    0.2  # that errors last; of details that last longer, fewer are noise, and smaller ones
)
# Noise is read off the shortest details, where motion is least, and off the quieter part of the clip.
_QUIET: Final = 0.3  # share of the clip
_NOISE_OF_QUIET: Final = 1.3  # rms of normal noise in three components, over its quantile at that share


def zero_phase(
    values: npt.ArrayLike,
    step: float,
    between: tuple[float, float],
    signs: npt.ArrayLike | None = None,
    signs_between: tuple[float, float] = (0.0, np.inf),
) -> Array:
    """A signal without the noise it has at rest.

    Args:
        values: (n, ..., d) n moments, evenly spaced; the last axis holds the components of a vector, which
            are judged together.
        step: seconds from one moment to the next.
        between: the least and the largest rms of the noise in a component. Less than the least is not seen;
            where a body never rests, the details are motion, and would be taken for noise without the
            largest.
        signs: (n, ..., m, e) m vectors for each of ``values`` that tell better whether something moves: while
            one of them does, details are kept.
        signs_between: as ``between``, for ``signs``.

    Returns:
        (n, ..., d) float64. Adding a constant or reversing time does the same to the result.

    Example:
        >>> calm = zero_phase(np.random.default_rng(0).normal(0, 0.01, (90, 3)), 1 / 30, between=(0.0, 0.05))
        >>> bool(np.abs(np.diff(calm, axis=0)).max() < 0.005)
        True
    """
    result = np.array(values, np.float64)
    told = None if signs is None else np.asarray(signs, np.float64)
    judged = _judged(result.copy(), step, between, told, signs_between)
    for (detail, share), (_, coarser) in pairwise(chain(judged, [(result, np.zeros(1))])):
        # a move's own finer details are small beside it: they belong to it
        result -= (1 - np.maximum(share, coarser)) * detail
    return result


def _judged(
    values: Array,
    step: float,
    between: tuple[float, float],
    signs: Array | None,
    signs_between: tuple[float, float],
) -> Iterator[tuple[Array, Array]]:
    """Details of growing duration, and the share (n, ..., 1) of each that is motion by itself."""
    own, told = _Motion(step, between), _Motion(step, signs_between)
    telling = repeat(None) if signs is None else _details(signs, step)
    for (detail, gap), sign in zip(_details(values, step), telling, strict=False):
        share = own(detail, gap)
        yield detail, share if sign is None else np.maximum(share, told(*sign).max(axis=-2))


def _details(values: Array, step: float) -> Iterator[tuple[Array, int]]:
    """Details of growing duration, each with the moments between its taps.

    The last one is all that is slower, about a steady move: what does not move does not wander either.
    """
    gap = 1
    while 2 * gap < len(values) and gap * step <= _LONGEST_SECONDS / 2:
        smooth = _smooth(values, gap)
        yield values - smooth, gap
        values, gap = smooth, 2 * gap
    if gap > 1:
        yield values - _line(values), gap // 2


class _Motion:
    """How much of the details of growing duration is motion, and not noise."""

    def __init__(self, step: float, between: tuple[float, float]) -> None:
        self._step = step
        self._between = between
        self._threshold: Array | None = None

    def __call__(self, detail: Array, gap: int) -> Array:
        """The share (n, ..., 1) of details (n, ..., d) with ``gap`` moments between the taps, in [0, 1]."""
        energy = (detail * detail).mean(axis=-1, keepdims=True)
        if self._threshold is None:
            noise = _NOISE_OF_QUIET * np.sqrt(np.quantile(energy, _QUIET, axis=0))
            self._threshold = _THRESHOLD * np.clip(noise, *self._between)
        # judged over the detail's own duration: a detail swings through 0
        lasting = min(1.0, _NOISE_SECONDS / (gap * self._step))
        ratio = (_convolved(energy, gap, even=True) / np.maximum(lasting * self._threshold**2, 1e-18)) ** 2
        result: Array = ratio / (1 + ratio)
        return result


def _smooth(values: Array, gap: int) -> Array:
    """The spline, and once more what it took, so that curved paths are left alone."""
    once = _convolved(values, gap)
    return once + _convolved(values - once, gap)


def _convolved(values: Array, gap: int, *, even: bool = False) -> Array:
    """The spline, ``gap`` moments between its taps.

    Beyond its ends a signal goes on point-symmetrically, as what moves does; or ``even``, for what is never
    below 0. The points of symmetry lie on lines through many moments: the first and the last one are noisy.
    """
    reach = 2 * gap
    before, after = values[reach:0:-1], values[-2 : -2 - reach : -1]
    if not even:
        before, after = 2 * _end(values[: reach + 1]) - before, 2 * _end(values[-reach - 1 :][::-1]) - after
    padded = np.concatenate([before, values, after])
    result = np.zeros_like(values)
    for tap, weight in enumerate(_SPLINE):
        result += weight * padded[tap * gap : tap * gap + len(values)]
    return result


def _end(values: Array) -> Array:
    """Where the line that fits values best begins."""
    result: Array = _line(values)[0]
    return result


def _line(values: Array) -> Array:
    """(n, ...) the straight line that fits values (n, ...) best."""
    clock = np.arange(len(values)) - (len(values) - 1) / 2
    middle = values.mean(axis=0)
    slope = np.tensordot(clock, values - middle, 1) / (clock @ clock)
    result: Array = middle + np.multiply.outer(clock, slope)
    return result

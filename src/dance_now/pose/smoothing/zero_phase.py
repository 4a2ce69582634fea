"""Zero-phase smoothing of whole clips by wavelet shrinkage ("a trous" transform): no lag, fast motion kept.

A signal is split into details of growing duration by the "a trous" wavelet transform with cubic B-splines,
whose kernels are symmetric. Details no larger than the noise are removed, larger ones are kept whole; the
sum of what is left is the result, so the width of the smoothing adapts to the motion. A detail is
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
# Duration of estimation errors: of details that last longer, fewer are noise, and smaller ones.
_NOISE_SECONDS: Final = 0.2
# Noise is estimated from the shortest details, where motion is least, in the quieter part of the clip.
_QUIET: Final = 0.3  # share of the clip
_NOISE_OF_QUIET: Final = 1.3  # rms of normal noise in three components, over its quantile at that share


def zero_phase_filter(
    values: npt.ArrayLike,
    step: float,
    noise_range: tuple[float, float],
    cues: npt.ArrayLike | None = None,
    cue_noise_range: tuple[float, float] = (0.0, np.inf),
) -> Array:
    """Removes the noise that a signal has at rest, without lag.

    Args:
        values: (n, ..., d) n samples, evenly spaced; the last axis holds the components of a vector, which
            are thresholded together.
        step: seconds from one sample to the next.
        noise_range: bounds of the noise's rms in a component. The upper bound keeps motion from being taken
            for noise where a body never rests.
        cues: (n, ..., m, e) m vectors for each of ``values`` that indicate motion more reliably: while one of
            them moves, details are kept.
        cue_noise_range: as ``noise_range``, for ``cues``.

    Returns:
        (n, ..., d) float64. Adding a constant or reversing time does the same to the result.

    Example:
        >>> noisy = np.random.default_rng(0).normal(0, 0.01, (90, 3))
        >>> smooth = zero_phase_filter(noisy, 1 / 30, noise_range=(0.0, 0.05))
        >>> bool(np.abs(np.diff(smooth, axis=0)).max() < 0.005)
        True
    """
    result = np.array(values, np.float64)
    cue_values = None if cues is None else np.asarray(cues, np.float64)
    details = _details_with_motion(result.copy(), step, noise_range, cue_values, cue_noise_range)
    for (detail, share), (_, coarser) in pairwise(chain(details, [(result, np.zeros(1))])):
        # finer details of a motion are small beside it, but belong to it
        result -= (1 - np.maximum(share, coarser)) * detail
    return result


def _details_with_motion(
    values: Array,
    step: float,
    noise_range: tuple[float, float],
    cues: Array | None,
    cue_noise_range: tuple[float, float],
) -> Iterator[tuple[Array, Array]]:
    """Yields details of growing duration, and the share (n, ..., 1) of each that is motion by itself."""
    value_share, cue_share = _MotionShare(step, noise_range), _MotionShare(step, cue_noise_range)
    cue_details = repeat(None) if cues is None else _details(cues, step)
    for (detail, gap), cue in zip(_details(values, step), cue_details, strict=False):
        share = value_share(detail, gap)
        yield detail, share if cue is None else np.maximum(share, cue_share(*cue).max(axis=-2))


def _details(values: Array, step: float) -> Iterator[tuple[Array, int]]:
    """Yields wavelet details of growing duration, each with the samples between its taps.

    The last one is the residual about a linear trend: what does not move does not drift either.
    """
    gap = 1
    while 2 * gap < len(values) and gap * step <= _LONGEST_SECONDS / 2:
        smooth = _smooth(values, gap)
        yield values - smooth, gap
        values, gap = smooth, 2 * gap
    if gap > 1:
        yield values - _line(values), gap // 2


class _MotionShare:
    """Share of motion, as opposed to noise, in details of growing duration."""

    def __init__(self, step: float, noise_range: tuple[float, float]) -> None:
        self._step = step
        self._noise_range = noise_range
        self._threshold: Array | None = None

    def __call__(self, detail: Array, gap: int) -> Array:
        """Share (n, ..., 1) in [0, 1] of details (n, ..., d) with ``gap`` samples between the taps."""
        energy = (detail * detail).mean(axis=-1, keepdims=True)
        if self._threshold is None:
            noise = _NOISE_OF_QUIET * np.sqrt(np.quantile(energy, _QUIET, axis=0))
            self._threshold = _THRESHOLD * np.clip(noise, *self._noise_range)
        # averaged over the detail's own duration: a detail swings through 0
        lasting = min(1.0, _NOISE_SECONDS / (gap * self._step))
        ratio = (_convolved(energy, gap, even=True) / np.maximum(lasting * self._threshold**2, 1e-18)) ** 2
        result: Array = ratio / (1 + ratio)
        return result


def _smooth(values: Array, gap: int) -> Array:
    """Spline smoothing applied twice to the residual, so that curved paths are kept (twicing)."""
    once = _convolved(values, gap)
    return once + _convolved(values - once, gap)


def _convolved(values: Array, gap: int, *, even: bool = False) -> Array:
    """Convolution with the spline, ``gap`` samples between its taps.

    Beyond its ends a signal is extended point-symmetrically, which continues motion; or ``even``, for values
    that are never below 0. The points of symmetry lie on fitted lines: the first and last sample are noisy.
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
    """Start of the least-squares line through the values."""
    result: Array = _line(values)[0]
    return result


def _line(values: Array) -> Array:
    """Least-squares line (n, ...) through values (n, ...)."""
    clock = np.arange(len(values)) - (len(values) - 1) / 2
    middle = values.mean(axis=0)
    slope = np.tensordot(clock, values - middle, 1) / (clock @ clock)
    result: Array = middle + np.multiply.outer(clock, slope)
    return result

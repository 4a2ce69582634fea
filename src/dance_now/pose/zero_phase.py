"""Smoothing of whole clips: no lag, little jitter at rest, fast moves left alone.

A signal is split into details of growing duration by the "a trous" wavelet transform with cubic B-splines,
whose kernels are symmetric. Details no larger than the noise are taken away, larger ones are kept whole; the
sum of what is left is the result. So the width of the smoothing follows the motion by itself.

Source: Starck, Murtagh, "Image restoration with noise suppression using the wavelet transform", Astronomy and
Astrophysics 288, 1994 (the transform, and thresholds at multiples of each scale's noise).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_SPLINE: Final = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
_LONGEST_SECONDS: Final = 5.0  # of a detail; slower than that is no jitter
_THRESHOLD: Final = 2.2  # times the noise
_NOISE_SECONDS: Final = (
    0.2  # that errors last; of details that last longer, fewer are noise, and smaller ones
)
# Noise is read off the shortest details, where motion is least, and off the quieter part of the clip.
_QUIET: Final = 0.3  # share of the clip
_NOISE_OF_QUIET: Final = 1.3  # rms of normal noise in three components, over its quantile at that share


def zero_phase(values: npt.ArrayLike, step: float, between: tuple[float, float]) -> Array:
    """A signal without the noise it has at rest.

    Args:
        values: (n, ..., d) n moments, evenly spaced; the last axis holds the components of a vector, which
            are judged together.
        step: seconds from one moment to the next.
        between: the least and the largest rms of the noise in a component. Less than the least is not seen;
            where a body never rests, the details are motion, and would be taken for noise without the
            largest.

    Returns:
        (n, ..., d) float64. Adding a constant or reversing time does the same to the result.

    Example:
        >>> calm = zero_phase(np.random.default_rng(0).normal(0, 0.01, (90, 3)), 1 / 30, between=(0.0, 0.05))
        >>> bool(np.abs(np.diff(calm, axis=0)).max() < 0.005)
        True
    """
    rough = np.asarray(values, np.float64)
    kept = np.zeros_like(rough)
    threshold: Array | None = None
    gap = 1
    while 2 * gap < len(rough) and gap * step <= _LONGEST_SECONDS / 2:
        once = _convolved(rough, gap)
        smooth = once + _convolved(rough - once, gap)  # twice, so that curved paths are left alone
        detail = rough - smooth
        energy = (detail * detail).mean(axis=-1, keepdims=True)
        if threshold is None:
            noise = _NOISE_OF_QUIET * np.sqrt(np.quantile(energy, _QUIET, axis=0))
            threshold = _THRESHOLD * np.clip(noise, *between)
        # judged over the detail's own duration: a detail swings through 0
        share = min(1.0, _NOISE_SECONDS / (gap * step))
        ratio = (_convolved(energy, gap, even=True) / (share * threshold**2)) ** 2
        kept += detail * (ratio / (1 + ratio))
        rough, gap = smooth, 2 * gap
    return rough + kept


def _convolved(values: Array, gap: int, *, even: bool = False) -> Array:
    """The spline, ``gap`` moments between its taps.

    Beyond its ends a signal goes on point-symmetrically, as what moves does; or ``even``, for what is never
    below 0.
    """
    reach = 2 * gap
    before, after = values[reach:0:-1], values[-2 : -2 - reach : -1]
    if not even:
        before, after = 2 * values[:1] - before, 2 * values[-1:] - after
    padded = np.concatenate([before, values, after])
    result = np.zeros_like(values)
    for tap, weight in enumerate(_SPLINE):
        result += weight * padded[tap * gap : tap * gap + len(values)]
    return result

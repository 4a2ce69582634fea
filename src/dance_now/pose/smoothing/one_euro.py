"""One-Euro filter: an adaptive low-pass with little jitter at rest and little lag in motion.

Source: Casiez, Roussel, Vogel, "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input in
Interactive Systems", CHI 2012.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.vectors import length

FloatArray = npt.NDArray[np.float64]

_MIN_STEP: Final = 1e-9  # seconds; a speed over less would not be finite
_MAX_CATCH_UP: Final = 3.0  # Hz at most for large departures: a single outlier is no motion


class OneEuroFilter:
    """Filters an array of values over time, each element on its own.

    The cutoff of the low-pass is ``min_cutoff + beta * |speed|`` in Hz, the speed in units of the
    values a second: lower ``min_cutoff`` against jitter at rest, raise ``beta`` against lag. Three extensions
    of the paper: the speed of the noise can be ignored (``speed_deadband``); the components of a vector can
    share one speed (``shared_speed``), so that its path is not bent; and a large departure from the result
    raises the cutoff even at low speed (``departure_scale``), so that the cutoff at rest can be very low.

    Example:
        >>> smooth = OneEuroFilter(min_cutoff=1.0, beta=0.0)
        >>> smooth.filter(np.zeros(2), 0.0)
        array([0., 0.])
        >>> bool((smooth.filter(np.ones(2), 1 / 30) < 0.5).all())
        True
    """

    def __init__(
        self,
        min_cutoff: float = 1.0,
        beta: float = 0.0,
        derivative_cutoff: float = 1.0,
        *,
        speed_deadband: float = 0.0,
        shared_speed: bool = False,
        departure_scale: float | None = None,
    ) -> None:
        """Creates a filter without state.

        Args:
            min_cutoff: Hz, above 0.
            beta: Hz for each unit a second of speed, at least 0.
            derivative_cutoff: Hz, above 0; of the low-pass on the speed itself.
            speed_deadband: speed below which a value counts as still, at least 0.
            shared_speed: the last axis holds the components of vectors, which share one speed.
            departure_scale: departure of a value from the result that raises the cutoff by 1 Hz, above 0;
                smaller ones count for very little. The speed is then that of the values, not of values
                against results, which at rest would take every departure for speed.

        Raises:
            ValueError: an argument out of its range.
        """
        if not (min_cutoff > 0 and derivative_cutoff > 0 and beta >= 0 and speed_deadband >= 0):
            raise ValueError("cutoffs must be above 0 Hz, beta and speed_deadband at least 0")
        if departure_scale is not None and not departure_scale > 0:
            raise ValueError("departure_scale must be above 0")
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._derivative_cutoff = derivative_cutoff
        self._speed_deadband = speed_deadband
        self._shared_speed = shared_speed
        self._departure_scale = departure_scale
        self.reset()

    def reset(self) -> None:
        """Resets the filter state."""
        self._value: FloatArray | None = None
        self._raw: FloatArray = np.zeros(0)
        self._speed: FloatArray = np.zeros(0)
        self._time: FloatArray = np.zeros(0)

    def filter(self, values: npt.ArrayLike, time: float, extra_cutoff: npt.ArrayLike = 0.0) -> FloatArray:
        """Filters the values at one time.

        An element that is not finite keeps its last result (0 before its first finite value) and resumes
        from its own last time, so that a gap causes no jump. A time that does not advance changes
        nothing; one that goes back resets the filter.

        Args:
            values: any shape, the same at every call until ``reset``.
            time: seconds.
            extra_cutoff: Hz to add to the cutoffs where other evidence tells of motion; of the shape of
                ``values``, or one that broadcasts to it.

        Returns:
            A new float64 array of the shape of ``values``, always finite.

        Raises:
            ValueError: another shape than before, or a time that is not finite.
        """
        new = np.asarray(values, np.float64)
        if not np.isfinite(time):
            raise ValueError("the time must be finite")
        if self._value is not None and new.shape != self._value.shape:
            raise ValueError(f"the filter holds values of shape {self._value.shape}, got {new.shape}")
        seen = self._time[np.isfinite(self._time)]
        if self._value is None or (seen.size and time < seen.max()):
            self._value, self._raw, self._speed = (np.zeros(new.shape) for _ in range(3))
            self._time = np.full(new.shape, -np.inf)
        finite = np.isfinite(new)
        first = finite & ~np.isfinite(self._time)
        known = finite & ~first
        step = np.where(known, time - np.where(known, self._time, 0.0), 0.0)
        moving = step > _MIN_STEP
        step = np.where(moving, step, 1.0)
        new = np.where(finite, new, self._value)
        departure = new - self._value
        raw_speed = (departure if self._departure_scale is None else new - self._raw) / step
        self._speed = np.where(
            moving, blend(self._speed, raw_speed, self._derivative_cutoff, step), self._speed
        )
        cutoff = self._min_cutoff + self._beta * np.maximum(
            self._size(self._speed) - self._speed_deadband, 0.0
        )
        if self._departure_scale is not None:
            cutoff = cutoff + np.minimum((self._size(departure) / self._departure_scale) ** 4, _MAX_CATCH_UP)
        cutoff = cutoff + np.asarray(extra_cutoff, np.float64)
        self._raw = np.where(finite, new, self._raw)
        self._value = np.where(
            moving, blend(self._value, new, cutoff, step), np.where(first, new, self._value)
        )
        self._time = np.where(finite, time, self._time)
        return self._value.copy()

    def _size(self, values: FloatArray) -> FloatArray:
        return length(values) if self._shared_speed else np.abs(values)


def blend(
    old: FloatArray, new: FloatArray, cutoff: FloatArray | float, step: FloatArray | float
) -> FloatArray:
    """Low-pass step of first order: cutoff in Hz, step in seconds."""
    turn = 2.0 * np.pi * cutoff * step
    return old + (new - old) * (turn / (turn + 1.0))

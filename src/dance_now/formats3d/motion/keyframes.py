"""Keyframe interpolation: step, linear, spherical linear and cubic spline.

Source: Khronos glTF 2.0 specification, appendix C (animation sampler interpolation modes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.formats3d.quaternions import quaternion_matrices, slerp

KINDS: Final = ("STEP", "LINEAR", "CUBICSPLINE")
_SHORTEST: Final = 1e-9
_Array = npt.NDArray[np.float64]
_Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Keyframes:
    """Keyframes of one animated property.

    Attributes:
        times: (k,) increasing seconds.
        values: (k, width), or (3 k, width) in-tangent, value and out-tangent of each key of a CUBICSPLINE.
        kind: interpolation, one of KINDS.
    """

    times: _Array
    values: _Array
    kind: str

    def sample(self, times: _Array) -> _Array:
        """Interpolates (n, width) values at ``times`` (n,), clamped to the first and last key."""
        first, second, share = self._interval(times)
        if self.kind == "CUBICSPLINE":
            return self._spline(first, second, share)
        low, high = self.values[first], self.values[second]
        mixed: _Array = low + (high - low) * share[:, None]
        return mixed

    def rotations(self, times: _Array) -> _Array:
        """Interpolates rotations (n, 3, 3) of quaternion keys x, y, z, w at ``times``; LINEAR keys by slerp.

        Raises:
            ValueError: a quaternion of length 0.
        """
        if self.kind == "CUBICSPLINE":
            return quaternion_matrices(self.sample(times))
        first, second, share = self._interval(times)
        low, high = (_unit(self.values[rows]) for rows in (first, second))
        return quaternion_matrices(slerp(low, high, share))

    def _interval(self, times: _Array) -> tuple[_Rows, _Rows, _Array]:
        """Rows of the keys before and after each time, and the fraction between them, 0 to 1."""
        last = len(self.times) - 1
        first = np.clip(np.searchsorted(self.times, times, side="right") - 1, 0, last)
        second = np.minimum(first + 1, last)
        length = np.where(second > first, self.times[second] - self.times[first], 1.0)
        share = np.clip((times - self.times[first]) / length, 0, 1)
        return first, second, np.zeros_like(share) if self.kind == "STEP" else share

    def _spline(self, first: _Rows, second: _Rows, share: _Array) -> _Array:
        seconds = (self.times[second] - self.times[first])[:, None]
        t = share[:, None]
        spline: _Array = (
            (2 * t**3 - 3 * t**2 + 1) * self.values[3 * first + 1]
            + seconds * (t**3 - 2 * t**2 + t) * self.values[3 * first + 2]
            + (3 * t**2 - 2 * t**3) * self.values[3 * second + 1]
            + seconds * (t**3 - t**2) * self.values[3 * second]
        )
        return spline


def _unit(quaternions: _Array) -> _Array:
    length = np.linalg.norm(quaternions, axis=1, keepdims=True)
    if not (length > _SHORTEST).all():
        raise ValueError("a rotation has no length")
    unit: _Array = quaternions / length
    return unit

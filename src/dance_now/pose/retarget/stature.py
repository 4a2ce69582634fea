"""Stature correction: apparent height of a person against the height by limb lengths."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.body_scale import BELOW_CROWN, CROWN_ABOVE_EARS, SEGMENT_INDEX, SEGMENT_RATIOS
from dance_now.pose.retarget.limb_depth import leveling_rotation

Array = npt.NDArray[np.float64]

_NECK_TO_EARS: Final = BELOW_CROWN[1][1] - CROWN_ABOVE_EARS
# Points, and what leads to each from the middle of the hips: segments and the share of each.
_PATHS: Final = {
    1: {"trunk": 1.0},
    **{
        row: {"trunk": 1.0, "shoulders": side / 2, **dict.fromkeys(limbs, 1.0)}
        for side, name, rows in ((1, "left", (5, 6, 7)), (-1, "right", (2, 3, 4)))
        for row, limbs in zip(
            rows, ((), (f"{name}_upper_arm",), (f"{name}_upper_arm", f"{name}_forearm")), strict=True
        )
    },
    **{
        row: {"hips": side / 2, **dict.fromkeys(limbs, 1.0)}
        for side, name, rows in ((1, "left", (12, 13, 14)), (-1, "right", (9, 10, 11)))
        for row, limbs in zip(rows, ((), (f"{name}_thigh",), (f"{name}_thigh", f"{name}_shin")), strict=True)
    },
}
_POINTS: Final = np.array(list(_PATHS))
_SUMS: Final = np.zeros((len(_PATHS), len(SEGMENT_RATIOS)))
for _index, _path in enumerate(_PATHS.values()):
    for _name, _share in _path.items():
        _SUMS[_index, SEGMENT_INDEX[_name]] = _share * SEGMENT_RATIOS[SEGMENT_INDEX[_name]]
_EARS: Final = np.array([17, 18])
_SPREAD: Final = (0.13, 0.19)  # of the standing height: rms distance of the points as drawn, to be trusted
_ENOUGH: Final = 0.7  # of the points
_RANGE: Final = (0.8, 1.25)
_SECONDS: Final = 2.0


class StatureCorrection:
    """Estimates the height factor at which a figure is drawn as tall as its person.

    A figure is drawn as a parallel projection of its limbs' directions, on the average adult's proportions. A
    real camera is near, limbs are of other lengths, and the slope is uncertain. So the spread of the person's
    joints is compared with that of an adult drawn in the same directions.
    """

    def __init__(self, slopes: tuple[float, float] = (-np.inf, np.inf)) -> None:
        """Takes the least and the greatest camera slope that the figure is drawn for."""
        self._slopes = slopes
        self.reset()

    def reset(self) -> None:
        """Resets the estimate of the person."""
        self._log = 0.0
        self._weight = 0.0
        self._time = -np.inf

    def __call__(
        self,
        directions: Array,
        head_up: Array,
        points: Array,
        weights: Array,
        height: float,
        slope: float,
        time: float,
    ) -> float:
        """Updates the factor with one frame.

        Args:
            directions: (19, 3) of SEGMENTS as a level camera sees them.
            head_up: (3,) the head's upward direction, likewise.
            points: (137, 2) as seen, view frame, pixels.
            weights: (137,) trust in them in [0, 1].
            height: by limb lengths, pixels.
            slope: of the camera.
            time: seconds.
        """
        step = float(np.clip(time - self._time, 0.0, 1.0)) if np.isfinite(self._time) else _SECONDS
        self._time = time
        if height > 0:
            turn = leveling_rotation(float(np.clip(slope, *self._slopes)))
            drawn = np.concatenate([_SUMS @ directions, [_ears(directions, head_up)]]) @ turn[:, :2]
            seen = np.concatenate([points[_POINTS], [points[_EARS].mean(axis=0)]])
            trust_in = np.append(weights[_POINTS], weights[_EARS].min())
            span = _spread(drawn, trust_in)
            low, high = _SPREAD
            trust = float(np.clip((span - low) / (high - low), 0.0, 1.0) * (trust_in.mean() > _ENOUGH))
            if trust > 0:
                found = float(np.clip(_spread(seen, trust_in) / (span * height), *_RANGE))
                self._weight = min(self._weight + trust * step, _SECONDS)
                self._log += (np.log(found) - self._log) * trust * step / max(self._weight, 1e-9)
        return float(np.exp(self._log))


def _ears(directions: Array, head_up: Array) -> Array:
    """Middle of an adult's ears (3,) from the middle of the hips, of the standing height."""
    trunk = SEGMENT_INDEX["trunk"]
    result: Array = SEGMENT_RATIOS[trunk] * directions[trunk] + _NECK_TO_EARS * head_up
    return result


def _spread(points: Array, weights: Array) -> float:
    """Rms distance of points (n, 2) from their middle."""
    shares = weights / max(float(weights.sum()), 1e-9)
    away = points - shares @ points
    return float(np.sqrt(shares @ (away * away).sum(axis=1)))

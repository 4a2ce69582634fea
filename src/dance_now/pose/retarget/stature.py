"""Stature correction: apparent height of a person against the height by limb lengths."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.body_scale import BELOW_CROWN, CROWN_ABOVE_EARS, SEGMENT_INDEX, SEGMENT_RATIOS
from dance_now.pose.retarget.limb_depth import leveling_rotation

Array = npt.NDArray[np.float64]

_NECK_TO_EARS: Final = BELOW_CROWN[1][1] - CROWN_ABOVE_EARS
_TRUNK: Final = SEGMENT_INDEX["trunk"]
_LEGS: Final = np.array(
    [[SEGMENT_INDEX[f"{side}_{part}"] for part in ("thigh", "shin")] for side in ("left", "right")]
)
_EARS: Final = np.array([17, 18])
_LEG_POINTS: Final = np.array([[12, 13, 14], [9, 10, 11]])  # hip, knee, ankle; left, then right
_UPRIGHT: Final = (0.45, 0.6)  # of the standing height: from ears to ankles as drawn, to be trusted
_RANGE: Final = (0.85, 1.25)
_SECONDS: Final = 2.0


class StatureCorrection:
    """Estimates the height factor at which a figure is drawn as tall as its person.

    A figure is drawn as a parallel projection of its limbs' directions. A real camera that is near and
    above shows the head larger than the feet, the slope is uncertain, and depths are bounded. So the distance
    from ears to ankles is compared with that of an adult drawn in the same directions.
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
        legs = weights[_LEG_POINTS].min(axis=1)
        trust = float(weights[_EARS].min() * legs.max())
        if trust > 0 and height > 0:
            upper = SEGMENT_RATIOS[_TRUNK] * directions[_TRUNK] + _NECK_TO_EARS * head_up
            lower = (SEGMENT_RATIOS[_LEGS][..., None] * directions[_LEGS]).sum(axis=1)
            share = legs / legs.sum()
            drawn = (upper - share @ lower) @ leveling_rotation(float(np.clip(slope, *self._slopes)))
            seen = points[_EARS].mean(axis=0) - share @ points[_LEG_POINTS[:, -1]]
            span = float(np.hypot(*drawn[:2]))
            low, high = _UPRIGHT
            trust *= float(np.clip((span - low) / (high - low), 0.0, 1.0))
            if trust > 0:
                found = float(np.clip(np.hypot(*seen) / (span * height), *_RANGE))
                self._weight = min(self._weight + trust * step, _SECONDS)
                self._log += (np.log(found) - self._log) * trust * step / max(self._weight, 1e-9)
        return float(np.exp(self._log))

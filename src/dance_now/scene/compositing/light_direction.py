"""Light direction estimation from the shadow that the person casts on the ground.

Where the scene without people is known, a shadow is darker ground of the same color. Its centroid is offset
from the feet where the light has a direction; where it surrounds them, the light is diffuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image

Array = npt.NDArray[np.float64]

_REACH: Final = (1.0, 0.5)  # of the height: half axes of the ground that is examined
_ROWS: Final = 80  # of a person: shadows are soft, a small image shows them
_SOMEBODY: Final = 0.03  # of the person in a pixel
_DARK: Final = 12.0  # levels: darker ground shows no shadow
_COLOR: Final = 0.12  # by how much the channels may differ in what they lose
_NOISE: Final = 0.06  # share of the light
_LEAST_AREA: Final = 0.007  # of the height squared: light missing in all
_LEAST_DARKNESS: Final = 0.25
_LEAST_OFFSET: Final = 0.12  # of the height
_MIDDLE: Final = 0.55  # position of a shadow's centroid between the feet and its end
_STEEPEST, _DARKEST = 1.5, 0.55
_FLATTEST: Final = 0.06  # a shadow is at least so deep in the image, of its body's height
_INTERVAL: Final = 0.25  # seconds
_SECONDS: Final = 3.0


@dataclass(frozen=True)
class DirectionalLight:
    """Directional light, described by its shadow.

    Attributes:
        across: length of a shadow to the right per height of its body, in pixels.
        down: the same downwards in the image (towards the viewer); negative behind the body.
        darkness: share of the light missing in the shadow.
    """

    across: float
    down: float
    darkness: float


class LightDirectionEstimator:
    """Estimates the light direction from the person's shadow, smoothly over time."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Resets the estimate."""
        self._seen: Array | None = None  # missing light, it times the offset (2,), darkness
        self._weight = 0.0
        self._strength = 0.0
        self._time = -np.inf

    @property
    def light(self) -> DirectionalLight | None:
        """Estimated light; None where it is diffuse or unknown."""
        if self._seen is None or self._strength <= 0.01:
            return None
        area, x, y, darkness = self._seen
        across, down = np.clip(np.array([x, y]) / (max(area, 1e-9) * _MIDDLE), -_STEEPEST, _STEEPEST)
        if abs(down) < _FLATTEST:
            down = np.copysign(_FLATTEST, down)
        return DirectionalLight(float(across), float(down), self._strength * min(float(darkness), _DARKEST))

    def observe(
        self,
        image: Image,
        empty: Image,
        person: npt.NDArray[np.floating],
        feet: Array,
        height: float,
        time: float,
    ) -> None:
        """Measures the shadow in a frame of the source; most calls return at once.

        Args:
            image: (H, W, 3) uint8 RGB.
            empty: (h, w, 3) uint8: the same without people, at any size.
            person: (h, w) in [0, 1].
            feet: (2,) where the person stands, pixels of ``image``.
            height: of the person, pixels of ``image``.
            time: seconds.
        """
        if 0 <= time - self._time < _INTERVAL:
            return
        self._time = time
        scale = min(_ROWS / max(height, 1.0), empty.shape[1] / image.shape[1])
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        after, before, covered = (
            np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), np.float32)
            for each in (image, empty, person)
        )
        seen = _measure_shadow(after, before, covered, feet * scale, height * scale)
        if seen is None:
            return
        self._weight = min(self._weight + 1, _SECONDS / _INTERVAL)
        earlier = seen if self._seen is None else self._seen
        self._seen = earlier + (seen - earlier) / self._weight
        area, x, y, darkness = self._seen
        clear = area >= _LEAST_AREA and darkness >= _LEAST_DARKNESS
        directed = clear and np.hypot(x, y) >= _LEAST_OFFSET * area
        self._strength += (float(directed) - self._strength) / self._weight


def _measure_shadow(
    after: FloatArray, before: FloatArray, person: FloatArray, feet: Array, height: float
) -> Array | None:
    """Shadow measures (4,): missing light on the ground, its first moments about the feet, and darkness."""
    rows, columns = person.shape
    reach = np.array(_REACH) * height
    left, top = np.clip(np.floor(feet - reach), 0, (columns, rows)).astype(int)
    right, bottom = np.clip(np.ceil(feet + reach), 0, (columns, rows)).astype(int)
    if right - left < 4 or bottom - top < 4:
        return None
    part = slice(top, bottom), slice(left, right)
    lost = 1 - (after[part] + np.float32(_DARK)) / (before[part] + np.float32(_DARK))
    free = cv2.dilate(person[part], np.ones((3, 3), np.uint8)) < _SOMEBODY
    x = (np.arange(left, right) + 0.5 - feet[0])[None] / height
    y = (np.arange(top, bottom) + 0.5 - feet[1])[:, None] / height
    ground = (x / _REACH[0]) ** 2 + (y / _REACH[1]) ** 2 < 1
    known = free & ground & (np.ptp(lost, axis=2) < _COLOR)
    missing = np.where(known, np.clip(lost.mean(axis=2) - _NOISE, 0, 1), 0)
    total = float(missing.sum())
    if total <= 0:
        return np.zeros(4)
    darkness = float((missing**2).sum()) / total + _NOISE  # of what is dark, not of all that is a little so
    return np.array([total, (missing * x).sum(), (missing * y).sum(), darkness * height**2]) / height**2

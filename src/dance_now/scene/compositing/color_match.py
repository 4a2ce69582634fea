"""Color matching of the character to the scene: exposure, white balance and contrast, within limits.

A character is drawn under a neutral light: its white is 255. Black and white points of the scene are
estimated from the person and the surroundings, as photo editors' levels, the tint from bright pixels that are
nearly grey (Gijsenij, Gevers and van de Weijer, "Computational Color Constancy", TIP 2011, section III: white
patch), and the character's colors are moved part of the way there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image
from dance_now.scene.filters.region import bounding_box

Array = npt.NDArray[np.float64]

_LUMA: Final = np.array([0.299, 0.587, 0.114])
_SAMPLES: Final = 180  # rows or columns, of the longer side, that are sampled
_SURROUNDINGS: Final = 0.35  # of the person's longer side, to each side
_PERSON_SHARE: Final = 0.65  # weight against the surroundings, which may lie in another light
_WHITE, _BLACK = 98, 1  # percentiles
_BRIGHT: Final = 75  # percentile from which grey pixels give the tint
_GREY: Final = 0.3  # saturation below which a pixel may be grey
_FEWEST: Final = 24  # pixels
_TYPICAL_MIDDLE: Final = 0.44  # median between black and white of a well-lit image
_INTERVAL: Final = 0.2  # seconds between two measurements
_SECONDS: Final = 3.0  # time constant of the running mean
# limits of a full match
_LOWEST_WHITE, _HIGHEST_BLACK = 120.0, 35.0
_TINT: Final = 0.1
_GAMMA: Final = (0.85, 1.3)


@dataclass(frozen=True, eq=False)
class _Light:
    """Levels adjustment of a neutral image: black, white (3,) in levels, and the exponent between them."""

    black: float
    white: Array
    gamma: float

    @property
    def values(self) -> Array:
        return np.array([self.black, *self.white, self.gamma])


class ColorMatch:
    """Matches one character's colors to the scene's light, smoothly over time.

    Example:
        >>> match = ColorMatch(0.5)
        >>> canvas = np.full((4, 4, 4), 255, np.uint8)
        >>> bool((match(canvas) == canvas).all())  # nothing was observed yet
        True
    """

    def __init__(self, strength: float = 0.5) -> None:
        """``strength``: 0 keeps the colors, 1 matches up to the limits.

        Raises:
            ValueError: a strength outside 0 to 1.
        """
        if not 0 <= strength <= 1:
            raise ValueError(f"strength must be between 0 and 1, got {strength}")
        self._strength = strength
        self.reset()

    def reset(self) -> None:
        """Resets the scene."""
        self._values: Array | None = None
        self._weight = 0.0
        self._time = -np.inf
        self._table: Image | None = None

    def observe(self, image: Image, person: npt.NDArray[np.floating], time: float) -> None:
        """Measures the light in a frame of the source; most calls return at once.

        Args:
            image: (H, W, 3) uint8 RGB.
            person: (h, w) in [0, 1], the same image at any size.
            time: seconds.
        """
        if self._strength == 0 or 0 <= time - self._time < _INTERVAL:
            return
        self._time = time
        light = _light(image, person)
        if light is None:
            return
        # The first measurements are averaged, later ones fade in.
        self._weight = min(self._weight + 1, _SECONDS / _INTERVAL)
        earlier = light.values if self._values is None else self._values
        self._values = earlier + (light.values - earlier) / self._weight
        self._table = _table(_Light(self._values[0], self._values[1:4], self._values[4]), self._strength)

    def __call__(self, canvas: Image) -> Image:
        """Applies the match to a drawn character, (h, w, 4) uint8 RGBA with straight alpha."""
        if self._table is None:
            return canvas
        return np.asarray(cv2.LUT(canvas, self._table), np.uint8)


def _light(image: Image, person: npt.NDArray[np.floating]) -> _Light | None:
    shape = np.array(image.shape[:2])
    size = np.maximum(1, np.rint(shape * min(1.0, _SAMPLES / max(shape)))).astype(int)
    share, pixels = _thinned(person, size), _thinned(image, size)
    box = bounding_box(share > 0.5, margin=_SURROUNDINGS)
    if box is not None:
        share, pixels = share[box.slices], pixels[box.slices]
    inside, outside = pixels[share > 0.9].astype(np.float64), pixels[share < 0.05].astype(np.float64)
    weights = np.array([_PERSON_SHARE, 1 - _PERSON_SHARE]) * [len(inside) >= _FEWEST, len(outside) >= _FEWEST]
    if not weights.any():
        return None
    levels = [
        _levels(part) if weight else np.zeros(3)
        for part, weight in zip((inside, outside), weights, strict=True)
    ]
    black, middle, white = weights / weights.sum() @ np.array(levels)
    white = float(np.clip(white, _LOWEST_WHITE, 255))
    place = np.clip((middle - black) / max(white - black, 1.0), 0.05, 0.95)
    gamma = float(np.clip(np.log(place) / np.log(_TYPICAL_MIDDLE), *_GAMMA))
    tint = _tint(np.concatenate([inside, outside]))
    return _Light(float(np.clip(black, 0, _HIGHEST_BLACK)), np.minimum(white * tint, 255), gamma)


def _thinned(values: npt.NDArray[Any], size: npt.NDArray[np.int_]) -> npt.NDArray[Any]:
    """Subsamples rows and columns of an (H, W, ...) array."""
    down, across = (
        ((np.arange(wanted) + 0.5) * (length / wanted)).astype(int)
        for wanted, length in zip(size.tolist(), values.shape, strict=False)
    )
    return values[np.ix_(down, across)]


def _levels(pixels: Array) -> Array:
    """Black, middle and white level of (n, 3) pixels."""
    return np.asarray(np.percentile(pixels @ _LUMA, [_BLACK, 50, _WHITE]), np.float64)


def _tint(pixels: Array) -> Array:
    """Tint (3,) of the light, of mean brightness 1; neutral where no bright pixel is nearly grey."""
    high, low = pixels.max(axis=1), pixels.min(axis=1)
    brightness = pixels @ _LUMA
    grey = (high - low < _GREY * high) & (high < 252) & (brightness >= np.percentile(brightness, _BRIGHT))
    if grey.sum() < _FEWEST:
        return np.ones(3)
    color = pixels[grey].mean(axis=0)
    tint: Array = np.clip(color / (color @ _LUMA), 1 - _TINT, 1 + _TINT)
    return tint


def _table(light: _Light, strength: float) -> Image:
    """Lookup table (1, 256, 4) of red, green, blue and alpha."""
    white = 255 + strength * (light.white - 255)
    black = strength * light.black
    gamma = 1 + strength * (light.gamma - 1)
    levels = np.arange(256) / 255
    table = np.empty((1, 256, 4), np.uint8)
    table[0, :, :3] = np.rint(np.clip(black + (white - black) * levels[:, None] ** gamma, 0, 255))
    table[0, :, 3] = np.arange(256)
    return table

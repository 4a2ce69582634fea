"""Ground shadow of a character: contact shadow, ambient occlusion, and a directional cast shadow.

Two soft parts come from diffuse light: the narrow dark gap under a sole, and the wide shade of the
body above, which hides a part of the sky from the ground. Both fade and widen as the feet leave the ground,
as ambient occlusion does (Landis, "Production-Ready Global Illumination", SIGGRAPH 2002 course 16). Where the
light has a direction, the body's silhouette is projected on the ground as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.scene.compositing.composition import Layer
from dance_now.scene.compositing.light_direction import DirectionalLight
from dance_now.scene.filters.region import Box

Array = npt.NDArray[np.float64]

_FLAT: Final = 0.34  # how much less deep than wide a circle on the ground looks
_SOLE_DARKNESS: Final = 0.44
_SOLE_WIDTH: Final = 0.045  # of the character's height: deviation of the dark under a sole
_SOLE_FADES: Final = 0.05  # of the height: a foot lifted so far has lost most of its own shadow
_BODY_DARKNESS: Final = 0.25
_BODY_WIDTH: Final = 0.06  # of the height: how far the shade of a part reaches sideways
_BODY_FADES: Final = 0.35  # of the height above the ground: parts higher up shade less
_CAST_REACH: Final = (0.6, 0.36)  # of the height, around the feet
_CAST_FADES: Final = 0.3  # over this share of the reach
_PENUMBRA: Final = 0.015  # of the height
_WIDENS: Final = 0.4  # how much wider a shade gets with the distance from the ground
_DARKEST: Final = 0.62
# Of the height: tolerance for a foot on the ground, which is higher in the image farther away
_LEVEL: Final = 0.05
_AIRBORNE: Final = 0.06  # of the height
_FOLLOW_SECONDS: Final = 0.1
_LONGEST_JUMP: Final = 0.8  # seconds
_REDUCED: Final = 4
_REACH: Final = 3.0  # deviations


class GroundTracker:
    """Tracks the ground level below a person who may jump: it follows standing feet, and holds in the air.

    Example:
        >>> GroundTracker()(400.0, 300.0, 0.0)
        400.0
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Resets the ground level."""
        self._level: float | None = None
        self._time = 0.0
        self._left = 0.0

    def __call__(self, lowest: float, height: float, time: float) -> float:
        """Updates and returns the ground's row.

        Args:
            lowest: row of the lowest point of the body.
            height: of the character, pixels.
            time: seconds.
        """
        if self._level is None or time < self._time:
            self._level, self._left = lowest, time
        step = time - self._time if time > self._time else 0.0
        self._time = time
        if self._level - lowest < _AIRBORNE * height:
            self._left = time
        if time - self._left <= _LONGEST_JUMP and self._left < time:
            return self._level
        blend = 1.0 if lowest > self._level else 1 - float(np.exp(-step / _FOLLOW_SECONDS))
        self._level += blend * (lowest - self._level)
        return self._level


@dataclass(frozen=True)
class _Grid:
    """Pixel grid of a part of the image, reduced four times."""

    box: Box
    x: FloatArray  # (1, w) pixels
    y: FloatArray  # (h, 1) pixels

    @classmethod
    def over(cls, low: Array, high: Array, height: int, width: int) -> _Grid | None:
        left, top = np.maximum(np.floor(low), 0).astype(int)
        right, bottom = np.minimum(np.ceil(high), (width, height)).astype(int)
        if right - left < 1 or bottom - top < 1:
            return None
        columns = max(1, round((right - left) / _REDUCED))
        rows = max(1, round((bottom - top) / _REDUCED))
        x = left + (np.arange(columns, dtype=np.float32) + 0.5) * ((right - left) / columns)
        y = top + (np.arange(rows, dtype=np.float32) + 0.5) * ((bottom - top) / rows)
        return cls(Box(int(top), int(bottom), int(left), int(right)), x[None], y[:, None])


class ContactShadow:
    """Draws one character's shadow, frame after frame, on a tracked ground level."""

    def __init__(self) -> None:
        self._ground = GroundTracker()

    def reset(self) -> None:
        """Resets the ground level: call it where a clip or person begins."""
        self._ground.reset()

    def __call__(
        self,
        image: Image,
        layer: Layer,
        soles: Array,
        height: float,
        time: float,
        light: DirectionalLight | None = None,
    ) -> None:
        """Darkens the ground under a character, in place, before the character is drawn.

        Args:
            image: (H, W, 3) uint8 RGB.
            layer: the character.
            soles: (2, 2, 2) pixels: left and right; heel and toe; x and y.
            height: of the character, pixels.
            time: seconds.
            light: a light with a direction, which casts a shadow too.
        """
        ground = self._ground(max(float(soles[..., 1].max()), _bottom(layer)), height, time)
        if layer.pixels.size == 0:
            return
        reach = 2 * _REACH * _BODY_WIDTH * height * np.array([1.0, _FLAT])
        low = np.array([min(layer.box.left, soles[..., 0].min()), min(ground, soles[..., 1].min())]) - reach
        high = np.array([max(layer.box.right, soles[..., 0].max()), ground]) + reach
        feet = np.array([soles[..., 0].mean(), ground])
        if light is not None:
            cast = np.array(_CAST_REACH) * height
            low, high = np.minimum(low, feet - cast), np.maximum(high, feet + cast)
        grid = _Grid.over(low, high, *image.shape[:2])
        if grid is None:
            return
        transmittance = 1 - _body(grid, layer, ground, height)
        for sole in soles:
            transmittance *= 1 - _sole(grid, sole, ground, height)
        if light is not None:
            transmittance *= 1 - _cast(grid, layer, light, feet, height)
        _darken(image, grid.box, np.maximum(transmittance, 1 - _DARKEST))


def _bottom(layer: Layer) -> float:
    """Lowest drawn row, which is not a sole when kneeling, lying or in a handstand."""
    if layer.pixels.size == 0:
        return -np.inf
    solid = cv2.threshold(cv2.extractChannel(layer.pixels, 3), 127, 255, cv2.THRESH_BINARY)[1]
    _, top, _, rows = cv2.boundingRect(solid)
    return float(layer.box.top + top + rows) if rows else -np.inf


def _sole(grid: _Grid, sole: Array, ground: float, height: float) -> FloatArray:
    """Contact shadow (h, w) of one foot."""
    (x, y), extent = sole.mean(axis=0), np.abs(sole[1] - sole[0]) / 2
    lift = max(ground - y - extent[1] - _LEVEL * height, 0.0) / height
    across = 0.7 * extent[0] + (_SOLE_WIDTH + _WIDENS * lift) * height
    along = 0.7 * extent[1] + (_SOLE_WIDTH + _WIDENS * lift) * _FLAT * height
    row = max(y, ground - _LEVEL * height)
    darkness = _SOLE_DARKNESS * float(np.exp(-lift / _SOLE_FADES))
    return np.asarray(
        darkness * np.exp(-0.5 * ((grid.x - x) / across) ** 2) * np.exp(-0.5 * ((grid.y - row) / along) ** 2),
        np.float32,
    )


def _body(grid: _Grid, layer: Layer, ground: float, height: float) -> FloatArray:
    """Ambient occlusion (h, w) of the body: most from parts near the ground."""
    alpha = cv2.extractChannel(layer.pixels, 3)
    small = (max(1, layer.box.width // _REDUCED), max(1, layer.box.height // _REDUCED))
    covered = np.asarray(cv2.resize(alpha, small, interpolation=cv2.INTER_AREA), np.float32) / 255
    rows = layer.box.top + (np.arange(small[1]) + 0.5) * layer.box.height / small[1]
    above = np.maximum(ground - rows, 0.0) / height
    weights = np.exp(-above / _BODY_FADES) * (layer.box.height / small[1]) / (_BODY_FADES * height)
    profile = (weights.astype(np.float32) @ covered)[None]
    lift = max(float(above.min()), 0.0)
    spread = (_BODY_WIDTH + _WIDENS * lift) * height
    columns = (grid.x - layer.box.left) * (small[0] / layer.box.width) - 0.5
    there = cv2.remap(
        profile, columns.astype(np.float32), np.zeros_like(columns, np.float32), cv2.INTER_LINEAR
    )
    deviation = spread / _REDUCED
    size = (2 * round(_REACH * deviation) + 1, 1)
    soft = cv2.GaussianBlur(there, size, deviation, borderType=cv2.BORDER_CONSTANT)
    depth = np.exp(-0.5 * ((grid.y - ground) / (spread * _FLAT * 1.5)) ** 2)
    return np.asarray(np.minimum(_BODY_DARKNESS * soft * depth, 1), np.float32)


def _cast(grid: _Grid, layer: Layer, light: DirectionalLight, feet: Array, height: float) -> FloatArray:
    """Cast shadow (h, w) of the body, near the feet only: farther away the person's own remains."""
    alpha = cv2.extractChannel(layer.pixels, 3)
    step = np.array([grid.box.width / grid.x.size, grid.box.height / grid.y.size])
    # a pixel (x, y) of the body falls on the ground at (x + across * up, ground + down * up), up = ground - y
    shear = np.array(
        [[1, -light.across, light.across * feet[1]], [0, -light.down, feet[1] * (1 + light.down)]]
    )
    shear[:, 2] += shear[:, :2] @ (layer.box.left + 0.5, layer.box.top + 0.5) - (grid.box.left, grid.box.top)
    shear = shear / step[:, None]
    shear[:, 2] -= 0.5
    shadow = cv2.warpAffine(alpha, shear, (grid.x.size, grid.y.size), flags=cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(shadow, (0, 0), max(_PENUMBRA * height / _REDUCED, 0.6)).astype(np.float32)
    away = np.hypot((grid.x - feet[0]) / _CAST_REACH[0], (grid.y - feet[1]) / _CAST_REACH[1]) / height
    near = np.clip((1 - away) / _CAST_FADES, 0, 1)
    return np.asarray(soft * near * (light.darkness / 255), np.float32)


def _darken(image: Image, box: Box, transmittance: FloatArray) -> None:
    part = image[box.slices]
    gain = cv2.resize(np.rint(transmittance * 255).astype(np.uint8), (box.width, box.height))
    part[...] = cv2.multiply(part, cv2.cvtColor(gain, cv2.COLOR_GRAY2RGB), scale=1 / 255)

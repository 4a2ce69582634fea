"""Grain and blur matching: the source's noise and defocus applied to the drawn character (``quality best``).

Sources: Zhuo and Sim, "Defocus map estimation from a single image" (Pattern Recognition 2011), for the blur
at edges; Immerkaer, "Fast noise variance estimation" (CVIU 1996), for the noise.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.scene.compositing.composition import Layer
from dance_now.scene.filters.region import Box, bounding_box

_EDGES: Final = 98.5  # percentile of the gradient from which a pixel lies on a sharp edge
_LEAST_EDGE: Final = 12.0  # levels a pixel
_AGAIN: Final = 1.0  # pixels: deviation of the second blur that the first is compared with
_DRAWN_BLUR: Final = 0.75  # pixels: of a drawn character's own edges
_LEAST_BLUR, _MOST_BLUR = 0.35, 3.0  # pixels
_LEAST_GRAIN, _MOST_GRAIN = 0.4, 6.0  # levels
_MARGIN: Final = 0.1  # of the person's longer side
_SMALLEST: Final = 8  # pixels
_INTERVAL: Final = 0.5  # seconds
_SECONDS: Final = 3.0
_TILE: Final = 256
_GRAIN_SIZE: Final = 0.6  # pixels
_SOBEL_BLUR: Final = 0.81  # pixels: of the gradient's own kernel
_NOISE_KERNEL: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_MEDIAN_OF_NORMAL: Final = 0.6745


class GrainMatch:
    """Measures the source's blur and noise around the person, and applies them to a layer."""

    def __init__(self) -> None:
        tile = np.random.default_rng(0).standard_normal((_TILE, _TILE)).astype(np.float32)
        soft = cv2.GaussianBlur(np.pad(tile, 4, mode="wrap"), (0, 0), _GRAIN_SIZE)[4:-4, 4:-4]
        self._tile: FloatArray = np.asarray(soft / soft.std(), np.float32)
        self.reset()

    def reset(self) -> None:
        """Resets the measurements."""
        self._measured: npt.NDArray[np.float64] | None = None
        self._weight = 0.0
        self._time = -np.inf

    def observe(self, image: Image, person: npt.NDArray[np.floating], time: float) -> None:
        """Measures a frame of the source; most calls return at once.

        Args:
            image: (H, W, 3) uint8 RGB.
            person: (h, w) in [0, 1], the same image at any size.
            time: seconds.
        """
        if 0 <= time - self._time < _INTERVAL:
            return
        self._time = time
        small = bounding_box(person > 0.5, margin=_MARGIN)
        if small is None:
            return
        down, across = image.shape[0] / person.shape[0], image.shape[1] / person.shape[1]
        rows = slice(round(small.top * down), round(small.bottom * down))
        columns = slice(round(small.left * across), round(small.right * across))
        grey = np.asarray(cv2.cvtColor(image[rows, columns], cv2.COLOR_RGB2GRAY), np.uint8)
        if min(grey.shape) < _SMALLEST:
            return
        seen = np.array([estimate_blur(grey), estimate_noise(grey)])
        self._weight = min(self._weight + 1, _SECONDS / _INTERVAL)
        earlier = seen if self._measured is None else self._measured
        self._measured = earlier + (seen - earlier) / self._weight

    def __call__(self, layer: Layer, index: int) -> Layer:
        """Applies the source's blur and grain to a layer.

        Args:
            layer: drawn, premultiplied.
            index: of the frame: each has a grain of its own, the same in every run.
        """
        if self._measured is None or layer.pixels.size == 0:
            return layer
        blur, noise = self._measured
        more = min(float(np.sqrt(max(blur**2 - _DRAWN_BLUR**2, 0.0))), _MOST_BLUR)
        pixels = layer.pixels
        if more >= _LEAST_BLUR:
            pixels = np.asarray(
                cv2.GaussianBlur(pixels, (0, 0), more, borderType=cv2.BORDER_REPLICATE), np.uint8
            )
        if noise >= _LEAST_GRAIN:
            pixels = self._grainy(pixels, min(float(noise), _MOST_GRAIN), layer.box, index)
        return Layer(layer.box, pixels)

    def _grainy(self, pixels: Image, noise: float, box: Box, index: int) -> Image:
        rows, columns = np.random.default_rng(index).integers(0, _TILE, 2)
        down = (np.arange(box.top, box.bottom) + rows) % _TILE
        across = (np.arange(box.left, box.right) + columns) % _TILE
        alpha = cv2.extractChannel(pixels, 3)
        grain = cv2.multiply(self._tile[np.ix_(down, across)], alpha, scale=noise / 255, dtype=cv2.CV_32F)
        grainy = cv2.add(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), cv2.merge([grain] * 3), dtype=cv2.CV_8U)
        grainy = cv2.min(grainy, cv2.merge([alpha] * 3))
        return np.asarray(cv2.merge([*cv2.split(grainy), alpha]), np.uint8)


def estimate_blur(grey: Image) -> float:
    """Estimates the blur's deviation in pixels at the sharpest edges of (h, w) uint8; 0 without edges."""
    values = grey.astype(np.float32)
    first = _gradient(values)
    edges = first >= max(float(np.percentile(first, _EDGES)), _LEAST_EDGE)
    if edges.sum() < 20:
        return 0.0
    second = _gradient(np.asarray(cv2.GaussianBlur(values, (0, 0), _AGAIN), np.float32))
    ratio = float(np.median(first[edges] / np.maximum(second[edges], 1e-3)))
    variance = _AGAIN**2 / max(ratio**2 - 1, 1e-4)
    return float(np.sqrt(max(variance - _SOBEL_BLUR**2, 0.0)))


def estimate_noise(grey: Image) -> float:
    """Estimates the noise's deviation in levels of (h, w) uint8, away from edges."""
    values = grey.astype(np.float32)
    flat = _gradient(np.asarray(cv2.blur(values, (5, 5)), np.float32))
    calm = flat <= np.percentile(flat, 50)
    response = np.abs(cv2.filter2D(values, cv2.CV_32F, _NOISE_KERNEL))[calm]
    return float(np.median(response)) / (6 * _MEDIAN_OF_NORMAL)


def _gradient(values: FloatArray) -> FloatArray:
    across = cv2.Sobel(values, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(values, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    return np.asarray(cv2.magnitude(across, down), np.float32)

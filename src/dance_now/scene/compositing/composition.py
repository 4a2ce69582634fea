"""Alpha compositing of the character: scaled with premultiplied alpha, blended in linear light.

Sources: Porter and Duff, "Compositing Digital Images" (SIGGRAPH 1984), the operator "over"; IEC 61966-2-1
for the curve of sRGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, gcd
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.core.upscaling import upscale
from dance_now.scene.filters.region import Box


class Scene(StrEnum):
    """Scene in which the character is shown."""

    REPLACE = "replace"
    ALONE = "alone"
    GREEN = "green"
    ALPHA = "alpha"
    SIDE_BY_SIDE = "side-by-side"


_PLAIN = {Scene.ALONE: (255, 255, 255), Scene.GREEN: (0, 255, 0)}
_RIM: Final = 0.12  # of a detail's side: where it fades into the whole
_KERNEL: Final = 4  # canvas pixels to each side that scaling looks at
_LEVELS: Final = np.arange(256, dtype=np.float32) / 255
_LIGHT: Final = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)
_STEPS: Final = 4095  # of light, from which levels are told apart well enough
_SHARES: Final = np.arange(_STEPS + 1) / _STEPS
_LEVEL_OF: Final = np.rint(
    255 * np.where(_SHARES <= 0.0031308, 12.92 * _SHARES, 1.055 * _SHARES ** (1 / 2.4) - 0.055)
).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Layer:
    """Premultiplied RGBA layer over a part of an image.

    Attributes:
        box: the part; empty where nothing lies in the image.
        pixels: (box.height, box.width, 4) uint8 RGBA, colors multiplied by alpha.
    """

    box: Box
    pixels: Image


EMPTY_LAYER: Final = Layer(Box(0, 0, 0, 0), np.zeros((0, 0, 4), np.uint8))


def plain_background(scene: Scene, height: int, width: int) -> Image:
    """Creates (H, W, 3) uint8 in the scene's color: white for ``ALONE``, (0, 255, 0) for ``GREEN``.

    Raises:
        ValueError: the scene has no color of its own.
    """
    if scene not in _PLAIN:
        raise ValueError(f"{scene.value} has no plain background")
    return np.full((height, width, 3), _PLAIN[scene], np.uint8)


def place_canvas(
    canvas: Image, corner: tuple[int, int], size: tuple[int, int], height: int, width: int
) -> Layer:
    """Scales a drawn canvas to its size and position in the image.

    Only the blocks of the canvas in which something is drawn, and which lie in the image, are processed.
    Colors are scaled premultiplied, so that no dark or colored fringe grows along the edge; a character
    that gets smaller is averaged, so that no line drops out.

    Args:
        canvas: (h, w, 4) uint8 RGBA, straight alpha.
        corner: column and row of the image at which the canvas begins; may be negative.
        size: width and height in pixels of the image that the canvas fills.
        height: rows of the image.
        width: columns of the image.

    Raises:
        ValueError: not an RGBA image, or a size below 1.
    """
    if canvas.ndim != 3 or canvas.shape[2] != 4 or min(canvas.shape) < 1 or min(size) < 1:
        raise ValueError(f"cannot place {canvas.shape} on {size[0]}x{size[1]}")
    x, y, columns, rows = cv2.boundingRect(cv2.extractChannel(canvas, 3))
    across = _Blocks.between(x, x + columns, -corner[0], width - corner[0], canvas.shape[1], size[0])
    down = _Blocks.between(y, y + rows, -corner[1], height - corner[1], canvas.shape[0], size[1])
    box = Box(
        down.first + corner[1], down.last + corner[1], across.first + corner[0], across.last + corner[0]
    )
    if box.height == 0 or box.width == 0:
        return EMPTY_LAYER
    blocks = (down.source, across.source)
    premultiplied = np.asarray(cv2.cvtColor(canvas[blocks], cv2.COLOR_RGBA2mRGBA), np.uint8)
    scaled = _scaled(premultiplied, (across.target, down.target))
    return Layer(box, scaled[down.kept, across.kept])


@dataclass(frozen=True)
class _Blocks:
    """Axis of a scaling that begins and ends on whole pixels of both canvas and image."""

    source: slice  # canvas pixels
    target: int  # pixels of the image that the source fills
    first: int  # what is kept of the square, from its beginning
    last: int
    origin: int  # where the source begins, in pixels of the square

    @property
    def kept(self) -> slice:
        return slice(self.first - self.origin, self.last - self.origin)

    @staticmethod
    def between(low: int, high: int, seen_from: int, seen_to: int, size: int, side: int) -> _Blocks:
        """``low`` to ``high``: drawn, canvas pixels. ``seen_from``, ``seen_to``: of the square, picture."""
        step = size // gcd(size, side)  # the smallest at which pixels of canvas and picture begin together
        span = side * step // size
        first = max((low - _KERNEL) * side // size, seen_from, 0)
        last = min(ceil((high + _KERNEL) * side / size), seen_to, side)
        if high <= low or last <= first:
            return _Blocks(slice(0, 0), 0, first, first, 0)
        begin = max(first // span * step - _KERNEL, 0) // step
        end = ceil(min(ceil(last / span) * step + _KERNEL, size) / step)
        return _Blocks(slice(begin * step, end * step), (end - begin) * span, first, last, begin * span)


def _scaled(premultiplied: Image, size: tuple[int, int]) -> Image:
    """Scales a premultiplied image to another (width, height)."""
    rows, columns = premultiplied.shape[:2]
    if size == (columns, rows):
        return premultiplied
    if size[0] >= columns and size[1] >= rows:
        return upscale(premultiplied, size)
    return np.asarray(cv2.resize(premultiplied, size, interpolation=cv2.INTER_AREA), np.uint8)


def blend_detail(layer: Layer, detail: Layer, corner: tuple[int, int], side: int) -> Layer:
    """Blends a detail drawn at higher resolution into a layer, faded along the detail's rim.

    Args:
        layer: the whole.
        detail: the same, drawn in a square of its own; nothing of it shows outside the whole's box.
        corner: column and row of the image at which the square begins.
        side: of the square, pixels.
    """
    box = layer.box & Box(corner[1], corner[1] + side, corner[0], corner[0] + side)
    if box.height == 0 or box.width == 0:
        return layer
    fine = np.zeros((box.height, box.width, 4), np.uint8)
    both = detail.box & box
    if both.height and both.width:
        fine[both.within(box).slices] = detail.pixels[both.within(detail.box).slices]
    down = _fade(np.arange(box.top, box.bottom) - corner[1], side)
    across = _fade(np.arange(box.left, box.right) - corner[0], side)
    share = down[:, None] * across
    pixels = layer.pixels.copy()
    part = pixels[box.within(layer.box).slices]
    part[...] = cv2.blendLinear(fine, part.copy(), share, 1 - share)
    return Layer(layer.box, pixels)


def cut_below(layer: Layer, row: float) -> Layer:
    """Cuts a layer off at a row of the image, which need not be a whole number."""
    shares = np.clip(row - np.arange(layer.box.top, layer.box.bottom), 0, 1).astype(np.float32)
    kept = int(np.count_nonzero(shares))
    if kept == 0:
        return EMPTY_LAYER
    if kept == len(shares) and shares[-1] == 1:
        return layer
    pixels = layer.pixels[:kept].copy()
    pixels[-1] = np.rint(pixels[-1] * shares[kept - 1])
    return Layer(replace(layer.box, bottom=layer.box.top + kept), pixels)


def _fade(places: npt.NDArray[np.int_], side: int) -> FloatArray:
    """Smooth ramp from 0 at the ends of a side to 1 inside."""
    ramp = np.clip(np.minimum(places + 0.5, side - 0.5 - places) / (_RIM * side), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


def composite_over(image: Image, layer: Layer) -> None:
    """Composites a layer over an image, in place (Porter-Duff "over").

    On an image without alpha, the two are blended in linear light, not in levels: a bright edge before a dark
    scene, or the other way round, is then as wide as it was drawn.

    Args:
        image: (H, W, 3) uint8 RGB, or (H, W, 4) RGBA with premultiplied alpha. It stays as it is to the bit
            where the layer's alpha is 0, and takes the layer's color to the bit where it is 255.
        layer: drawn inside the image.
    """
    if layer.pixels.size == 0:
        return
    part = image[layer.box.slices]
    if image.shape[2] == 3:
        _blend_linear(part, layer.pixels)
        return
    through = cv2.bitwise_not(cv2.extractChannel(layer.pixels, 3))
    below = cv2.multiply(part, cv2.merge([through] * 4), scale=1 / 255)
    part[...] = cv2.add(below, layer.pixels)


def _blend_linear(part: Image, pixels: Image) -> None:
    """Blends (h, w, 4) premultiplied RGBA over (h, w, 3) RGB in linear light, in place."""
    alpha = cv2.extractChannel(pixels, 3)
    edge = np.nonzero(cv2.inRange(alpha, 1, 254))
    behind, before = part[edge], pixels[edge]
    share = before[:, 3:].astype(np.float32)
    colors = np.minimum(before[:, :3] * (255 / share) + np.float32(0.5), 255).astype(np.uint8)
    light = _LIGHT[behind]
    light += (_LIGHT[colors] - light) * (share * np.float32(1 / 255))
    cv2.copyTo(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), cv2.inRange(alpha, 255, 255), part)
    part[edge] = _LEVEL_OF[(light * _STEPS + np.float32(0.5)).astype(np.uint16)]


def merge_layers(layers: Sequence[Layer]) -> Layer:
    """Composites layers, the farthest first, into one that covers them all."""
    drawn = [layer for layer in layers if layer.pixels.size]
    if len(drawn) < 2:
        return drawn[0] if drawn else EMPTY_LAYER
    boxes = [layer.box for layer in drawn]
    box = Box(
        min(each.top for each in boxes),
        max(each.bottom for each in boxes),
        min(each.left for each in boxes),
        max(each.right for each in boxes),
    )
    pixels = np.zeros((box.height, box.width, 4), np.uint8)
    for layer in drawn:
        composite_over(pixels, Layer(layer.box.within(box), layer.pixels))
    return Layer(box, pixels)


def unpremultiply(image: Image) -> Image:
    """Converts premultiplied (H, W, 4) uint8 RGBA to straight alpha; black where alpha is 0."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_mRGBA2RGBA), np.uint8)


def side_by_side(source: Image, result: Image) -> Image:
    """Concatenates source and result horizontally: (H, 2 W, 3) uint8."""
    return np.asarray(np.concatenate([source, result], axis=1), np.uint8)

"""The ``sticks`` template: keypoints drawn as sticks, a picture by pix2pixHD, and its head drawn once more.

Sources: pix2pixHD (Wang et al. 2018) for the body; Chan et al., "Everybody Dance Now", ICCV 2019, for the
residual on the head's square. Convolutions run on onnxruntime, all else in numpy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from dance_now.character.character_file import CANVAS, CharacterCard
from dance_now.character.safetensors_file import AnyArray
from dance_now.character.templates.canvas_drawing import CanvasTemplate
from dance_now.character.templates.stick_channels import BODY_CHANNELS, HEAD_CHANNELS, draw_sticks
from dance_now.character.templates.sticks_arrays import SticksArrays
from dance_now.character.templates.sticks_graph import NetworkSession
from dance_now.core.arrays import FloatArray, Image

if TYPE_CHECKING:
    from dance_now.character.character import Device

FADE: Final = 0.125
"""Share of the head's square that is its soft edge."""
ABOVE: Final = 0.12
"""Of the way from neck to ears: the middle of a head lies above its ears."""
EARS: Final = (17, 18)
NECK: Final = 1

_REDUCTION: Final = 2  # the body's sticks are drawn at half the size
_FAR: Final = 1 << 20  # pixels: no head's square begins further away


def open_template(
    card: CharacterCard, arrays: Mapping[str, AnyArray], *, device: Device = "auto", threads: int = 0
) -> SticksTemplate:
    """The drawing of a sticks character.

    Raises:
        ValueError: arrays that are not a sticks character's.
        DanceNowError: it does not run on this device.
        MissingExtraError: onnxruntime is not installed.
    """
    return SticksTemplate(card, SticksArrays.of(arrays), device, threads)


class SticksTemplate(CanvasTemplate):
    """Draws a sticks character; may be called by several threads."""

    def __init__(self, card: CharacterCard, arrays: SticksArrays, device: Device, threads: int) -> None:
        super().__init__(card.skeleton)
        self._side = arrays.head_side
        self._body = NetworkSession(arrays.body, CANVAS, device, threads)
        self._head = NetworkSession(arrays.head, self._side, device, threads)

    def draw_canvas(self, keypoints: FloatArray, side: int = CANVAS) -> Image:
        """As ``CanvasTemplate.draw_canvas``."""
        with np.errstate(over="ignore", invalid="ignore"):  # of points far away, and of absurd weights
            picture = np.nan_to_num(self.draw_premultiplied(keypoints))
        alpha = np.clip(picture[3:], 0, 1)
        straight = np.concatenate([picture[:3] / np.maximum(alpha, np.float32(1e-3)), alpha])
        pixels = np.rint(np.clip(straight, 0, 1) * 255).astype(np.uint8)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))

    def draw_premultiplied(self, keypoints: FloatArray) -> FloatArray:
        """Keypoints (137, 4) in pixels of the canvas -> premultiplied RGBA (4, 512, 512), before clipping."""
        drawn = self._body(draw_sticks(keypoints, BODY_CHANNELS, CANVAS, _REDUCTION))
        with np.errstate(over="ignore"):
            picture = np.reciprocal(1 + np.exp(-drawn))
        picture[:3] *= picture[3:]
        corner = head_corner(keypoints, self._side)
        near = keypoints - np.array([*corner, 0, 0], np.float32)
        inputs = [cut_square(picture, corner, self._side), draw_sticks(near, HEAD_CHANNELS, self._side)]
        edge = soft_edge(self._side)
        residual = self._head(np.concatenate(inputs)) * edge[:, None] * edge
        add_square(picture, residual, corner)
        return picture


def head_corner(keypoints: FloatArray, side: int) -> tuple[int, int]:
    """Left and top of the square of whole pixels around the head."""
    ears = (keypoints[EARS[0], :2] + keypoints[EARS[1], :2]) / 2
    middle = ears + np.float32(ABOVE) * (ears - keypoints[NECK, :2])
    left, top = np.floor(np.clip(middle - side / 2 + 0.5, -_FAR, _FAR)).astype(int).tolist()
    return left, top


def cut_square(picture: FloatArray, corner: tuple[int, int], side: int) -> FloatArray:
    """A square (C, side, side) of a picture (C, H, W), 0 outside the picture."""
    square = np.zeros((len(picture), side, side), picture.dtype)
    inside, there = _overlap(picture, corner, side)
    square[inside] = picture[there]
    return square


def add_square(picture: FloatArray, square: FloatArray, corner: tuple[int, int]) -> None:
    """Adds a square (C, side, side) to a picture (C, H, W), as far as it lies inside."""
    inside, there = _overlap(picture, corner, square.shape[2])
    picture[there] += square[inside]


def soft_edge(side: int) -> FloatArray:
    """(side,) from 0 at both ends to 1."""
    near = np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5)
    ramp = np.clip(near / (FADE * side), 0, 1)
    return (0.5 - 0.5 * np.cos(math.pi * ramp)).astype(np.float32)


_Slices = tuple[slice, slice, slice]


def _overlap(picture: FloatArray, corner: tuple[int, int], side: int) -> tuple[_Slices, _Slices]:
    """What a square and a picture share, as slices of the square and of the picture."""
    inside, there = [slice(None)], [slice(None)]
    for start, length in ((corner[1], picture.shape[1]), (corner[0], picture.shape[2])):
        first = min(max(start, 0), length)
        last = max(min(start + side, length), first)
        there.append(slice(first, last))
        inside.append(slice(first - start, last - start) if first < last else slice(0, 0))
    return (inside[0], inside[1], inside[2]), (there[0], there[1], there[2])

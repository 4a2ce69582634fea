"""The ``points`` template: a network trained on pictures, drawn in a square canvas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from dance_now.character.canvas_region import SIDE_STEP, CanvasRegion, canvas_region_around
from dance_now.character.character_file import CANVAS, CharacterCard
from dance_now.character.safetensors_file import AnyArray
from dance_now.character.templates.canvas_drawing import CanvasTemplate
from dance_now.character.templates.points_arrays import PointsArrays
from dance_now.character.templates.points_drawing import PointsDrawing
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.processor_cores import available_cores

_MOST_SIDE: Final = 1024
"""Pixels of the largest canvas; held-out figures are 0.3 to 1.3 dB closer there than upscaled ones of 512."""
_MOST_THREADS: Final = 4  # unless asked for more: layers are too short to gain from many


def open_template(
    card: CharacterCard, arrays: Mapping[str, AnyArray], *, device: str = "auto", threads: int = 0
) -> PointsTemplate:
    """The drawing of a points character.

    Raises:
        ValueError: arrays that are not a points network's.
        TypeError: an array is missing, or one too many.
        DanceNowError: the kernel is missing or of another version.
    """
    return PointsTemplate(card, PointsArrays.of(arrays), threads or min(available_cores(), _MOST_THREADS))


class PointsTemplate(CanvasTemplate):
    """Draws a points character; may be called by several threads."""

    def __init__(self, card: CharacterCard, arrays: PointsArrays, threads: int) -> None:
        super().__init__(card.skeleton, _MOST_SIDE)
        self._bounds = card.bounds
        self._drawing = PointsDrawing(card.skeleton, arrays, threads)

    def draw_canvas(self, keypoints: FloatArray, side: int = CANVAS) -> Image:
        """As ``CanvasTemplate.draw_canvas``; only what the figure may touch is computed."""
        padded = -(-side // SIDE_STEP) * SIDE_STEP
        part = self._part(keypoints, padded)
        drawn = self._drawing.draw(keypoints, part)
        if part == CanvasRegion(0, 0, side, side):
            return drawn
        canvas = np.zeros((padded, padded, 4), np.uint8)
        canvas[part.top : part.top + part.height, part.left : part.left + part.width] = drawn
        return np.ascontiguousarray(canvas[:side, :side])

    def _part(self, keypoints: FloatArray, side: int) -> CanvasRegion:
        if self._bounds is None:
            return CanvasRegion(0, 0, side, side)
        points = keypoints[:, :3]
        return canvas_region_around(*self._bounds.bounds(points, self._skeleton.scale(points)), side)

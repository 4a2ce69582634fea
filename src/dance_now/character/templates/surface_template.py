"""The ``surface`` template: an avatar's own surface, drawn by the kernel at the size at which it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.character.character_file import CharacterCard
from dance_now.character.safetensors_file import AnyArray
from dance_now.character.templates.spring_simulation import SpringSimulation, SpringTails
from dance_now.character.templates.surface import SurfaceArrays, SurfaceDrawing, Window
from dance_now.character.templates.template import FIGURE_CANVAS, FigurePicture
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.processor_cores import available_cores
from dance_now.pose.contacts.body_landmarks import BodySurface

MAX_WINDOW: Final = 1536
"""Pixels of the largest window that is drawn at its own size, each way; what exceeds it is upscaled."""


def open_template(
    card: CharacterCard, arrays: Mapping[str, AnyArray], *, device: str = "auto", threads: int = 0
) -> SurfaceTemplate:
    """The drawing of a surface character.

    Raises:
        ValueError: arrays that are not a surface's.
        TypeError: an array is missing, or one too many.
        DanceNowError: the kernel is missing or of another version.
    """
    return SurfaceTemplate(card, SurfaceArrays(**arrays), threads or available_cores())


class SurfaceTemplate:
    """Draws a surface character; may be called by several threads, each of which gets buffers of its own."""

    def __init__(self, card: CharacterCard, arrays: SurfaceArrays, threads: int) -> None:
        self._first = SurfaceDrawing(card.skeleton, arrays)
        self._idle = [self._first]
        strongest = arrays.weights.argmax(axis=1)[:, None]
        self._surface = BodySurface(arrays.positions, np.take_along_axis(arrays.joints, strongest, 1)[:, 0])
        self._height = card.skeleton.height
        self._threads = threads

    def draw(self, keypoints: FloatArray, size: tuple[int, int]) -> Image:
        """As ``Template.draw``."""
        with self._drawing() as drawing:
            return drawing.draw(keypoints, (0, 0, *size), screen_height=size[1], threads=self._threads)

    def draw_figure(
        self,
        keypoints: FloatArray,
        scale: float,
        picture: tuple[int, int],
        detail: bool,
        up: npt.ArrayLike | None = None,
        tails: SpringTails | None = None,
    ) -> tuple[FigurePicture, ...]:
        """As ``Template.draw_figure``; the head is always as fine as the picture."""
        canvas = FIGURE_CANVAS * self._height * scale
        with self._drawing() as drawing:
            bounds = drawing.place(keypoints, screen_height=canvas, up=up, tails=tails)
            share = min(1.0, MAX_WINDOW / max(_shown_side(bounds, picture), 1))
            size = (max(1, round(share * picture[0])), max(1, round(share * picture[1])))
            if share < 1:
                scaled = (keypoints * np.array([share, share, share, 1])).astype(np.float32)
                drawing.place(scaled, screen_height=share * canvas, up=up, tails=tails)
            drawn = drawing.paint_part(size, threads=self._threads)
        if drawn is None:
            return ()
        window, pixels = drawn
        left, right = (round(edge / share) for edge in (window.left, window.left + window.width))
        top, bottom = (round(edge / share) for edge in (window.top, window.top + window.height))
        return (FigurePicture(pixels, left, top, right - left, bottom - top),)

    def body_surface(self) -> BodySurface | None:
        """As ``Template.body_surface``."""
        return self._surface

    def spring_simulation(self) -> SpringSimulation | None:
        """As ``Template.spring_simulation``."""
        return self._first.spring_simulation()

    @contextmanager
    def _drawing(self) -> Iterator[SurfaceDrawing]:
        """A drawing that nobody else uses meanwhile."""
        try:
            drawing = self._idle.pop()
        except IndexError:
            drawing = self._first.sibling()
        try:
            yield drawing
        finally:
            self._idle.append(drawing)


def _shown_side(bounds: Window | None, picture: tuple[int, int]) -> int:
    """The longer side of what a picture shows of a figure's bounds, pixels."""
    if bounds is None:
        return 0
    across = min(bounds.left + bounds.width, picture[0]) - max(bounds.left, 0)
    down = min(bounds.top + bounds.height, picture[1]) - max(bounds.top, 0)
    return max(across, down)

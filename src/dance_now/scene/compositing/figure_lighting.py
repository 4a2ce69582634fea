"""Lighting of a character in a scene: color match, shadow, grain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image
from dance_now.scene.compositing.color_match import ColorMatch
from dance_now.scene.compositing.composition import (
    EMPTY_LAYER,
    Layer,
    blend_detail,
    cut_below,
    place_canvas,
)
from dance_now.scene.compositing.grain import GrainMatch
from dance_now.scene.compositing.ground_shadow import ContactShadow
from dance_now.scene.compositing.light_direction import LightDirectionEstimator


@dataclass(frozen=True, eq=False)
class PlacedCanvas:
    """Canvas and the rectangle of the image that it fills.

    Attributes:
        canvas: (h, w, 4) uint8 RGBA, straight alpha.
        corner: column and row of the image at which the canvas begins.
        size: width and height in pixels of the image that the canvas fills.
    """

    canvas: Image
    corner: tuple[int, int]
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class PlacedFigure:
    """Drawn character and where it stands.

    Attributes:
        drawings: the figure; perhaps a square part of it, drawn again and finer; none where the frame shows
            nothing of it.
        soles: (2, 2, 2) pixels of the frame: left and right; heel and toe; x and y.
        height: of the character, pixels of the frame.
        hidden_below: row of the frame below which something hides the character; infinite where nothing does.
    """

    drawings: tuple[PlacedCanvas, ...]
    soles: npt.NDArray[np.float64]
    height: float
    hidden_below: float = np.inf

    def layer(self, height: int, width: int, match: ColorMatch | None = None) -> Layer:
        """Renders the character as a layer of an image of that size, with the colors of ``match``."""
        light = match or _unchanged
        if not self.drawings:
            return EMPTY_LAYER
        placed = [
            place_canvas(light(each.canvas), each.corner, each.size, height, width) for each in self.drawings
        ]
        layer = placed[0]
        for detail, drawing in zip(placed[1:], self.drawings[1:], strict=True):
            layer = blend_detail(layer, detail, drawing.corner, drawing.size[0])
        return layer

    def shown(self, layer: Layer) -> Layer:
        """Cuts a layer of the character where something hides it."""
        return layer if np.isinf(self.hidden_below) else cut_below(layer, self.hidden_below)


def _unchanged(canvas: Image) -> Image:
    return canvas


class FigureShader:
    """Lights and shades one character to fit a scene; keeps light and ground from frame to frame."""

    def __init__(self, match: float = 0.5, *, best: bool = False) -> None:
        """Starts with a neutral light.

        Args:
            match: strength of the color match, 0 to 1.
            best: match the source's grain and blur.
        """
        self._match = ColorMatch(match)
        self._shadow = ContactShadow()
        self._light_direction = LightDirectionEstimator()
        self._texture = GrainMatch() if best else None

    def reset(self) -> None:
        """Resets the scene."""
        self._match.reset()
        self._shadow.reset()
        self._light_direction.reset()
        if self._texture is not None:
            self._texture.reset()

    def observe(
        self,
        image: Image,
        person: npt.NDArray[np.floating],
        time: float,
        *,
        empty: Image | None = None,
        figure: PlacedFigure | None = None,
    ) -> None:
        """Measures light and grain in a frame of the scene.

        Args:
            image: (H, W, 3) uint8 RGB.
            person: (h, w) in [0, 1]: the person replaced, the same image at any size; 0 everywhere in an
                image without one.
            time: seconds.
            empty: (h, w, 3) uint8: the scene without people, where it is known. With ``figure`` it gives
                the direction of the light.
            figure: the character at the person's position.
        """
        self._match.observe(image, person, time)
        if empty is not None and figure is not None:
            self._light_direction.observe(
                image, empty, person, figure.soles.mean(axis=(0, 1)), figure.height, time
            )
        if self._texture is not None:
            self._texture.observe(image, person, time)

    def shade(self, image: Image, figure: PlacedFigure, time: float, index: int) -> Layer:
        """Draws the character's shadow into an image, in place, before any character is drawn there.

        Args:
            image: (H, W, 3) uint8 RGB: the scene without the person.
            figure: the character.
            time: seconds.
            index: of the frame.

        Returns:
            The character, for ``composite_over``.
        """
        height, width = image.shape[:2]
        layer = figure.layer(height, width, self._match)
        ground = image
        if np.isfinite(figure.hidden_below):  # what hides the legs hides the shadow at their feet as well
            ground = image[: max(round(figure.hidden_below), 1)]
        self._shadow(ground, layer, figure.soles, figure.height, time, self._light_direction.light)
        layer = figure.shown(layer)
        return layer if self._texture is None else self._texture(layer, index)

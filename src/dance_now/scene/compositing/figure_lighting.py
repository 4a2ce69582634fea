"""One character in one scene: its light, its shadow, its grain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image
from dance_now.scene.compositing.color_match import ColorMatch
from dance_now.scene.compositing.composition import Layer, place, with_detail
from dance_now.scene.compositing.grain import SourceTexture
from dance_now.scene.compositing.ground_shadow import ContactShadow
from dance_now.scene.compositing.light_direction import LightDirectionEstimator


@dataclass(frozen=True, eq=False)
class Drawing:
    """A canvas and the square of the picture that it fills.

    Attributes:
        canvas: (N, N, 4) uint8 RGBA, straight alpha.
        corner: column and row of the picture at which the canvas begins.
        side: pixels of the picture that the canvas fills each way.
    """

    canvas: Image
    corner: tuple[int, int]
    side: int


@dataclass(frozen=True, eq=False)
class PlacedFigure:
    """A drawn character and where it stands.

    Attributes:
        canvas, corner, side: as of a ``Drawing``.
        soles: (2, 2, 2) pixels of the picture: left and right; heel and toe; x and y.
        height: of the character, pixels of the picture.
        detail: a part of it, drawn once more and finer.
    """

    canvas: Image
    corner: tuple[int, int]
    side: int
    soles: npt.NDArray[np.float64]
    height: float
    detail: Drawing | None = None

    def layer(self, height: int, width: int, match: ColorMatch | None = None) -> Layer:
        """The character in a picture of that size, in the light of ``match``."""
        light = match or _unchanged
        layer = place(light(self.canvas), self.corner, self.side, height, width)
        if self.detail is None:
            return layer
        corner, side = self.detail.corner, self.detail.side
        return with_detail(layer, place(light(self.detail.canvas), corner, side, height, width), corner, side)


def _unchanged(canvas: Image) -> Image:
    return canvas


class FigureShader:
    """Makes a character belong in a scene; it remembers light and ground from frame to frame."""

    def __init__(self, match: float = 0.5, *, best: bool = False) -> None:
        """Begins with a neutral light.

        Args:
            match: how far the character's colors follow the scene's light, 0 to 1.
            best: give it the source's grain and blur.
        """
        self._match = ColorMatch(match)
        self._shadow = ContactShadow()
        self._sun = LightDirectionEstimator()
        self._texture = SourceTexture() if best else None

    def reset(self) -> None:
        """Resets the scene."""
        self._match.reset()
        self._shadow.reset()
        self._sun.reset()
        if self._texture is not None:
            self._texture.reset()

    def look(
        self,
        image: Image,
        person: npt.NDArray[np.floating],
        time: float,
        *,
        empty: Image | None = None,
        figure: PlacedFigure | None = None,
    ) -> None:
        """Learns light and grain from a picture of the scene.

        Args:
            image: (H, W, 3) uint8 RGB.
            person: (h, w) in [0, 1]: the person replaced, the same picture at any size; 0 everywhere in a
                picture without one.
            time: seconds.
            empty: (h, w, 3) uint8: the scene without people, where it is known. With ``figure`` it tells
                from where the light falls.
            figure: the character in the person's place.
        """
        self._match.look(image, person, time)
        if empty is not None and figure is not None:
            self._sun.look(image, empty, person, figure.soles.mean(axis=(0, 1)), figure.height, time)
        if self._texture is not None:
            self._texture.look(image, person, time)

    def shade(self, picture: Image, figure: PlacedFigure, time: float, index: int) -> Layer:
        """Casts the character's shadow into a picture, in place, before any character is drawn there.

        Args:
            picture: (H, W, 3) uint8 RGB: the scene without the person.
            figure: the character.
            time: seconds.
            index: of the frame.

        Returns:
            The character, for ``draw_over``.
        """
        height, width = picture.shape[:2]
        layer = figure.layer(height, width, self._match)
        self._shadow(picture, layer, figure.soles, figure.height, time, self._sun.sun)
        return layer if self._texture is None else self._texture(layer, index)

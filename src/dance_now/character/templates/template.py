"""The interface of a template: keypoints in, pictures out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy.typing as npt

from dance_now.character.templates.spring_simulation import SpringSimulation, SpringTails
from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.contacts.body_landmarks import BodySurface

FIGURE_CANVAS = 1.25
"""Side of the square canvas in which a whole figure is drawn for training, in heights of the figure."""


@dataclass(frozen=True, eq=False)
class FigurePicture:
    """A drawn figure, or a part of one, and the rectangle of a picture that it fills.

    Attributes:
        pixels: (h, w, 4) uint8 RGBA, straight alpha.
        left: column of the picture at which it begins; may be negative.
        top: row of the picture at which it begins; may be negative.
        width: pixels of the picture that it fills; w of them if it was drawn at its size.
        height: pixels of the picture that it fills.
    """

    pixels: Image
    left: int
    top: int
    width: int
    height: int


class Template(Protocol):
    """Draws one character. May be called by several threads at once."""

    def draw(self, keypoints: FloatArray, size: tuple[int, int]) -> Image:
        """Draws a whole picture.

        Args:
            keypoints: (137, 4) float32 x, y, depth (away) and confidence in pixels of the picture.
            size: its width and height.

        Returns:
            (height, width, 4) uint8 RGBA, straight alpha.
        """
        ...

    def draw_figure(
        self,
        keypoints: FloatArray,
        scale: float,
        picture: tuple[int, int],
        detail: bool,
        up: npt.ArrayLike | None = None,
        tails: SpringTails | None = None,
    ) -> tuple[FigurePicture, ...]:
        """Draws what a picture shows of a figure, as finely as it shows it.

        Args:
            keypoints: (137, 4) float32 x, y, depth (away) and confidence in pixels of the picture.
            scale: pixels of the picture per metre of the character.
            picture: width and height.
            detail: take more time for the head where that gains anything.
            up: (3,) where the sky is, in the view frame; of a level camera where it is missing.
            tails: what a simulation of the springs returned for this pose; without, they hang still.

        Returns:
            The figure; and, where that was asked for and gains anything, a square part of it drawn finer.
        """
        ...

    def body_surface(self) -> BodySurface | None:
        """The character's surface at rest; None for a network, which has none."""
        ...

    def spring_simulation(self) -> SpringSimulation | None:
        """A new simulation of the character's hair and skirt, for one figure; None if nothing swings."""
        ...

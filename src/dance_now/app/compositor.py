"""Compositor: removes people from a frame and draws characters over the background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image
from dance_now.core.profiler import Profiler
from dance_now.media.frame import Frame
from dance_now.media.image.image_file import over_white
from dance_now.pose.model.detection import Detection
from dance_now.scene.background.backdrop import Backdrop, ColorBackdrop
from dance_now.scene.background.clean_background import Background
from dance_now.scene.compositing.composition import (
    Layer,
    Scene,
    composite_over,
    merge_layers,
    plain_background,
    side_by_side,
    unpremultiply,
)
from dance_now.scene.compositing.figure_lighting import FigureShader, PlacedFigure
from dance_now.scene.compositing.source_alpha import background_alpha, premultiplied
from dance_now.scene.matting.matte import PersonMatting

IN_PLACE: Final = frozenset({Scene.REPLACE, Scene.SIDE_BY_SIDE})  # scenes that show the source
_NOBODY: Final = np.zeros((1, 1), np.float32)


@dataclass(frozen=True, eq=False)
class Figure:
    """A drawn character.

    Attributes:
        identity: of the person it replaces.
        placed: its canvas, and its place in the frame.
    """

    identity: int
    placed: PlacedFigure

    def composite_over(self, picture: Image) -> None:
        """Draws it over a picture, in place, without light or shadow."""
        height, width = picture.shape[:2]
        composite_over(picture, self.placed.shown(self.placed.layer(height, width)))


def figures_layer(figures: Sequence[Figure], height: int, width: int) -> Layer:
    """Composites figures, the farthest first, without a background.

    Returns:
        The part of a frame of that size that they cover, straight alpha.
    """
    merged = merge_layers([figure.placed.layer(height, width) for figure in figures])
    return Layer(merged.box, unpremultiply(merged.pixels)) if merged.pixels.size else merged


class Compositor:
    """Composes one scene, frame by frame."""

    def __init__(
        self,
        scene: Scene,
        background: Background,
        backdrop: Backdrop | None = None,
        *,
        match: float = 0.5,
        best: bool = False,
        keep_objects: bool = False,
        profiler: Profiler | None = None,
    ) -> None:
        """Sets the compositor up.

        Args:
            scene: what the characters appear in.
            background: model of the background behind the people.
            backdrop: new background, shown instead.
            match: color-matching strength, 0 (off) to 1 (full).
            best: match the source's grain and blur, and refine mattes.
            keep_objects: keep held objects.
            profiler: what the time is added to.
        """
        self._scene = scene
        self._background = background
        self._backdrop = backdrop
        self._match = match
        self._best = best
        self._profiler = profiler or Profiler()
        self._matte = PersonMatting(background, best=best, keep_objects=keep_objects)
        self._shaders: dict[int, FigureShader] = {}

    def reset(self) -> None:
        """Clears the state of earlier frames."""
        self._matte.reset()
        self._background.reset()
        self._shaders.clear()

    def __call__(
        self,
        frame: Frame,
        leaving: Sequence[Detection],
        staying: Sequence[Detection],
        figures: Callable[[], Sequence[Figure]],
    ) -> Image:
        """Composes one frame.

        Args:
            frame: of the source.
            leaving: the people who are replaced.
            staying: everybody else.
            figures: returns the characters, the farthest first; called once the people are removed, so that
                they may be drawn at the same time.

        Returns:
            (H, W, 3) uint8, or (H, W, 4) with straight alpha for ``Scene.ALPHA`` and for frames with alpha
            whose background is kept; twice as wide for ``Scene.SIDE_BY_SIDE``.
        """
        if self._scene in IN_PLACE:
            picture = self._replaced(frame, leaving, staying, figures)
            return picture if self._scene is Scene.REPLACE else side_by_side(frame.image, over_white(picture))
        height, width = frame.image.shape[:2]
        drawn = figures()
        with self._profiler.stage("compose"):
            if self._scene is Scene.ALPHA:
                picture = np.zeros((height, width, 4), np.uint8)
                layer = figures_layer(drawn, height, width)
                picture[layer.box.slices] = layer.pixels
                return picture
            picture = plain_background(self._scene, height, width)
            for figure in drawn:
                figure.composite_over(picture)
            return picture

    def _replaced(
        self,
        frame: Frame,
        leaving: Sequence[Detection],
        staying: Sequence[Detection],
        figures: Callable[[], Sequence[Figure]],
    ) -> Image:
        """The frame with the people replaced."""
        lit, picture, hole = self._emptied(frame, leaving, staying)
        drawn = figures()
        with self._profiler.stage("compose"):
            if lit is None:
                for figure in drawn:
                    figure.composite_over(picture)
                return picture
            shaded = [(self._shader(figure.identity), figure.placed) for figure in drawn]
            for shader, placed in shaded:
                shader.observe(lit.image, lit.person, frame.time, empty=lit.empty, figure=placed)
            layers = [shader.shade(picture, placed, frame.time, frame.index) for shader, placed in shaded]
            is_clear = frame.alpha is not None and self._backdrop is None
            if frame.alpha is not None and is_clear:
                picture = premultiplied(picture, background_alpha(frame.alpha, hole))
            for layer in layers:
                composite_over(picture, layer)
            return unpremultiply(picture) if is_clear else picture

    def _shader(self, identity: int) -> FigureShader:
        if identity not in self._shaders:
            self._shaders[identity] = FigureShader(self._match, best=self._best)
        return self._shaders[identity]

    def _emptied(
        self, frame: Frame, leaving: Sequence[Detection], staying: Sequence[Detection]
    ) -> tuple[_LightReference | None, Image, Image | None]:
        """The reference for light (None where there is none), a new picture to draw on, what was filled."""
        backdrop, image = self._backdrop, frame.image
        if backdrop is not None and not backdrop.needs_scene:
            with self._profiler.stage("background"):
                picture = backdrop(image, frame.time)
            return (
                None if isinstance(backdrop, ColorBackdrop) else _LightReference(picture, _NOBODY),
                picture,
                None,
            )
        lit, picture, cutout = _LightReference(image, _NOBODY), image, None
        if leaving:
            with self._profiler.stage("matte"):
                cutout = self._matte(image, leaving, staying)
            lit = _LightReference(image, cutout.alpha, None if cutout.view is None else cutout.view.small)
            with self._profiler.stage("background"):
                picture = self._background.fill(image, cutout)
        with self._profiler.stage("background"):
            self._background.learn(image, [*leaving, *staying], cutout)
        if backdrop is not None:
            return lit, backdrop(picture, frame.time), None
        return lit, picture if leaving else picture.copy(), None if cutout is None else cutout.hole


@dataclass(frozen=True, eq=False)
class _LightReference:
    """A picture that the characters' light and colors are matched to.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        person: (h, w) float32 in [0, 1]: the people who are replaced, at any size.
        empty: (h, w, 3) uint8 RGB: the same without people, where it is known.
    """

    image: Image
    person: npt.NDArray[np.float32]
    empty: Image | None = None

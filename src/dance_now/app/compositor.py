"""What a picture becomes: the people taken out, the characters put in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image
from dance_now.core.profiler import Profiler
from dance_now.media.frame import Frame
from dance_now.pose.model.detection import Detection
from dance_now.scene.background.backdrop import Backdrop, ColorBackdrop
from dance_now.scene.background.clean_background import Background
from dance_now.scene.compositing.composition import (
    Scene,
    composite_over,
    plain_background,
    side_by_side,
    unpremultiply,
)
from dance_now.scene.compositing.figure_lighting import FigureShader, PlacedFigure
from dance_now.scene.matting.matte import PersonMatting

IN_PLACE: Final = frozenset({Scene.REPLACE, Scene.SIDE_BY_SIDE})  # the scenes that show the source's picture
_NOBODY: Final = np.zeros((1, 1), np.float32)


@dataclass(frozen=True, eq=False)
class Figure:
    """A drawn character.

    Attributes:
        identity: of the person whose place it takes.
        standing: its canvas, and where in the picture it stands.
    """

    identity: int
    standing: PlacedFigure

    def composite_over(self, picture: Image) -> None:
        """Draws it into a picture as it is, in place."""
        height, width = picture.shape[:2]
        composite_over(picture, self.standing.layer(height, width))


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
        """Sets the stage.

        Args:
            scene: what the characters stand in.
            background: what lies behind the people.
            backdrop: what is shown instead of it.
            match: how far the characters' colors follow the scene's light, 0 to 1.
            best: give them the source's grain and blur, and cut people out more exactly.
            keep_objects: what the people hold stays.
            profiler: what the time is added to.
        """
        self._scene = scene
        self._background = background
        self._backdrop = backdrop
        self._match = match
        self._best = best
        self._stopwatch = profiler or Profiler()
        self._matte = PersonMatting(background, best=best, keep_objects=keep_objects)
        self._presences: dict[int, FigureShader] = {}

    def reset(self) -> None:
        """Forgets the frames before."""
        self._matte.reset()
        self._background.reset()
        self._presences.clear()

    def __call__(
        self,
        frame: Frame,
        leaving: Sequence[Detection],
        staying: Sequence[Detection],
        figures: Callable[[], Sequence[Figure]],
    ) -> Image:
        """The picture of one frame.

        Args:
            frame: the source's.
            leaving: the people who are replaced.
            staying: everybody else.
            figures: gives the characters, the farthest first; called once the people are gone from the
                picture, so they may be drawn meanwhile.

        Returns:
            (H, W, 3) uint8, or (H, W, 4) with straight alpha for ``Scene.ALPHA``; twice as wide for
            ``Scene.SIDE_BY_SIDE``.
        """
        if self._scene in IN_PLACE:
            picture = self._replaced(frame, leaving, staying, figures)
            return picture if self._scene is Scene.REPLACE else side_by_side(frame.image, picture)
        height, width = frame.image.shape[:2]
        alpha = self._scene is Scene.ALPHA
        picture = (
            np.zeros((height, width, 4), np.uint8) if alpha else plain_background(self._scene, height, width)
        )
        drawn = figures()
        with self._stopwatch.stage("compose"):
            for figure in drawn:
                figure.composite_over(picture)
            return unpremultiply(picture) if alpha else picture

    def _replaced(
        self,
        frame: Frame,
        leaving: Sequence[Detection],
        staying: Sequence[Detection],
        figures: Callable[[], Sequence[Figure]],
    ) -> Image:
        """The picture with the people replaced."""
        lit, picture = self._emptied(frame, leaving, staying)
        drawn = figures()
        with self._stopwatch.stage("compose"):
            if lit is None:
                for figure in drawn:
                    figure.composite_over(picture)
                return picture
            present = [(self._presence(figure.identity), figure.standing) for figure in drawn]
            for presence, standing in present:
                presence.observe(lit.image, lit.person, frame.time, empty=lit.empty, figure=standing)
            layers = [
                presence.shade(picture, standing, frame.time, frame.index) for presence, standing in present
            ]
            for layer in layers:
                composite_over(picture, layer)
        return picture

    def _presence(self, identity: int) -> FigureShader:
        if identity not in self._presences:
            self._presences[identity] = FigureShader(self._match, best=self._best)
        return self._presences[identity]

    def _emptied(
        self, frame: Frame, leaving: Sequence[Detection], staying: Sequence[Detection]
    ) -> tuple[_Lit | None, Image]:
        """Where light is read off, None where there is none; and a new picture to draw on."""
        backdrop, image = self._backdrop, frame.image
        if backdrop is not None and not backdrop.needs_scene:
            with self._stopwatch.stage("background"):
                picture = backdrop(image, frame.time)
            return None if isinstance(backdrop, ColorBackdrop) else _Lit(picture, _NOBODY), picture
        lit, picture, cutout = _Lit(image, _NOBODY), image, None
        if leaving:
            with self._stopwatch.stage("matte"):
                cutout = self._matte(image, leaving, staying)
            lit = _Lit(image, cutout.alpha, None if cutout.view is None else cutout.view.small)
            with self._stopwatch.stage("background"):
                picture = self._background.fill(image, cutout)
        with self._stopwatch.stage("background"):
            self._background.learn(image, [*leaving, *staying], cutout)
        if backdrop is not None:
            return lit, backdrop(picture, frame.time)
        return lit, picture if leaving else picture.copy()


@dataclass(frozen=True, eq=False)
class _Lit:
    """A picture with the light in which characters stand.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        person: (h, w) float32 in [0, 1]: the people who are replaced, at any size.
        empty: (h, w, 3) uint8 RGB: the same without people, where it is known.
    """

    image: Image
    person: npt.NDArray[np.float32]
    empty: Image | None = None

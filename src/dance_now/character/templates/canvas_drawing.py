"""Pictures and figures by what draws a square canvas, as trained networks do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.character.canvas_window import Window, canvas_window, head_window
from dance_now.character.character_file import CANVAS
from dance_now.character.templates.spring_simulation import SpringSimulation, SpringTails
from dance_now.character.templates.template import FigurePicture
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.upscaling import upscale
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton

# A network's alpha is never quite 0 or 255: without this, a haze of specks stands around the character.
_NOTHING, _SOLID = 8, 247
_CLEANED: Final = np.rint(np.clip((np.arange(256) - _NOTHING) / (_SOLID - _NOTHING), 0, 1) * 255).astype(
    np.uint8
)


class CanvasTemplate(ABC):
    """A template whose network draws canvases.

    Args:
        skeleton: the character's body.
        most: side of the largest canvas that it draws better than it would be upscaled, px; at least 512.
    """

    def __init__(self, skeleton: Skeleton, most: int = CANVAS) -> None:
        self._skeleton = skeleton
        self._most = most

    @abstractmethod
    def draw_canvas(self, keypoints: FloatArray, side: int = CANVAS) -> Image:
        """Keypoints (137, 4) in pixels of a canvas -> (side, side, 4) uint8 RGBA, straight alpha."""

    def draw(self, keypoints: FloatArray, size: tuple[int, int]) -> Image:
        """As ``Template.draw``; the picture is the upper left part of a square as long as its longer side."""
        side = max(size)
        canvas = self._window(keypoints, Window(0, 0, side), self._most)
        if side == len(canvas):
            return np.ascontiguousarray(canvas[: size[1], : size[0]])
        premultiplied = np.asarray(cv2.cvtColor(canvas, cv2.COLOR_RGBA2mRGBA), np.uint8)
        if side > len(canvas):
            scaled = upscale(premultiplied, (side, side))
        else:
            scaled = np.asarray(
                cv2.resize(premultiplied, (side, side), interpolation=cv2.INTER_AREA), np.uint8
            )
        part = np.ascontiguousarray(scaled[: size[1], : size[0]])
        return np.asarray(cv2.cvtColor(part, cv2.COLOR_mRGBA2RGBA), np.uint8)

    def draw_figure(
        self,
        keypoints: FloatArray,
        scale: float,
        picture: tuple[int, int],
        detail: bool,
        up: npt.ArrayLike | None = None,
        tails: SpringTails | None = None,
    ) -> tuple[FigurePicture, ...]:
        """As ``Template.draw_figure``; ``detail`` makes canvas and head finer."""
        pose = Pose(keypoints[:, [0, 1, 3]], keypoints[:, 2], keypoints[:, 3] > 0)
        if not (scale > 0 and pose.visible.any()):
            return ()
        whole = canvas_window(pose, self._skeleton, scale, picture)
        most = self._most if detail else CANVAS
        head = head_window(pose, self._skeleton, scale, whole, most) if detail else None
        windows = (whole,) if head is None else (whole, head)
        figures = (self._figure(keypoints, window, most) for window in windows if _is_shown(window, picture))
        return tuple(figure for figure in figures if figure.pixels[..., 3].any())

    def body_surface(self) -> None:
        """A network has no surface."""
        return

    def spring_simulation(self) -> SpringSimulation | None:
        """As ``Template.spring_simulation``: a network has no springs."""
        return None

    def _figure(self, keypoints: FloatArray, window: Window, most: int) -> FigurePicture:
        pixels = self._window(keypoints, window, most)
        pixels[..., 3] = cv2.LUT(cv2.extractChannel(pixels, 3), _CLEANED)
        return FigurePicture(pixels, window.left, window.top, window.side, window.side)

    def _window(self, keypoints: FloatArray, window: Window, most: int) -> Image:
        """What a window of the keypoints' picture shows, on a canvas of its size, from 512 to ``most`` px."""
        side = min(max(window.side, CANVAS), most)
        scale = side / window.side
        moved = (keypoints - np.array([window.left, window.top, 0, 0])) * np.array([scale, scale, scale, 1])
        return self.draw_canvas(moved.astype(np.float32), side)


def _is_shown(window: Window, picture: tuple[int, int]) -> bool:
    """Whether a window and a picture of some width and height share a pixel."""
    across = window.left < picture[0] and window.left + window.side > 0
    return across and window.top < picture[1] and window.top + window.side > 0

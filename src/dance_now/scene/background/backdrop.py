"""Another background than the scene's own: a color, a picture, a video, or the scene out of focus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Protocol

import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.open_media import open_source
from dance_now.media.source import Source

_COLORS: Final = {
    "black": "000000",
    "white": "ffffff",
    "grey": "808080",
    "gray": "808080",
    "silver": "c0c0c0",
    "red": "ff0000",
    "orange": "ffa500",
    "yellow": "ffff00",
    "lime": "00ff00",
    "green": "008000",
    "teal": "008080",
    "cyan": "00ffff",
    "blue": "0000ff",
    "navy": "000080",
    "purple": "800080",
    "magenta": "ff00ff",
    "pink": "ffc0cb",
    "brown": "a52a2a",
}
"""The usual names of CSS."""

_BLUR: Final = 0.012  # of the picture's longer side
_BLUR_STEP: Final = 4  # the blur is made at a quarter of the size, where it costs a sixteenth


class Backdrop(Protocol):
    """Gives the background of one frame after the other.

    Attributes:
        needs_scene: whether it is made from the scene without people; if not, any picture of the right size
            may be given for it.
    """

    needs_scene: bool

    def __call__(self, scene: Image, time: float) -> Image:
        """The background at a time in seconds: a new (H, W, 3) uint8 picture of the scene's size."""
        ...

    def close(self) -> None:
        """Releases files."""
        ...


def open_backdrop(text: str) -> Backdrop:
    """Opens a background.

    Args:
        text: ``blur``; a color's name, or ``#rrggbb``; else the path of a picture, a video or a folder.

    Raises:
        DanceNowError: a file that cannot be read, or a color that is none.

    Example:
        >>> open_backdrop("#ff8000")(np.zeros((1, 1, 3), np.uint8), time=0.0).tolist()
        [[[255, 128, 0]]]
    """
    if text == "blur":
        return BlurredBackdrop()
    code = _COLORS.get(text.lower(), text[1:] if text.startswith("#") else "")
    if re.fullmatch("[0-9a-fA-F]{6}", code):
        return ColorBackdrop((int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)))
    if text.startswith("#"):
        raise DanceNowError(f"{text} is no color; write it as #rrggbb, or use a name: {', '.join(_COLORS)}.")
    return FileBackdrop(open_source(text, sequence=True))


class ColorBackdrop:
    """One color everywhere."""

    needs_scene = False

    def __init__(self, color: tuple[int, int, int]) -> None:
        """``color``: red, green and blue, 0 to 255."""
        self._color = color

    def __call__(self, scene: Image, time: float) -> Image:
        """A picture of the color."""
        return np.full(scene.shape, self._color, np.uint8)

    def close(self) -> None:
        """Holds nothing."""


class BlurredBackdrop:
    """The scene without people, out of focus."""

    needs_scene = True

    def __call__(self, scene: Image, time: float) -> Image:
        """The scene, blurred."""
        height, width = scene.shape[:2]
        size = (max(1, width // _BLUR_STEP), max(1, height // _BLUR_STEP))
        small = cv2.resize(scene, size, interpolation=cv2.INTER_AREA)
        blurred = cv2.GaussianBlur(small, (0, 0), max(_BLUR * max(size), 0.5))
        return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)

    def close(self) -> None:
        """Holds nothing."""


class FileBackdrop:
    """A picture, or a video that begins again where it ends before the source does.

    What has another shape than the scene is cut to fill it, around its middle.
    """

    needs_scene = False

    def __init__(self, source: Source) -> None:
        """``source``: of the pictures; closed by ``close``."""
        self._source = source
        self._fitted: tuple[Frame, Image] | None = None
        self._begin()

    def _begin(self) -> None:
        self._frames: Iterator[Frame] = self._source.frames()
        self._time = 0.0
        self._began = 0.0  # when the pass began that is being shown
        self._current: Frame | None = None
        self._following: Frame | None = next(self._frames, None)

    def __call__(self, scene: Image, time: float) -> Image:
        """The picture shown at a time that rises from call to call."""
        if time < self._time:
            self._begin()
        self._time = time
        while self._following is not None and self._began + self._following.time <= time:
            self._current, self._following = self._following, self._next()
        current = self._current or self._following
        if current is None:
            raise DanceNowError(f"No picture of {self._source.path} could be read.")
        height, width = scene.shape[:2]
        if self._fitted is None or self._fitted[0] is not current or self._fitted[1].shape != scene.shape:
            self._fitted = current, filling(current.image, height, width)
        return self._fitted[1].copy()

    def close(self) -> None:
        """Closes the file."""
        self._source.close()

    def _next(self) -> Frame | None:
        """The frame after the current one; the first again after the last, a photo's stays."""
        frame = next(self._frames, None)
        last = self._following
        if frame is not None or last is None or last.index == 0:
            return frame
        self._began += last.time + float(1 / self._source.frame_rate)
        self._frames = self._source.frames()
        return next(self._frames, None)


def filling(image: Image, height: int, width: int) -> Image:
    """The middle of an (h, w, 3) uint8 picture, as much as fits, scaled to (height, width)."""
    rows, columns = image.shape[:2]
    scale = max(height / rows, width / columns)
    tall, wide = min(rows, max(1, round(height / scale))), min(columns, max(1, round(width / scale)))
    top, left = (rows - tall) // 2, (columns - wide) // 2
    part = image[top : top + tall, left : left + wide]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (width, height), interpolation=interpolation), np.uint8)

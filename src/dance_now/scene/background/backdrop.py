"""Background replacement: a color, an image, a video, or the blurred scene."""

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
"""CSS color names."""

_BLUR: Final = 0.012  # of the image's longer side
_BLUR_STEP: Final = 4  # the blur runs at a quarter of the size, where it costs a sixteenth


class Backdrop(Protocol):
    """Replacement background, frame by frame.

    Attributes:
        needs_scene: whether it is computed from the scene without people; if not, only the size of the
            image given for it matters.
    """

    needs_scene: bool

    def __call__(self, scene: Image, time: float) -> Image:
        """Renders the background at a time in seconds: a new (H, W, 3) uint8 image of the scene's size."""
        ...

    def close(self) -> None:
        """Closes files."""
        ...


def open_backdrop(text: str) -> Backdrop:
    """Opens a replacement background.

    Args:
        text: ``blur``; a color's name, or ``#rrggbb``; else the path of an image, a video or a folder.

    Raises:
        DanceNowError: a file that cannot be read, or an invalid color.

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
        raise DanceNowError(f"{text} is not a color. Use #rrggbb or one of {', '.join(_COLORS)}.")
    return FileBackdrop(open_source(text, sequence=True))


class ColorBackdrop:
    """Uniform color."""

    needs_scene = False

    def __init__(self, color: tuple[int, int, int]) -> None:
        """``color``: red, green and blue, 0 to 255."""
        self._color = color

    def __call__(self, scene: Image, time: float) -> Image:
        """Fills an image with the color."""
        return np.full(scene.shape, self._color, np.uint8)

    def close(self) -> None:
        """Does nothing: holds no resources."""


class BlurredBackdrop:
    """Blurred scene without people."""

    needs_scene = True

    def __call__(self, scene: Image, time: float) -> Image:
        """Blurs the scene."""
        height, width = scene.shape[:2]
        size = (max(1, width // _BLUR_STEP), max(1, height // _BLUR_STEP))
        small = cv2.resize(scene, size, interpolation=cv2.INTER_AREA)
        blurred = cv2.GaussianBlur(small, (0, 0), max(_BLUR * max(size), 0.5))
        return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)

    def close(self) -> None:
        """Does nothing: holds no resources."""


class FileBackdrop:
    """Image or video file; a video shorter than the source loops.

    Other aspect ratios are cropped around the centre to fill the scene.
    """

    needs_scene = False

    def __init__(self, source: Source) -> None:
        """``source``: of the frames; closed by ``close``."""
        self._source = source
        self._fitted: tuple[Frame, Image] | None = None
        self._restart()

    def _restart(self) -> None:
        self._frames: Iterator[Frame] = self._source.frames()
        self._time = 0.0
        self._loop_start = 0.0  # time at which the current loop started
        self._current: Frame | None = None
        self._following: Frame | None = next(self._frames, None)

    def __call__(self, scene: Image, time: float) -> Image:
        """Image shown at a time that rises from call to call."""
        if time < self._time:
            self._restart()
        self._time = time
        while self._following is not None and self._loop_start + self._following.time <= time:
            self._current, self._following = self._following, self._next()
        current = self._current or self._following
        if current is None:
            raise DanceNowError(f"no frame of {self._source.path} could be read.")
        height, width = scene.shape[:2]
        if self._fitted is None or self._fitted[0] is not current or self._fitted[1].shape != scene.shape:
            self._fitted = current, crop_to_fill(current.image, height, width)
        return self._fitted[1].copy()

    def close(self) -> None:
        """Closes the file."""
        self._source.close()

    def _next(self) -> Frame | None:
        """Next frame; after the last one the first again, except for a photo."""
        frame = next(self._frames, None)
        last = self._following
        if frame is not None or last is None or last.index == 0:
            return frame
        self._loop_start += last.time + float(1 / self._source.frame_rate)
        self._frames = self._source.frames()
        return next(self._frames, None)


class ImageBackdrop:
    """One image, cropped around its centre to fill the scene."""

    needs_scene = False

    def __init__(self, image: Image) -> None:
        """``image``: (H, W, 3) uint8 RGB."""
        self._image = image
        self._fitted = image

    def __call__(self, scene: Image, time: float) -> Image:
        """Copies the image at the scene's size."""
        if self._fitted.shape != scene.shape:
            self._fitted = crop_to_fill(self._image, *scene.shape[:2])
        return self._fitted.copy()

    def close(self) -> None:
        """Does nothing: holds no resources."""


def crop_to_fill(image: Image, height: int, width: int) -> Image:
    """Crops the middle of an (h, w, 3) uint8 image to an aspect ratio and scales it to (height, width)."""
    rows, columns = image.shape[:2]
    scale = max(height / rows, width / columns)
    tall, wide = min(rows, max(1, round(height / scale))), min(columns, max(1, round(width / scale)))
    top, left = (rows - tall) // 2, (columns - wide) // 2
    part = image[top : top + tall, left : left + wide]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (width, height), interpolation=interpolation), np.uint8)

"""Frames of a live performance: as captured, and as drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from dance_now.app.motion.sessions import Replacement
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import jpeg_size
from dance_now.scene.compositing.composition import Layer, composite_over

MAX_SIDE: Final = 4096  # pixels of a camera's frame
MAX_PIXELS: Final = 3840 * 2160


def _nothing() -> None:
    """Nobody waits for the frame."""


@dataclass(frozen=True, eq=False)
class CapturedFrame:
    """A frame as it came from a camera.

    Attributes:
        number: the sender's own number of it.
        time: when it came, seconds of ``time.perf_counter``.
        read: decodes it: (H, W, 3) uint8 RGB. May raise ``DanceNowError``.
        release: called once, when the frame is done with or dropped; any thread.
    """

    number: int
    time: float
    read: Callable[[], Image]
    release: Callable[[], None] = _nothing


@dataclass(frozen=True, eq=False)
class LiveResult:
    """A drawn frame.

    Attributes:
        number: of the captured frame.
        time: when the captured frame came, seconds of ``time.perf_counter``.
        latency: seconds from there until it was drawn.
        size: width and height of the frame.
        layer: the part that is shown: RGBA with straight alpha around the characters; for an opaque scene
            ``picture`` instead.
        picture: (H, W, 3) uint8 RGB, the whole frame; None for a transparent scene.
        color: what an output without transparency shows behind the characters.
        people: boxes of the people in view by ID: left, top, width and height as shares of the frame.
        followed: IDs of the people who are replaced.
        lead: the first character and its pose, for outputs with their own avatar; None: nobody is shown.
    """

    number: int
    time: float
    latency: float
    size: tuple[int, int]
    layer: Layer
    picture: Image | None
    color: tuple[int, int, int]
    people: dict[int, tuple[float, float, float, float]]
    followed: tuple[int, ...]
    lead: Replacement | None = None

    def with_alpha(self) -> Image:
        """The whole frame: (H, W, 4) uint8 RGBA, straight alpha."""
        if self.picture is not None:
            return np.asarray(cv2.cvtColor(self.picture, cv2.COLOR_RGB2RGBA), np.uint8)
        width, height = self.size
        whole = np.zeros((height, width, 4), np.uint8)
        if self.layer.pixels.size:
            whole[self.layer.box.slices] = self.layer.pixels
        return whole

    def over_color(self, color: tuple[int, int, int]) -> Image:
        """The whole frame, opaque: (H, W, 3) uint8 RGB, a transparent one over a color."""
        if self.picture is not None:
            return self.picture
        width, height = self.size
        whole = np.full((height, width, 3), color, np.uint8)
        if self.layer.pixels.size:
            premultiplied = np.asarray(cv2.cvtColor(self.layer.pixels, cv2.COLOR_RGBA2mRGBA), np.uint8)
            composite_over(whole, Layer(self.layer.box, premultiplied))
        return whole


def read_camera_jpeg(data: bytes) -> Image:
    """Decodes a JPEG frame from a stranger: (H, W, 3) uint8 RGB.

    The size is checked before anything is decoded.

    Raises:
        DanceNowError: no JPEG, damaged, or too large.
    """
    if not data.startswith(b"\xff\xd8\xff"):
        raise DanceNowError("a camera frame is not a JPEG image.")
    try:
        width, height = jpeg_size(data)
    except ValueError as error:
        raise DanceNowError(f"a camera frame is damaged ({error}).") from error
    if not 0 < width * height <= MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise DanceNowError(f"a camera frame has {width}x{height} pixels. Choose a lower resolution.")
    try:
        decoded = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except cv2.error:
        decoded = None
    if decoded is None:
        raise DanceNowError("a camera frame is damaged.")
    return np.asarray(decoded, np.uint8)

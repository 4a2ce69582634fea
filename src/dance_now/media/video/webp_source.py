"""Animated WebP source, since FFmpeg reads only still ones. Source: RFC 9649.

Each frame is a small WebP of its own, so it is wrapped as one and decoded by OpenCV.
"""

from __future__ import annotations

import logging
import math
import struct
from collections.abc import Generator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.image.image_file import checked_header
from dance_now.media.source import DEFAULT_FRAME_RATE, Source, is_plausible_frame_rate

_FILE_HEADER: Final = 12  # bytes: RIFF, size, WEBP
_FRAME_HEADER: Final = 16
_ANIMATED, _HAS_ALPHA = 0x02, 0x10  # flags of VP8X
_DISPOSE, _REPLACE = 0x01, 0x02  # flags of a frame: cleared afterwards; drawn without blending
_NO_DURATION: Final = 100  # milliseconds that browsers show a frame whose duration is 0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _AnimationFrame:
    """Position of one frame in the file, on the canvas and in time.

    Attributes:
        offset: of the data in the file.
        length: of the data, in bytes.
        left: column on the canvas.
        top: row on the canvas.
        width: pixels.
        height: pixels.
        flags: ``_DISPOSE`` and ``_REPLACE``.
        time: milliseconds since the beginning.
    """

    offset: int
    length: int
    left: int
    top: int
    width: int
    height: int
    flags: int
    time: int


def is_animated_webp(path: Path) -> bool:
    """Detects a WebP with the animation flag by the first bytes of a file."""
    with path.open("rb") as file:
        head = file.read(_FILE_HEADER + 9)
    extended = head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X"
    return extended and len(head) == _FILE_HEADER + 9 and bool(head[-1] & _ANIMATED)


class WebpSource(Source):
    """Decodes an animated WebP, composited over white, one frame at a time."""

    kind = "video"
    time_base = Fraction(1, 1000)

    def __init__(self, path: Path, start: float | None = None, end: float | None = None) -> None:
        """Indexes the frames; ``start`` and ``end`` in seconds.

        Raises:
            DanceNowError: damaged, too large, or a cut without frames.
        """
        self.path = path
        self.size = checked_header(path).upright_size
        with path.open("rb") as file:
            self._frames, length = _read_animation_frames(file)
        if not self._frames:
            raise DanceNowError(f"{path} is damaged: it has no frame.")
        self._start, self._end = 1000 * (start or 0.0), 1000 * (math.inf if end is None else end)
        self.frame_count = sum(self._start <= frame.time < self._end for frame in self._frames)
        if not self.frame_count:
            raise DanceNowError(f"start and end leave none of the {len(self._frames)} frames in {path}.")
        rate = Fraction(1000 * len(self._frames), length)
        self.frame_rate = rate if is_plausible_frame_rate(rate) else DEFAULT_FRAME_RATE

    def frames(self) -> Generator[Frame]:
        """Composites the frames; damaged ones are skipped and counted.

        Raises:
            DanceNowError: no frame of the cut could be read.
        """
        self.skipped = 0
        index = 0
        canvas = np.full((self.size[1], self.size[0], 3), 255, np.uint8)
        with self.path.open("rb") as file:
            for frame in self._frames:
                if frame.time >= self._end:
                    break
                drawn = _decode_frame(file, frame)
                if drawn is None:
                    self.skipped += 1
                    _logger.warning("%s: skipped a damaged frame", self.path.name)
                    continue
                area = canvas[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width]
                _draw(drawn, area, blend=not frame.flags & _REPLACE)
                if frame.time >= self._start:
                    yield Frame(canvas.copy(), (frame.time - self._start) / 1000, index)
                    index += 1
                if frame.flags & _DISPOSE:
                    area[:] = 255
        if index == 0:
            raise DanceNowError(f"no frame of {self.path} could be read between start and end.")


def _read_animation_frames(file: BinaryIO) -> tuple[list[_AnimationFrame], int]:
    """Parses all whole frames that lie inside the canvas, and the length in milliseconds."""
    frames: list[_AnimationFrame] = []
    time, width, height = 0, 0, 0
    position = file.seek(_FILE_HEADER)
    while len(header := file.read(8)) == 8:
        kind, length = struct.unpack("<4sI", header)
        body = file.read(min(length, _FRAME_HEADER))
        if kind == b"VP8X" and len(body) >= 10:
            width, height = 1 + _uint24(body, 4), 1 + _uint24(body, 7)
        if kind == b"ANMF" and len(body) == _FRAME_HEADER:
            left, top = 2 * _uint24(body, 0), 2 * _uint24(body, 3)
            wide, tall = 1 + _uint24(body, 6), 1 + _uint24(body, 9)
            if left + wide <= width and top + tall <= height:
                offset = position + 8 + _FRAME_HEADER
                frames.append(
                    _AnimationFrame(offset, length - _FRAME_HEADER, left, top, wide, tall, body[15], time)
                )
            time += _uint24(body, 12) or _NO_DURATION
        position = file.seek(position + 8 + length + length % 2)
    return frames, time


def _uint24(data: bytes, offset: int) -> int:
    """Unsigned 24-bit integer at an offset."""
    return int.from_bytes(data[offset : offset + 3], "little")


def _decode_frame(file: BinaryIO, frame: _AnimationFrame) -> Image | None:
    """Decodes a frame's own pixels, (H, W, 3 or 4) uint8 RGB(A); None where they are damaged."""
    file.seek(frame.offset)
    data = file.read(frame.length)
    extended = struct.pack(
        "<BxxxHBHB", _HAS_ALPHA, *_split_uint24(frame.width - 1), *_split_uint24(frame.height - 1)
    )
    body = b"WEBPVP8X" + struct.pack("<I", len(extended)) + extended + data
    whole = b"RIFF" + struct.pack("<I", len(body)) + body
    try:
        stored = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if stored is None or stored.shape[:2] != (frame.height, frame.width):
        return None
    order = cv2.COLOR_BGR2RGB if stored.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return np.asarray(cv2.cvtColor(stored, order), np.uint8)


def _split_uint24(number: int) -> tuple[int, int]:
    """Splits a 24-bit integer into its lower two bytes and the third."""
    return number & 0xFFFF, number >> 16


def _draw(drawn: Image, area: Image, blend: bool) -> None:
    """Composites a frame over a region of the canvas, or over white, in place."""
    if drawn.shape[2] == 3:
        area[:] = drawn
        return
    alpha = drawn[..., 3:].astype(np.uint16)
    below = area if blend else 255
    area[:] = (drawn[..., :3] * alpha + below * (255 - alpha) + 127) // 255

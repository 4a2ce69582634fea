"""An animated WebP as a source: FFmpeg reads only the still ones.

Each frame is a small WebP of its own, so it is wrapped as one and given to OpenCV. Source: RFC 9649.
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
from dance_now.media.source import DEFAULT_FRAME_RATE, Source, is_plausible

_FILE_HEADER: Final = 12  # bytes: RIFF, size, WEBP
_FRAME_HEADER: Final = 16
_ANIMATED, _HAS_ALPHA = 0x02, 0x10  # flags of VP8X
_DISPOSE, _REPLACE = 0x01, 0x02  # flags of a frame: cleared afterwards; drawn without blending
_NO_DURATION: Final = 100  # milliseconds that browsers show a frame whose duration is 0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Part:
    """One frame of the file: where its data lies, where it belongs, and when.

    Attributes:
        place: of the data in the file.
        length: of the data, in bytes.
        left: column in the picture.
        top: row in the picture.
        width: pixels.
        height: pixels.
        flags: ``_DISPOSE`` and ``_REPLACE``.
        time: milliseconds since the beginning.
    """

    place: int
    length: int
    left: int
    top: int
    width: int
    height: int
    flags: int
    time: int


def is_animated_webp(path: Path) -> bool:
    """Whether the file starts like a WebP with the animation flag."""
    with path.open("rb") as file:
        head = file.read(_FILE_HEADER + 9)
    extended = head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X"
    return extended and len(head) == _FILE_HEADER + 9 and bool(head[-1] & _ANIMATED)


class WebpSource(Source):
    """Frames of an animated WebP, over white, one at a time."""

    kind = "video"
    time_base = Fraction(1, 1000)

    def __init__(self, path: Path, start: float | None = None, end: float | None = None) -> None:
        """Reads where the frames are; ``start`` and ``end`` in seconds.

        Raises:
            DanceNowError: damaged, too large, or a cut without frames.
        """
        self.path = path
        self.size = checked_header(path).upright_size
        with path.open("rb") as file:
            self._parts, length = _parts(file)
        if not self._parts:
            raise DanceNowError(f"{path} is damaged: there is no frame in it.")
        self._start, self._end = 1000 * (start or 0.0), 1000 * (math.inf if end is None else end)
        self.frame_count = sum(self._start <= part.time < self._end for part in self._parts)
        if not self.frame_count:
            raise DanceNowError(f"--start and --end leave none of the {len(self._parts)} frames in {path}.")
        rate = Fraction(1000 * len(self._parts), length)
        self.frame_rate = rate if is_plausible(rate) else DEFAULT_FRAME_RATE

    def frames(self) -> Generator[Frame]:
        """Composes the frames; damaged ones are skipped and counted.

        Raises:
            DanceNowError: no frame of the cut could be read.
        """
        self.skipped = 0
        index = 0
        canvas = np.full((self.size[1], self.size[0], 3), 255, np.uint8)
        with self.path.open("rb") as file:
            for part in self._parts:
                if part.time >= self._end:
                    break
                drawn = _decoded(file, part)
                if drawn is None:
                    self.skipped += 1
                    _logger.warning("%s: skipped a broken frame", self.path.name)
                    continue
                area = canvas[part.top : part.top + part.height, part.left : part.left + part.width]
                _draw(drawn, area, blend=not part.flags & _REPLACE)
                if part.time >= self._start:
                    yield Frame(canvas.copy(), (part.time - self._start) / 1000, index)
                    index += 1
                if part.flags & _DISPOSE:
                    area[:] = 255
        if index == 0:
            raise DanceNowError(f"no frame of {self.path} could be read between --start and --end.")


def _parts(file: BinaryIO) -> tuple[list[_Part], int]:
    """All whole frames that lie inside the picture, and the length in milliseconds."""
    parts: list[_Part] = []
    time, width, height = 0, 0, 0
    position = file.seek(_FILE_HEADER)
    while len(header := file.read(8)) == 8:
        kind, length = struct.unpack("<4sI", header)
        body = file.read(min(length, _FRAME_HEADER))
        if kind == b"VP8X" and len(body) >= 10:
            width, height = 1 + _three(body, 4), 1 + _three(body, 7)
        if kind == b"ANMF" and len(body) == _FRAME_HEADER:
            left, top = 2 * _three(body, 0), 2 * _three(body, 3)
            wide, tall = 1 + _three(body, 6), 1 + _three(body, 9)
            if left + wide <= width and top + tall <= height:
                place = position + 8 + _FRAME_HEADER
                parts.append(_Part(place, length - _FRAME_HEADER, left, top, wide, tall, body[15], time))
            time += _three(body, 12) or _NO_DURATION
        position = file.seek(position + 8 + length + length % 2)
    return parts, time


def _three(data: bytes, place: int) -> int:
    """A number of three bytes."""
    return int.from_bytes(data[place : place + 3], "little")


def _decoded(file: BinaryIO, part: _Part) -> Image | None:
    """A frame's own pixels, (H, W, 3 or 4) uint8 RGB(A), or None where they are damaged."""
    file.seek(part.place)
    data = file.read(part.length)
    extended = struct.pack("<BxxxHBHB", _HAS_ALPHA, *_split(part.width - 1), *_split(part.height - 1))
    body = b"WEBPVP8X" + struct.pack("<I", len(extended)) + extended + data
    whole = b"RIFF" + struct.pack("<I", len(body)) + body
    try:
        stored = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if stored is None or stored.shape[:2] != (part.height, part.width):
        return None
    order = cv2.COLOR_BGR2RGB if stored.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return np.asarray(cv2.cvtColor(stored, order), np.uint8)


def _split(number: int) -> tuple[int, int]:
    """The lower two bytes and the third."""
    return number & 0xFFFF, number >> 16


def _draw(drawn: Image, area: Image, blend: bool) -> None:
    """Lays a frame over a part of the picture, or over white, in place."""
    if drawn.shape[2] == 3:
        area[:] = drawn
        return
    alpha = drawn[..., 3:].astype(np.uint16)
    below = area if blend else 255
    area[:] = (drawn[..., :3] * alpha + below * (255 - alpha) + 127) // 255

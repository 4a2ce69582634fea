"""Limits of untrusted files: what one may take in memory and time, whatever it claims.

Every reader of a file from a stranger asks here before it allocates. Limits grow with the size of the file,
up to an absolute cap: a small file that claims much is refused, a large honest one is read.
``docs/security.md`` lists them by kind of file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from dance_now.core.errors import DanceNowError

MAX_PICTURE_BYTES: Final = 300_000_000
"""Largest picture file, bytes."""
MAX_PIXELS: Final = 100_000_000
"""Pixels of the largest picture."""
MAX_SIDE: Final = 65_535
"""Longest side of a picture, pixels; that of JPEG."""
MAX_FRAME_PIXELS: Final = 36_000_000
"""Pixels of the largest frame of a video or animation: a little above 8K (7680x4320)."""
MAX_FRAMES: Final = 1_000_000
"""Frames of a clip: nine hours at 30 frames a second."""
MAX_GUESSED_PIXELS: Final = 3840 * 2160
"""Pixels of a canvas whose size is guessed from keypoints; beyond, the user has to give the size."""
MAX_KEYPOINT_BYTES: Final = 16_000_000
"""Largest file with the keypoints of one frame, bytes."""
MAX_JSON_BYTES: Final = 64_000_000
MAX_JSON_VALUES: Final = 2_000_000
"""Objects, lists and elements of a JSON document; each takes about 100 bytes once it is parsed."""

# Pixels allowed in any case, and for each byte of the file. Photos have 2 to 12 pixels a byte; what has more
# is drawn, and drawings that large are rare. A decoded picture takes up to 8 bytes a pixel.
_FREE_PIXELS, _PIXELS_PER_BYTE = 20_000_000, 8
# Of a video several frames are under way at a time. 4K is free; 8K takes some megabytes a second.
_FREE_FRAME_PIXELS, _FRAME_PIXELS_PER_BYTE = 9_000_000, 2
_MEGABYTE: Final = 1_000_000


def max_pixels(file_bytes: int) -> int:
    """Pixels that a picture file of this size may have."""
    return min(MAX_PIXELS, _FREE_PIXELS + _PIXELS_PER_BYTE * file_bytes)


def max_frame_pixels(file_bytes: int) -> int:
    """Pixels that each frame of a video or animation of this size may have."""
    return min(MAX_FRAME_PIXELS, _FREE_FRAME_PIXELS + _FRAME_PIXELS_PER_BYTE * file_bytes)


def check_picture(name: object, width: int, height: int, file_bytes: int) -> None:
    """Checks the size of a picture before it is decoded.

    Args:
        name: of the file, for the message.
        width: pixels, as the header says.
        height: pixels.
        file_bytes: size of the file.

    Raises:
        DanceNowError: no size, or a larger one than a file of this size may have.
    """
    _check_pixels(name, width, height, max_pixels(file_bytes), file_bytes)


def check_frame(name: object, width: int, height: int, file_bytes: int) -> None:
    """Checks the size of a frame of a video or animation; arguments and errors as for ``check_picture``.

    To be called for each frame, since sizes may change within a file.
    """
    _check_pixels(name, width, height, max_frame_pixels(file_bytes), file_bytes)


def _check_pixels(name: object, width: int, height: int, limit: int, file_bytes: int) -> None:
    if width < 1 or height < 1:
        raise DanceNowError(f"{name} is damaged: its header says {width}x{height} pixels.")
    if width * height > limit or max(width, height) > MAX_SIDE:
        raise DanceNowError(
            f"{name} says it has {width}x{height} pixels, too many for its {_size(file_bytes)} (at most "
            f"{limit // _MEGABYTE} megapixels, {MAX_SIDE} a side). Scale it down."
        )


def read_bounded(path: Path, limit: int) -> bytes:
    """Reads a whole file if it is small enough.

    Raises:
        DanceNowError: missing, not a regular file, unreadable, or larger than ``limit`` bytes.
    """
    try:
        if not path.is_file():  # pipes and devices never end
            reason = "is not a file" if path.exists() else "does not exist"
            raise DanceNowError(f"{path} {reason}.")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise DanceNowError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if len(data) > limit:
        raise DanceNowError(f"{path} is larger than {_size(limit)}.")
    return data


def parse_json(data: bytes, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Parses JSON from a stranger: bounded in bytes and in values, which take far more memory than text.

    Args:
        data: the document.
        max_bytes: another limit, for documents that hold long texts.

    Raises:
        ValueError: not JSON, nested too deeply, or too large.
    """
    if len(data) > max_bytes:
        raise ValueError(f"it is larger than {_size(max_bytes)}")
    # Commas within texts count as well; the limit is far from what files need.
    if sum(map(data.count, (b"[", b"{", b","))) > MAX_JSON_VALUES:
        raise ValueError(f"it holds more than {MAX_JSON_VALUES} values")
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


class MemoryBudget:
    """Bytes of memory that one untrusted file may take; its readers charge it before they allocate.

    The budget is 64 MB and 32 times the file's size, at most 1.5 GB.

    Attributes:
        limit: bytes.
        used: bytes charged so far.

    Example:
        >>> MemoryBudget("a.vrm", 1000).charge(10**9, "1000 morph targets")
        Traceback (most recent call last):
        ...
        dance_now.core.errors.DanceNowError: a.vrm: 1000 morph targets would need more than the 64 MB ...
    """

    FREE: Final = 64 * _MEGABYTE
    EXPANSION: Final = 32
    CAP: Final = 1500 * _MEGABYTE

    def __init__(self, name: str, file_bytes: int) -> None:
        """``name`` of the file for messages, and its size."""
        self._name = name
        self._file_bytes = file_bytes
        self.limit = min(self.CAP, self.FREE + self.EXPANSION * file_bytes)
        self.used = 0

    def charge(self, size: int, what: str) -> None:
        """Charges ``size`` bytes for ``what``.

        Raises:
            DanceNowError: the budget does not suffice.
        """
        self.used += size
        if self.used > self.limit:
            raise DanceNowError(
                f"{self._name}: {what} would need more than the {_size(self.limit)} of memory that a file of "
                f"{_size(self._file_bytes)} may take."
            )


def _size(size: int) -> str:
    """A number of bytes in words: ``61 bytes``, ``5 kB`` or ``583 MB``."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size // 1000} kB" if size < _MEGABYTE else f"{size // _MEGABYTE} MB"

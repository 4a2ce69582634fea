"""Image file reader: header, Exif orientation, bit depth and alpha, into upright RGB.

OpenCV applies the orientation tag only where it drops alpha and 16 bit, and decodes before the size can be
checked; so the header is read here. Sources: PNG 1.2 specification, JPEG/JFIF and Exif 2.3,
RFC 9649 (WebP), Windows bitmap headers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.image.heif import check_readable, heif_size, is_heif, read_heif

MAX_PIXELS = 100_000_000
IMAGE_EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".heic", ".heif"})
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_HEADER_BYTES = 4096  # bytes; encoders put the chunk that announces an animation at the beginning


@dataclass(frozen=True)
class ImageHeader:
    """Image size and orientation as stored in the header.

    Attributes:
        width: stored columns, before orientation.
        height: stored rows, before orientation.
        orientation: Exif orientation, 1 to 8.
    """

    width: int
    height: int
    orientation: int = 1

    @property
    def upright_size(self) -> tuple[int, int]:
        """Size (width, height) once the orientation is applied."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def is_still_image(path: Path) -> bool:
    """Detects PNG, JPEG, WebP, BMP and HEIC files by their first bytes; an animated PNG counts as video.

    Raises:
        DanceNowError: an unsupported photo: AVIF, or HEIC where its reader is missing.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if is_heif(head):
        check_readable(head, str(path))
        return True
    if head.startswith(_PNG):
        return not _is_animated_png(head)
    if head.startswith(_JPEG):
        return True
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return True
    return (
        head[:2] == b"BM" and len(head) >= 18 and struct.unpack_from("<I", head, 14)[0] in (12, 40, 108, 124)
    )


def read_header(data: bytes) -> ImageHeader:
    """Reads size and orientation without decoding.

    Raises:
        ValueError: no header of a known kind.
    """
    try:
        if data.startswith(_PNG):
            return _png_header(data)
        if data.startswith(_JPEG):
            return _jpeg_header(data)
        if data[:4] == b"RIFF":
            return _webp_header(data)
        if data[:2] == b"BM":
            return _bmp_header(data)
        if is_heif(data):
            return ImageHeader(*heif_size(data))
    except (struct.error, IndexError) as error:
        raise ValueError("the header is truncated") from error
    raise ValueError("not a PNG, JPEG, WebP, BMP or HEIC file")


def read_image(path: Path) -> Image:
    """Reads an image file into (H, W, 3) uint8 RGB, upright; alpha is composited over white.

    Raises:
        DanceNowError: not readable, damaged, or more than 100 megapixels.
    """
    data = _read_bytes(path)
    header = checked_header(path, data)
    if is_heif(data):
        return _read_heif_image(path, data)
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None:
        raise DanceNowError(f"{path} is damaged or not an image.")
    return _oriented(_to_rgb(stored), header.orientation)


def _read_heif_image(path: Path, data: bytes) -> Image:
    try:
        stored = read_heif(data)
    except ValueError as error:
        raise DanceNowError(f"{path} is damaged ({error}).") from error
    if stored.ndim == 2:
        return np.asarray(cv2.cvtColor(stored, cv2.COLOR_GRAY2RGB), np.uint8)
    return over_white(stored) if stored.shape[2] == 4 else stored


def checked_header(path: Path, data: bytes | None = None) -> ImageHeader:
    """Reads the header of an image file and checks its size against the limit.

    Raises:
        DanceNowError: as ``read_image``.
    """
    data = _read_bytes(path) if data is None else data
    if is_heif(data):
        check_readable(data, str(path))
    try:
        header = read_header(data)
    except ValueError as error:
        raise DanceNowError(f"{path} is damaged or not an image ({error}).") from error
    pixels = header.width * header.height
    if pixels > MAX_PIXELS:
        raise DanceNowError(
            f"{path} has {pixels / 1e6:.0f} megapixels; the limit is {MAX_PIXELS // 1_000_000}."
        )
    if pixels <= 0:
        raise DanceNowError(f"{path} is damaged: its header says {header.width}x{header.height} pixels.")
    return header


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DanceNowError(f"{path} cannot be read: {error.strerror}.") from error


def _to_rgb(stored: npt.NDArray[np.generic]) -> Image:
    if stored.dtype == np.uint16:
        levels: Image = ((stored.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif stored.dtype == np.uint8:
        levels = np.asarray(stored, np.uint8)
    else:
        peak = np.float32(255)
        levels = np.clip(np.nan_to_num(stored.astype(np.float32)) * peak, 0, peak).astype(np.uint8)
    if levels.ndim == 2:
        return np.asarray(cv2.cvtColor(levels, cv2.COLOR_GRAY2RGB), np.uint8)
    if levels.shape[2] == 3:
        return np.asarray(cv2.cvtColor(levels, cv2.COLOR_BGR2RGB), np.uint8)
    return over_white(np.asarray(cv2.cvtColor(levels, cv2.COLOR_BGRA2RGBA), np.uint8))


def over_white(rgba: Image) -> Image:
    """Composites a straight-alpha (H, W, 4) uint8 image over white: (H, W, 3) uint8."""
    color, alpha = rgba[..., :3], rgba[..., 3:]
    if alpha.min() == 255:
        return np.ascontiguousarray(color)
    weight = alpha.astype(np.uint16)
    return ((color * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)


def _oriented(image: Image, orientation: int) -> Image:
    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _is_animated_png(head: bytes) -> bool:
    """Detects an acTL chunk before the first IDAT (PNG 3rd edition)."""
    position = len(_PNG)
    while position + 8 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, position)
        if kind in (b"acTL", b"IDAT"):
            return bool(kind == b"acTL")
        position += length + 12
    return False


def _png_header(data: bytes) -> ImageHeader:
    width, height = struct.unpack_from(">II", data, 16)
    position = 8
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"eXIf":
            return ImageHeader(width, height, _exif_orientation(data[position + 8 : position + 8 + length]))
        position += length + 12
    return ImageHeader(width, height)


def _jpeg_header(data: bytes) -> ImageHeader:
    position, orientation = 2, 1
    while position < len(data):
        if data[position] != 0xFF:
            raise ValueError("a JPEG marker is missing")
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without content
            position += 2
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        if marker == 0xE1 and data[position + 4 : position + 10] == b"Exif\0\0":
            orientation = _exif_orientation(data[position + 10 : position + 2 + length])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, position + 5)
            return ImageHeader(width, height, orientation)
        position += 2 + max(length, 2)
    raise ValueError("no JPEG frame header")


def _webp_header(data: bytes) -> ImageHeader:
    kind, body = data[12:16], data[20:]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return ImageHeader(width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return ImageHeader((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)
    if kind != b"VP8X":
        raise ValueError("unknown WebP kind")
    width = 1 + int.from_bytes(body[4:7], "little")
    height = 1 + int.from_bytes(body[7:10], "little")
    position = 12
    while position + 8 <= len(data):
        chunk, length = struct.unpack_from("<4sI", data, position)
        if chunk == b"EXIF":
            return ImageHeader(width, height, _exif_orientation(data[position + 8 : position + 8 + length]))
        position += 8 + length + (length & 1)
    return ImageHeader(width, height)


def _bmp_header(data: bytes) -> ImageHeader:
    (header_size,) = struct.unpack_from("<I", data, 14)
    if header_size == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return ImageHeader(abs(width), abs(height))


def _exif_orientation(exif: bytes) -> int:
    """Exif orientation (tag 0x0112) of a TIFF block; 1 where it is absent or invalid."""
    if exif[:6] == b"Exif\0\0":
        exif = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(count):
            tag, _, _, value = struct.unpack_from(order + "HHIH", exif, start + 2 + 12 * entry)
            if tag == 0x0112:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1

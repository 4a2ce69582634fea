"""Image sinks: one image file, or a folder of numbered or named png files."""

from __future__ import annotations

import re
from pathlib import Path

import cv2

from dance_now.core.arrays import Image
from dance_now.core.atomic_write import check_replaceable
from dance_now.core.errors import DanceNowError
from dance_now.media.sink import FileSink

_LOSSLESS_WEBP = 101  # OpenCV: any quality above 100
_ENCODER_OPTIONS: dict[str, list[int]] = {
    # Half the time of the default strategy for the same size.
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 4, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 95],
    ".jpg": [
        cv2.IMWRITE_JPEG_QUALITY,
        95,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ],
}
_ENCODER_OPTIONS[".jpeg"] = _ENCODER_OPTIONS[".jpg"]
_NUMBERED = re.compile(r"[0-9]{6,}\.png")
_MAX_SIDES = {".webp": 16383, ".jpg": 65500, ".jpeg": 65500}  # pixels


def encode_image(image: Image, extension: str) -> bytes:
    """Encodes (H, W, 3) or (H, W, 4) uint8 RGB(A) as png, webp or jpg.

    Raises:
        DanceNowError: the image is too large for the format (WebP: 16383 pixels a side).
    """
    options = _ENCODER_OPTIONS[extension]
    if extension == ".webp" and image.shape[2] == 4:
        options = [cv2.IMWRITE_WEBP_QUALITY, _LOSSLESS_WEBP]  # lossy WebP smears color along alpha edges
    order = cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    try:
        done, data = cv2.imencode(extension, cv2.cvtColor(image, order), options)
    except cv2.error as error:
        raise DanceNowError(_refusal(image.shape[1], image.shape[0], extension)) from error
    if not done:
        raise DanceNowError(_refusal(image.shape[1], image.shape[0], extension))
    return data.tobytes()


def check_image_size(extension: str, width: int, height: int) -> None:
    """Checks that a format can hold an image of that size.

    Raises:
        DanceNowError: it cannot.
    """
    if max(width, height) > _MAX_SIDES.get(extension, max(width, height)):
        raise DanceNowError(_refusal(width, height, extension))


def _refusal(width: int, height: int, extension: str) -> str:
    return f"an image of {width}x{height} pixels cannot be written as {extension}. Use .png."


class PhotoSink(FileSink):
    """Writes one image file."""

    def _write(self, image: Image, time: float, name: str) -> None:
        if self.written:
            raise DanceNowError(f"{self.path} holds one image only. Use a video or a folder.")
        self._part.write_bytes(encode_image(image, self.path.suffix.lower()))

    def _finish(self) -> None:
        self._output.commit()


def is_numbered(name: str) -> bool:
    """Whether a file of this name is one of ``FolderSink``'s frames."""
    return _NUMBERED.fullmatch(name) is not None


class FolderSink(FileSink):
    """Writes a folder with NAME.png, or 000000.png, 000001.png, ... ; the images may differ in size.

    Numbered images replace an existing folder as a whole, which may hold nothing else; named ones are added
    to what it holds.
    """

    is_folder = True

    def __init__(self, path: Path, alpha: bool) -> None:
        """``alpha`` says whether transparency is to be kept."""
        super().__init__(path, alpha)
        self._numbered = False

    def _write(self, image: Image, time: float, name: str) -> None:
        self._numbered |= not name
        (self._part / f"{name or format(self.written, '06d')}.png").write_bytes(encode_image(image, ".png"))

    def _finish(self) -> None:
        if not self._numbered:
            self._output.merge()
            return
        check_replaceable(self.path, is_numbered)
        self._output.commit()

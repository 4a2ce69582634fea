"""Contact sheet: twelve frames of an output in one image."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.core.atomic_write import check_target, write_file
from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import over_white
from dance_now.media.image.photo_sink import encode_image
from dance_now.media.raw_sink import STANDARD_OUTPUT
from dance_now.media.source import Source

_MAX_FRAMES: Final = 12
_COLUMNS: Final = 4
_SIDE: Final = 360  # pixels of a thumbnail's longer side
_GAP: Final = 4


class ContactSheet:
    """Collects evenly spaced frames of a clip of unknown length, in bounded memory.

    Attributes:
        path: ``OUTPUT_preview.jpg`` beside the output.
    """

    def __init__(self, output: Path, source: Source, overwrite: bool) -> None:
        """Checks that the sheet can be written.

        Args:
            output: the file that the sheet shows.
            source: the output's source.
            overwrite: replace an earlier sheet.

        Raises:
            DanceNowError: the folder does not exist, or the sheet already exists.
        """
        if output == STANDARD_OUTPUT:
            raise DanceNowError(
                "preview needs an output file or folder, not standard output. Choose another output."
            )
        self.path = output.with_name(f"{output.stem}_preview.jpg")
        check_target(self.path, source.files, overwrite)
        self._overwrite = overwrite
        self._frames: list[Image] = []
        self._seen = 0
        self._step = 1

    def add(self, image: Image) -> None:
        """Adds the next frame: (H, W, 3) or (H, W, 4) uint8 RGB(A), straight alpha."""
        if self._seen % self._step == 0:
            self._frames.append(thumbnail(image))
            if len(self._frames) > 2 * _MAX_FRAMES:
                del self._frames[1::2]
                self._step *= 2
        self._seen += 1

    def write(self) -> Path:
        """Writes the sheet atomically.

        Raises:
            DanceNowError: it cannot be written.
        """
        places = np.linspace(0, len(self._frames) - 1, min(_MAX_FRAMES, len(self._frames))).round()
        chosen = [self._frames[int(place)] for place in places]
        write_file(self.path, encode_image(tile_frames(chosen), ".jpg"), self._overwrite)
        return self.path


def thumbnail(image: Image) -> Image:
    """A frame, RGB or RGBA, scaled down to 360 pixels; over white."""
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return over_white(small) if small.shape[2] == 4 else small


def tile_frames(frames: list[Image], columns: int = _COLUMNS) -> Image:
    """Tiles frames row by row on white, each centred in its cell."""
    columns = min(columns, len(frames))
    rows = -(-len(frames) // columns)
    tall = max(frame.shape[0] for frame in frames) + _GAP
    wide = max(frame.shape[1] for frame in frames) + _GAP
    sheet = np.full((rows * tall + _GAP, columns * wide + _GAP, 3), 255, np.uint8)
    for place, frame in enumerate(frames):
        height, width = frame.shape[:2]
        top = _GAP + place // columns * tall + (tall - _GAP - height) // 2
        left = _GAP + place % columns * wide + (wide - _GAP - width) // 2
        sheet[top : top + height, left : left + width] = frame
    return sheet

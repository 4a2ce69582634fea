"""A dozen moments of an output in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.core.atomic_write import check_target, write_file
from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import over_white
from dance_now.media.image.photo_sink import encode_picture
from dance_now.media.raw_sink import STANDARD_OUTPUT
from dance_now.media.source import Source

_MOMENTS: Final = 12
_COLUMNS: Final = 4
_SIDE: Final = 360  # pixels of a moment's longer side
_GAP: Final = 4


class ContactSheet:
    """Collects evenly spaced moments of a clip, however long it turns out to be, in bounded memory.

    Attributes:
        path: ``OUTPUT_preview.jpg`` beside the output.
    """

    def __init__(self, output: Path, source: Source, overwrite: bool) -> None:
        """Checks that the sheet can be written.

        Args:
            output: what it shows.
            source: what the output is made from.
            overwrite: replace an earlier sheet.

        Raises:
            DanceNowError: there is no such place, or something is there already.
        """
        if output == STANDARD_OUTPUT:
            raise DanceNowError("--preview needs an output with a name: give one with -o.")
        self.path = output.with_name(f"{output.stem}_preview.jpg")
        check_target(self.path, source.files, overwrite)
        self._overwrite = overwrite
        self._moments: list[Image] = []
        self._seen = 0
        self._step = 1

    def add(self, image: Image) -> None:
        """Shows it the next picture: (H, W, 3) or (H, W, 4) uint8 RGB(A), straight alpha."""
        if self._seen % self._step == 0:
            self._moments.append(_small(image))
            if len(self._moments) > 2 * _MOMENTS:
                del self._moments[1::2]
                self._step *= 2
        self._seen += 1

    def write(self) -> Path:
        """Writes the sheet, whole or not at all.

        Raises:
            DanceNowError: it cannot be written.
        """
        places = np.linspace(0, len(self._moments) - 1, min(_MOMENTS, len(self._moments))).round()
        chosen = [self._moments[int(place)] for place in places]
        write_file(self.path, encode_picture(_arranged(chosen), ".jpg"), self._overwrite)
        return self.path


def _small(image: Image) -> Image:
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return over_white(small) if small.shape[2] == 4 else small


def _arranged(moments: list[Image]) -> Image:
    """Row by row on white, each in the middle of its cell."""
    columns = min(_COLUMNS, len(moments))
    rows = -(-len(moments) // columns)
    tall = max(moment.shape[0] for moment in moments) + _GAP
    wide = max(moment.shape[1] for moment in moments) + _GAP
    sheet = np.full((rows * tall + _GAP, columns * wide + _GAP, 3), 255, np.uint8)
    for place, moment in enumerate(moments):
        height, width = moment.shape[:2]
        top = _GAP + place // columns * tall + (tall - _GAP - height) // 2
        left = _GAP + place % columns * wide + (wide - _GAP - width) // 2
        sheet[top : top + height, left : left + width] = moment
    return sheet

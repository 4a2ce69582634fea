"""Raw RGBA video on standard output, for pipes."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.sink import Sink
from dance_now.media.source import Source

STANDARD_OUTPUT: Final = Path("-")

_logger = logging.getLogger(__name__)


class RawSink(Sink):
    """Writes frames to standard output as straight RGBA, 8 bit, without a header.

    Size and rate are logged, since raw video does not carry them. Time stamps and audio are lost.
    """

    def __init__(self, source: Source) -> None:
        """Takes the rate from ``source``.

        Raises:
            DanceNowError: standard output is a terminal.
        """
        super().__init__(STANDARD_OUTPUT, alpha=True)
        self.name = "standard output"
        if sys.stdout.isatty():
            raise DanceNowError("raw video cannot be written to a terminal. Use a pipe or a file.")
        sys.stdout.flush()
        # Past Python's own buffer: what a reader that has gone leaves there would complain at exit.
        self._stream = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
        self._rate = source.frame_rate

    def _write(self, image: Image, time: float, name: str) -> None:
        self._check_size(image)
        if not self.written:
            _logger.info(
                "raw video, read by ffmpeg -f rawvideo -pixel_format rgba -video_size %dx%d -framerate %s",
                image.shape[1],
                image.shape[0],
                self._rate,
            )
        rgba = image if image.shape[2] == 4 else cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)
        left = np.ascontiguousarray(rgba).data.cast("B")
        while left:
            left = left[self._stream.write(left) :]

    def _finish(self) -> None:
        """Does nothing: every frame is complete once written."""

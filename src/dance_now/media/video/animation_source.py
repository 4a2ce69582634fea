"""Source of animated WebP and AVIF files, by Pillow (FFmpeg reads only still ones of the former)."""

from __future__ import annotations

import logging
import math
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from typing import Final

from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.image.image_file import open_image, over_white, to_pixels
from dance_now.media.source import DEFAULT_FRAME_RATE, Source, is_plausible_frame_rate

_NO_DURATION: Final = 100  # milliseconds that browsers show a frame whose duration is 0

_logger = logging.getLogger(__name__)


class AnimationSource(Source):
    """Decodes an animation, composited over white, one frame at a time."""

    kind = "video"
    time_base = Fraction(1, 1000)

    def __init__(self, path: Path, start: float | None = None, end: float | None = None) -> None:
        """Decodes the first frame, whose duration stands for all; ``start`` and ``end`` in seconds.

        Raises:
            DanceNowError: damaged, or too large.
        """
        self.path = path
        self._start, self._end = 1000 * (start or 0.0), 1000 * (math.inf if end is None else end)
        with open_image(path) as picture:
            self.size = picture.size
            count = int(getattr(picture, "n_frames", 1))
            picture.load()
            step = _duration(picture.info)
        rate = Fraction(1000, step)
        self.frame_rate = rate if is_plausible_frame_rate(rate) else DEFAULT_FRAME_RATE
        self.frame_count = max(1, round((min(self._end, count * step) - self._start) / step))

    def frames(self) -> Generator[Frame]:
        """Decodes the frames of the cut; at a damaged one the animation ends, and the rest counts as skipped.

        Raises:
            DanceNowError: no frame of the cut could be read.
        """
        self.skipped = 0
        index, time = 0, 0
        with open_image(self.path) as picture:
            count = int(getattr(picture, "n_frames", 1))
            for place in range(count):
                try:
                    picture.seek(place)
                    pixels = to_pixels(picture)
                except Exception as error:  # decoders raise nearly anything on damaged files
                    self.skipped = count - place
                    _logger.warning(
                        "%s: skipped %d damaged frames (%s)", self.path.name, count - place, error
                    )
                    break
                if time >= self._end:
                    break
                if time >= self._start and pixels.shape[1::-1] == self.size:
                    yield Frame(over_white(pixels), (time - self._start) / 1000, index)
                    index += 1
                time += _duration(picture.info)
        if index == 0:
            raise DanceNowError(f"no frame of {self.path} could be read between start and end.")


def _duration(info: dict[str | tuple[int, int], object]) -> int:
    """Milliseconds of the frame that was decoded last."""
    value = info.get("duration")
    return round(value) if isinstance(value, int | float) and 0.5 <= value < 2**31 else _NO_DURATION

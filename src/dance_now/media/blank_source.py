"""A source without pictures: white frames for keypoints that come alone."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.image.image_file import MAX_PIXELS
from dance_now.media.source import DEFAULT_FRAME_RATE, Source, frame_at


class BlankSource(Source):
    """White pictures at a steady rate, named after the files that say what is to be drawn on them."""

    def __init__(
        self,
        path: Path,
        name: str,
        size: tuple[int, int],
        frames: int | None,
        frame_rate: Fraction | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> None:
        """Describes a clip, or a photo where ``frames`` is None.

        Args:
            path: the file or folder that it stands for; no output may overwrite it.
            name: what outputs are named after.
            size: (width, height) in pixels.
            frames: how many in all.
            frame_rate: pictures per second; 30 by default.
            start: seconds into the clip.
            end: seconds into the clip.

        Raises:
            DanceNowError: an impossible size, rate or cut.
        """
        if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
            raise DanceNowError(
                f"pictures of {size[0]}x{size[1]} pixels cannot be made. Choose another --size."
            )
        self.kind = "photo" if frames is None else "video"
        self.path = path
        self.size = size
        self.frame_rate = frame_rate or DEFAULT_FRAME_RATE
        self.time_base = 1 / self.frame_rate
        last = frames or 1 if end is None else min(frames or 1, frame_at(end, self.frame_rate))
        self._count = last - frame_at(start or 0.0, self.frame_rate)
        if self._count < 1:
            raise DanceNowError(f"--start and --end leave none of the {frames or 1} frames in {path}.")
        self.frame_count = self._count
        self._name = name

    @property
    def name(self) -> str:
        """What outputs are named after."""
        return self._name

    def frames(self) -> Generator[Frame]:
        """White pictures that share one read-only array."""
        image = np.full((self.size[1], self.size[0], 3), 255, np.uint8)
        image.setflags(write=False)
        for index in range(self._count):
            yield Frame(image, float(index / self.frame_rate), index)

"""Source of white frames, for keypoint files without images."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MAX_PIXELS
from dance_now.media.frame import Frame
from dance_now.media.source import DEFAULT_FRAME_RATE, Source, frame_at


class BlankSource(Source):
    """Generates white frames at a constant rate, named after the keypoint files drawn on them."""

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
            path: the keypoint file or folder; no output may overwrite it.
            name: base name of outputs.
            size: (width, height) in pixels.
            frames: how many in all.
            frame_rate: frames per second; 30 by default.
            start: start of the cut, seconds.
            end: end of the cut, seconds.

        Raises:
            DanceNowError: an invalid size, rate or cut.
        """
        if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
            raise DanceNowError(
                f"size must be at least 1x1 and at most {MAX_PIXELS // 1_000_000} megapixels, "
                f"got {size[0]}x{size[1]}."
            )
        self.kind = "photo" if frames is None else "video"
        self.path = path
        self.size = size
        self.frame_rate = frame_rate or DEFAULT_FRAME_RATE
        self.time_base = 1 / self.frame_rate
        last = frames or 1 if end is None else min(frames or 1, frame_at(end, self.frame_rate))
        self._count = last - frame_at(start or 0.0, self.frame_rate)
        if self._count < 1:
            raise DanceNowError(f"start and end leave none of the {frames or 1} frames in {path}.")
        self.frame_count = self._count
        self._name = name

    @property
    def name(self) -> str:
        """Base name of outputs."""
        return self._name

    def frames(self) -> Generator[Frame]:
        """Yields white frames that share one read-only array."""
        image = np.full((self.size[1], self.size[0], 3), 255, np.uint8)
        image.setflags(write=False)
        for index in range(self._count):
            yield Frame(image, float(index / self.frame_rate), index)

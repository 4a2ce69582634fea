"""Frames of real clips, for tests that need a real person."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from dance_now.core.arrays import Image


def frames(path: Path, start: int, count: int) -> Iterator[Image]:
    """``count`` frames from number ``start`` on, (H, W, 3) uint8 RGB."""
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index >= start + count:
                return
            if index >= start:
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)

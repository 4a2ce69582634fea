"""One picture of a source with its place in time."""

from dataclasses import dataclass

from dance_now.core.arrays import Image


@dataclass(frozen=True, eq=False)
class Frame:
    """A decoded picture.

    Attributes:
        image: (H, W, 3) uint8 RGB, upright (rotation already applied).
        time: seconds since the start of the source.
        index: 0, 1, 2, ... in decoding order; a damaged picture of a folder leaves a gap.
        name: what its own output is called after; empty where it is one of many of a clip.
    """

    image: Image
    time: float
    index: int
    name: str = ""

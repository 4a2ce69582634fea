"""Frame: a decoded image of a source with its time stamp."""

from dataclasses import dataclass

from dance_now.core.arrays import Image


@dataclass(frozen=True, eq=False)
class Frame:
    """Decoded frame.

    Attributes:
        image: (H, W, 3) uint8 RGB, upright (rotation already applied).
        time: seconds since the start of the source.
        index: 0, 1, 2, ... in decoding order; a damaged image of a folder leaves a gap.
        name: base name of its own output file; empty for the frames of a clip.
    """

    image: Image
    time: float
    index: int
    name: str = ""

"""Frame: a decoded image of a source with its time stamp."""

import math
from dataclasses import dataclass

import numpy as np

from dance_now.core.argument_checks import check_number, check_type
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError


@dataclass(frozen=True, eq=False, repr=False)
class Frame:
    """Decoded frame.

    Attributes:
        image: (H, W, 3) uint8 RGB, upright (rotation already applied).
        time: seconds since the start of the source.
        index: 0, 1, 2, ... in decoding order; a damaged image of a folder leaves a gap.
        name: base name of its own output file; empty for the frames of a clip.
        alpha: (H, W) uint8, where the source is an image with transparency; ``image`` is then over white.

    Raises:
        DanceNowError: an image or alpha of another shape or dtype, or a negative index.
        TypeError: something else than an array, numbers and a name.

    Example:
        >>> Frame(np.zeros((720, 1280, 3), np.uint8), time=0.04, index=1)
        Frame(1280x720 at 0.04 s)
    """

    image: Image
    time: float
    index: int
    name: str = ""
    alpha: Image | None = None

    def __post_init__(self) -> None:
        check_type("image", self.image, np.ndarray, "a numpy array")
        shape = self.image.shape
        if len(shape) != 3 or shape[2] != 3 or 0 in shape or self.image.dtype != np.uint8:
            raise DanceNowError(
                f"image must be (H, W, 3) uint8 RGB, got {shape} {self.image.dtype}.", option="image"
            )
        check_number("time", self.time, -math.inf)
        check_type("index", self.index, (int, np.integer), "an int")
        check_number("index", self.index, 0)
        check_type("name", self.name, str, "a str")
        if self.alpha is not None:
            check_type("alpha", self.alpha, np.ndarray, "a numpy array")
            if self.alpha.shape != shape[:2] or self.alpha.dtype != np.uint8:
                raise DanceNowError(
                    f"alpha must be {shape[:2]} uint8, got {self.alpha.shape} {self.alpha.dtype}.",
                    option="alpha",
                )

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        return f"Frame({width}x{height} at {self.time:g} s)"

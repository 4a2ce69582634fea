"""One picture of a source with its place in time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Frame:
    """A decoded picture.

    Attributes:
        image: (H, W, 3) uint8 RGB, upright (rotation already applied).
        time: seconds since the start of the source.
        index: 0, 1, 2, ... in decoding order.
    """

    image: Image
    time: float
    index: int

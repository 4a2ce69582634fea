"""NumPy array type aliases shared by all packages."""

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""(H, W, 3) RGB or (H, W, 4) RGBA with straight alpha."""

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

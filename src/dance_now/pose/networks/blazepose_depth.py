"""Depth calibration of BlazePose: scale factors of the network's exaggerated depth for each body part.

Measured on a man filmed by two cameras at the same time: triangulated depth against the network's. The
network exaggerates hips and shoulders five and four times, shins, which also seem to lie farther
away the more the camera looks down, three and a half times, everything else a little more than twice.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.keypoints import LEFT_HAND, RIGHT_HAND

# Parent point, its child points, and the true share of the depth between them; from the hips outwards.
DEPTH_SCALES: Final = (
    (8, (9, 12), 0.2),
    (8, (1,), 0.4),
    (1, (2, 5), 0.25),
    (1, (0, 15, 16, 17, 18), 0.4),
    (2, (3,), 0.45),
    (5, (6,), 0.45),
    (3, (4,), 0.45),
    (6, (7,), 0.45),
    (9, (10,), 0.43),
    (12, (13,), 0.43),
    (10, (11,), 0.29),
    (13, (14,), 0.29),
    (11, (22, 23, 24), 0.43),
    (14, (19, 20, 21), 0.43),
    (4, tuple(range(RIGHT_HAND.start, RIGHT_HAND.stop)), 0.45),
    (7, tuple(range(LEFT_HAND.start, LEFT_HAND.stop)), 0.45),
)


def rescale_depth(depth: FloatArray) -> FloatArray:
    """Rescales the network's depth (137,) to approximate pixels, along the kinematic tree."""
    result = depth.copy()
    for parent, rows, share in DEPTH_SCALES:
        result[list(rows)] = result[parent] + np.float32(share) * (depth[list(rows)] - depth[parent])
    return result

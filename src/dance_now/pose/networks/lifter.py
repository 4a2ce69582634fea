"""2D-to-3D lifting network: depth for poses from estimators without any.

It estimates each joint's depth behind the hips from one 2D pose. The result is treated as any
estimator's depth: ``pose/retarget/limb_depth.py`` bounds it by the limbs' lengths and filters its signs.

Source: Martinez et al., "A simple yet effective baseline for 3d human pose estimation", ICCV 2017 (the
network); it is trained by ``scripts/lifter.py``.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from dance_now.pose.model.keypoints import BODY, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose

if TYPE_CHECKING:
    import onnxruntime

NETWORK: Final = Path(__file__).with_name("lifter.onnx")
# the body, and of each hand the first knuckles of index and little finger
LIFTED: Final = (
    *range(BODY.start, BODY.stop),
    *(hand.start + knuckle for hand in (LEFT_HAND, RIGHT_HAND) for knuckle in (5, 17)),
)
_WRISTS: Final = ((LEFT_HAND.start, 7), (RIGHT_HAND.start, 4))
_SEEN: Final = 0.05  # confidence
_MIN_POINTS: Final = 5  # fewer do not determine a body

_logger = logging.getLogger(__name__)


class Lifter:
    """Lifts 2D poses to 3D.

    Example:
        >>> lift = open_lifter()
        >>> lift is None or lift(Pose.empty()).has_depth.any()
        False
    """

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        """Takes a session whose graph maps (B, 29, 3) points to (B, 29) depths, see ``__call__``."""
        self._session = session

    def __call__(self, pose: Pose) -> Pose:
        """Adds depth to the body and knuckles of a pose; a pose with too few points is returned unchanged."""
        rows = pose.points[list(LIFTED)]
        seen = rows[:, 2] > _SEEN
        if seen.sum() < _MIN_POINTS:
            return pose
        points = np.column_stack([rows[:, :2], seen]).astype(np.float32)
        (found,) = self._session.run(None, {"points": points[None]})
        depth, has_depth = np.zeros_like(pose.depth), np.zeros_like(pose.has_depth)
        depth[list(LIFTED)], has_depth[list(LIFTED)] = found[0], seen
        for hand, wrist in _WRISTS:
            depth[hand], has_depth[hand] = depth[wrist], has_depth[wrist]
        return Pose(pose.points, depth, has_depth)


def open_lifter(network: Path = NETWORK) -> Lifter | None:
    """Loads the built-in lifter; None in an install without onnxruntime, which does not draw characters."""
    try:
        import onnxruntime
    except ImportError:
        _logger.info("without onnxruntime, limbs get their depth from their lengths alone")
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return Lifter(onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"]))

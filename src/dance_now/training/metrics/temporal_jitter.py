"""How much a drawn picture trembles when the keypoints of a still pose do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.pose import Pose
from dance_now.training.metrics.image_metrics import over_grey

NOISE: Final = 0.5  # px of the canvas, standard deviation of each coordinate
_TREMBLES = 2  # of each pose
_SEED = 0


def jitter(draw: Callable[[Pose], Image], labels: FloatArray) -> float:
    """The distance by which lines and edges of the drawing move, in px (rms an axis).

    Each pose is drawn still, and with independent noise of ``NOISE`` px on x, y and depth of every keypoint.
    How far a picture moved follows from how much it changed: a small move (dx, dy) changes it by its gradient
    times the move (Horn and Schunck, "Determining optical flow", 1981), so that the rms move is the root of
    the changes' energy over the gradients' energy. A drawing that averages its keypoints' noise stays below
    ``NOISE``, one that amplifies it lies above. Changes that are no move, as of flickering colors, count as
    the move that would do as much.

    Args:
        draw: from a pose to RGBA (H, W, 4).
        labels: (n, 137, 4) x, y, depth, confidence of poses, in px of the canvas.
    """
    generator = np.random.default_rng(_SEED)
    change = slope = 0.0
    for label in labels:
        still = over_grey(draw(pose_of(label)))[..., :3]
        slope += _TREMBLES * float(
            np.square(np.diff(still, axis=0)).sum() + np.square(np.diff(still, axis=1)).sum()
        )
        for _ in range(_TREMBLES):
            moved = label.copy()
            moved[:, :3] += generator.normal(0, NOISE, (len(label), 3))
            change += float(np.square(over_grey(draw(pose_of(moved)))[..., :3] - still).sum())
    return float(np.sqrt(change / slope)) if slope > 0 else 0.0


def pose_of(label: FloatArray) -> Pose:
    """A label (137, 4) x, y, depth, confidence as a pose."""
    return Pose(label[:, [0, 1, 3]], label[:, 2], label[:, 3] > 0)

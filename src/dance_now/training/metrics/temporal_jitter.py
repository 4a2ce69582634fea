"""Temporal jitter: motion of a rendering's edges under keypoint noise on a still pose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.pose import Pose
from dance_now.training.metrics.image_metrics import over_grey

NOISE: Final = 0.5  # px of the canvas, standard deviation of each coordinate
_TREMBLES = 2  # noisy renderings per pose
_SEED = 0


def jitter(draw: Callable[[Pose], Image], labels: FloatArray) -> float:
    """Jitter in px (rms per axis): displacement of edges under keypoint noise.

    Each pose is rendered as it is, and with independent noise of ``NOISE`` px on x, y and depth of every
    keypoint. Displacement is estimated from the change of intensity: a small displacement (dx, dy) changes an
    image by its gradient times the displacement (Horn and Schunck, "Determining optical flow", 1981), so that
    the rms displacement is the root of the changes' energy over the gradients' energy. A renderer that
    averages the noise stays below ``NOISE``, one that amplifies it is above. Other changes, as flickering
    colors, count as the displacement that has the same energy.

    Args:
        draw: renders a pose to RGBA (H, W, 4).
        labels: (n, 137, 4) x, y, depth, confidence of poses, in px of the canvas.
    """
    generator = np.random.default_rng(_SEED)
    change = slope = 0.0
    for label in labels:
        still = over_grey(draw(pose_from_label(label)))[..., :3]
        slope += _TREMBLES * float(
            np.square(np.diff(still, axis=0)).sum() + np.square(np.diff(still, axis=1)).sum()
        )
        for _ in range(_TREMBLES):
            moved = label.copy()
            moved[:, :3] += generator.normal(0, NOISE, (len(label), 3))
            change += float(np.square(over_grey(draw(pose_from_label(moved)))[..., :3] - still).sum())
    return float(np.sqrt(change / slope)) if slope > 0 else 0.0


def pose_from_label(label: FloatArray) -> Pose:
    """Converts a label (137, 4) x, y, depth, confidence to a pose."""
    return Pose(label[:, [0, 1, 3]], label[:, 2], label[:, 3] > 0)

"""The square of a picture that a character is drawn in."""

from __future__ import annotations

from typing import Final

import numpy as np

from dance_now.pose.pose import Pose
from dance_now.pose.skeleton import Skeleton

_SIDE: Final = 1.25  # of the character's height
_MARGIN: Final = 0.04  # of the character's height, around its outline
_BOUNDS_MARGIN: Final = 1.02


def canvas_window(
    pose: Pose, skeleton: Skeleton, scale: float, size: int = 512
) -> tuple[float, tuple[float, float]]:
    """The map from a picture to the canvas in which a retargeted character fits.

    The side of the square depends on the scale alone, so that a canvas pixel keeps its size from frame to
    frame; only a figure too wide or tall for it (arms and legs stretched) makes it grow. Its centre follows
    the figure.

    Args:
        pose: the character's own complete pose in pixels of the picture.
        skeleton: the character's body.
        scale: pixels of the picture per metre of the character.
        size: side of the canvas in pixels.

    Returns:
        ``(canvas_scale, (x, y))`` such that ``canvas = canvas_scale * picture + (x, y)``; the arguments of
        ``Pose.transformed``.

    Raises:
        ValueError: a pose without points, or a scale that is not positive.
    """
    shown = pose.visible
    if not (scale > 0 and shown.any()):
        raise ValueError("a window needs a pose with points and a scale above 0")
    low, high = _outline(pose, skeleton, scale)
    height = skeleton.height * scale
    side = max(_SIDE * height, float((high - low).max()) + 2 * _MARGIN * height)
    canvas_scale = size / side
    corner = (low + high) / 2 - side / 2
    return canvas_scale, (float(-corner[0] * canvas_scale), float(-corner[1] * canvas_scale))


def _outline(pose: Pose, skeleton: Skeleton, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of keypoints and of a head with its hair, pixels."""
    points = pose.points[pose.visible, :2].astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    if pose.visible[[17, 18]].all() and skeleton.known[[17, 18]].all():
        ears = pose.points[[17, 18], :2].astype(np.float64).mean(axis=0)
        rest = skeleton.rest[[17, 18]].mean(axis=0)
        # hair may swing anywhere: a ball around the ears that holds the head's top and its half width
        crown = float(skeleton.bounds[1, 1] - rest[1])
        reach = max(crown, 0.0) * scale * _BOUNDS_MARGIN
        low, high = np.minimum(low, ears - reach), np.maximum(high, ears + reach)
    return low, high

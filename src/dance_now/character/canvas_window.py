"""Crop windows: the squares of a frame that a character's canvas fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton

_EARS: Final = [17, 18]
_SIDE: Final = 1.25  # of the character's height
_MARGIN: Final = 0.04  # of the character's height, around its outline
_BOUNDS_MARGIN: Final = 1.02
_ROOM: Final = 1.15  # of the visible part of a figure: about as much as whole figures have
_MAX_ZOOM: Final = 3.0  # characters are trained up to this many times as large as a whole body
_HEAD: Final = 2.6  # of the distance from between the ears to the crown: a head and its neck
_MAX_HEAD_SHARE: Final = 0.8  # of the whole's side: a larger head window adds no detail
_CANVAS: Final = 512  # pixels
_STEP: Final = 16  # pixels: sides are multiples of it, so that blocks of the canvas are whole pixels


@dataclass(frozen=True)
class Window:
    """Square of whole pixels of a frame, which the canvas fills.

    Because it starts and ends between pixels, a canvas is only resized on its way into the frame
    and never shifted by a fraction of a pixel: the network draws what lies between.

    Attributes:
        left: first column; may be negative.
        top: first row; may be negative.
        side: pixels.
    """

    left: int
    top: int
    side: int

    def to_canvas(self, pose: Pose, size: int = _CANVAS) -> Pose:
        """Transforms a pose from frame pixels to the pixels of a ``size`` x ``size`` canvas."""
        scale = size / self.side
        return pose.transformed(scale, (-self.left * scale, -self.top * scale))


def canvas_window(
    pose: Pose, skeleton: Skeleton, scale: float, frame_size: tuple[int, int] | None = None
) -> Window:
    """Crop window of a frame in which a retargeted character fits.

    Its side depends on the scale alone, so that a canvas pixel keeps its size from frame to frame; only a
    figure too wide or tall for it (arms and legs stretched) makes it grow. Its centre follows the figure.
    Where the frame shows only a part of a figure larger than the canvas, the window closes in on that part:
    a face in close-up is drawn as finely as a whole body.

    Args:
        pose: the character's own complete pose in pixels of the frame.
        skeleton: the character's body.
        scale: pixels of the frame per metre of the character.
        frame_size: width and height of the frame, where only what lies inside matters.

    Raises:
        ValueError: a pose without points, or a scale that is not positive.
    """
    shown = pose.visible
    if not (scale > 0 and shown.any()):
        raise ValueError("a window needs a pose with points and a scale above 0")
    height = skeleton.height * scale
    low, high = _outline(pose, skeleton, scale)
    side = max(_SIDE * height, float((high - low).max()) + 2 * _MARGIN * height)
    if frame_size is not None:
        seen_low = np.clip(low - _MARGIN * height, 0, frame_size)
        seen_high = np.clip(high + _MARGIN * height, 0, frame_size)
        extent = _ROOM * float((seen_high - seen_low).max())
        is_cropped = (seen_low == 0).any() or (seen_high == frame_size).any()
        if is_cropped and 0 < extent < side:
            low, high = seen_low, seen_high
            side = max(extent, side / _MAX_ZOOM, min(side, _CANVAS))
    side = _STEP * int(np.ceil(side / _STEP))
    left, top = np.rint((low + high - side) / 2).astype(int)
    return Window(int(left), int(top), side)


def head_window(
    pose: Pose, skeleton: Skeleton, scale: float, whole: Window, canvas: int = _CANVAS
) -> Window | None:
    """Crop window around the head, for drawing it a second time at a higher resolution than the whole figure.

    Args:
        pose: the character's own complete pose in pixels of the frame.
        skeleton: the character's body.
        scale: pixels of the frame per metre of the character.
        whole: the result of ``canvas_window``.
        canvas: side of the canvas on which the whole is drawn, pixels.

    Returns:
        The window, or None where it would add no detail: the whole is drawn at its own size already,
        or is hardly more than the head.
    """
    if whole.side <= canvas or not (pose.visible[_EARS].all() and skeleton.known[_EARS].all()):
        return None
    full = max(_SIDE * skeleton.height * scale, whole.side)
    side = max(_HEAD * _crown(skeleton) * scale, full / _MAX_ZOOM)
    if side > _MAX_HEAD_SHARE * whole.side:
        return None
    ears = pose.points[_EARS, :2].astype(np.float64).mean(axis=0)
    side = _STEP * int(np.ceil(side / _STEP))
    left, top = np.rint(ears - side / 2).astype(int)
    return Window(int(left), int(top), side)


def _outline(
    pose: Pose, skeleton: Skeleton, scale: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Bounding box of the keypoints and of the head with its hair: lowest and highest corner, pixels."""
    points = pose.points[pose.visible, :2].astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    if pose.visible[_EARS].all() and skeleton.known[_EARS].all():
        ears = pose.points[_EARS, :2].astype(np.float64).mean(axis=0)
        # hair may swing anywhere: a ball around the ears that holds the head's top and its half width
        reach = _crown(skeleton) * scale * _BOUNDS_MARGIN
        low, high = np.minimum(low, ears - reach), np.maximum(high, ears + reach)
    return low, high


def _crown(skeleton: Skeleton) -> float:
    """Distance in metres from between the ears to the top of the head with its hair."""
    return max(float(skeleton.bounds[1, 1] - skeleton.rest[_EARS, 1].mean()), 0.0)

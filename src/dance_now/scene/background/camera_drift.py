"""Camera drift: how the camera moves the still scene from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.scene.background.camera_view import to_work_size
from dance_now.scene.background.registration import CameraRegistration


class CameraDrift:
    """Registers every frame with the one before it.

    Example:
        >>> drift = CameraDrift()
        >>> drift.update(np.zeros((48, 64, 3), np.uint8), ())
        >>> drift.at(np.array([10.0, 20.0]))
        (0.0, 0.0)
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the frames."""
        self._before: CameraRegistration | None = None
        self._shape: tuple[int, ...] = ()
        self._scale = 1.0
        self._to_before: npt.NDArray[np.float64] | None = None

    def update(self, image: Image, people: Sequence[Detection]) -> None:
        """Takes the next frame.

        Args:
            image: (H, W, 3) uint8 RGB.
            people: those in it, whose own motion says nothing about the camera.
        """
        small, self._scale = to_work_size(image)
        mask = _people_mask(people, small.shape[:2], self._scale)
        self._to_before = None
        if self._before is not None and small.shape == self._shape:
            motion = self._before.locate(small, mask)
            self._to_before = None if motion.still else motion.to_reference
        self._before, self._shape = CameraRegistration(small, mask), small.shape

    def at(self, point: FloatArray) -> tuple[float, float]:
        """Pixels by which a still thing at (x, y) moved since the frame before; 0 if that is not known."""
        if self._to_before is None:
            return 0.0, 0.0
        here = np.asarray(point, np.float64).reshape(1, 1, 2) * self._scale - 0.5  # centre-based
        before = cv2.perspectiveTransform(here, self._to_before)
        shift = (here - before)[0, 0] / self._scale
        return (float(shift[0]), float(shift[1])) if np.isfinite(shift).all() else (0.0, 0.0)


def _people_mask(people: Sequence[Detection], shape: tuple[int, int], scale: float) -> FloatArray:
    """(h, w) float32 in [0, 1] at the work size."""
    mask = np.zeros(shape, np.float32)
    for person in people:
        small = PersonMask(person.mask.alpha, person.mask.to_image * np.float32(scale))
        np.maximum(mask, small.alpha_in(*shape), out=mask)
    return mask

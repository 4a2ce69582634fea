"""Camera drift: how the camera moves the still scene from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.scene.background.registration import CameraRegistration
from dance_now.scene.filters.reduction import reduced

_SIDE = 256  # px of the longer side: hundreds of corners average to a fraction of a pixel
_REFERENCE_FRAMES = 10  # that are registered with one, whose corners are found once


class CameraDrift:
    """Registers every frame with the one before it, by way of a reference some frames old.

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
        self._reference: CameraRegistration | None = None
        self._age = 0
        self._shape: tuple[int, ...] = ()
        self._scale = 1.0
        self._to_reference = np.eye(3)
        self._to_before: npt.NDArray[np.float64] | None = None

    def update(self, image: Image, people: Sequence[Detection]) -> None:
        """Takes the next frame.

        Args:
            image: (H, W, 3) uint8 RGB.
            people: those in it, whose own motion says nothing about the camera.
        """
        height, width = image.shape[:2]
        self._scale = min(1.0, _SIDE / max(height, width))
        size = (max(1, round(width * self._scale)), max(1, round(height * self._scale)))
        small = reduced(image, size)
        mask = _people_mask(people, small.shape[:2], self._scale)
        self._to_before, known = None, None
        if self._reference is not None and small.shape == self._shape:
            known = self._reference.locate(small, mask).to_reference
        if known is not None:
            to_before = np.linalg.inv(self._to_reference) @ known
            self._to_before = to_before if np.isfinite(to_before).all() else None
            self._to_reference = known
        self._age += 1
        if known is None or self._age >= _REFERENCE_FRAMES:
            self._reference, self._shape = CameraRegistration(small, mask), small.shape
            self._to_reference, self._age = np.eye(3), 0

    def at(self, point: FloatArray) -> tuple[float, float]:
        """Pixels by which a still thing at (x, y) moved since the frame before; 0 if that is not known."""
        if self._to_before is None:
            return 0.0, 0.0
        here = np.asarray(point, np.float64).reshape(1, 1, 2) * self._scale - 0.5  # centre-based
        before = cv2.perspectiveTransform(here, self._to_before)
        shift = (here - before)[0, 0] / self._scale
        return (float(shift[0]), float(shift[1])) if np.isfinite(shift).all() else (0.0, 0.0)


def _people_mask(people: Sequence[Detection], shape: tuple[int, int], scale: float) -> FloatArray:
    """(h, w) float32 in [0, 1], reduced by a scale."""
    mask = np.zeros(shape, np.float32)
    for person in people:
        small = PersonMask(person.mask.alpha, person.mask.to_image * np.float32(scale))
        np.maximum(mask, small.alpha_in(*shape), out=mask)
    return mask

"""Compressed masks of people, for passes over whole clips."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.detection import PersonMask


@dataclass(frozen=True, eq=False)
class PackedMask:
    """A compressed mask, a few kilobytes: values in steps of 1/255, deflated."""

    content: bytes
    shape: tuple[int, ...]
    to_picture: FloatArray

    @classmethod
    def of(cls, mask: PersonMask) -> PackedMask:
        """Packs a mask."""
        steps = np.rint(mask.alpha * 255).astype(np.uint8)
        return cls(zlib.compress(steps.tobytes(), 1), steps.shape, mask.to_image)

    def unpacked(self) -> PersonMask:
        """The mask, every value within 1/510 of what it was."""
        steps = np.frombuffer(zlib.decompress(self.content), np.uint8).reshape(self.shape)
        return PersonMask(steps.astype(np.float32) / np.float32(255), self.to_picture)

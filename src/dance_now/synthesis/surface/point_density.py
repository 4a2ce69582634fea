"""Sampling density of points on an avatar's surface: highest at the face's features."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BONE_INDEX, BONE_NAMES
from dance_now.pose.model.keypoints import FINGERS

_HEAD: Final = 1.3
_HANDS: Final = 2.0
# Eyes, brows and mouth matter most in close-ups, and cover a few square centimetres.
_FEATURES: Final = 24.0
_FEATURE_REACH: Final = 0.35  # of the distance between the eyes
# Surface that is hidden at rest (a body under its clothes) still shows in some poses.
_HIDDEN: Final = 0.3
_DIRECTIONS: Final = 64
_GRID: Final = 128  # pixels of the figure's largest extent, for the depth test
_FACING: Final = 0.8  # cosine: a surface seen more steeply changes its depth within a pixel
_TOLERANCE: Final = 0.8  # pixels of depth
_SHOWN_SHARE: Final = 0.34  # of the views that a point faces; fewer see it through a gap between points
_BROWS, _EYES_AND_MOUTH = slice(17, 27), slice(36, 70)  # of the 70 face points
_RIGHT_EYE, _LEFT_EYE = slice(36, 42), slice(42, 48)


class PointDensity:
    """Points per square metre, relative to trunk and limbs.

    Args:
        face: (70, 3) face landmarks at rest, metres, or None where the face does not move.
    """

    def __init__(self, face: FloatArray | None) -> None:
        self._bones = np.ones(len(BONE_NAMES), np.float32)
        for name, index in BONE_INDEX.items():
            if name == "head":
                self._bones[index] = _HEAD
            elif "Hand" in name or any(finger in name for finger in FINGERS):
                self._bones[index] = _HANDS
        self._features: FloatArray | None = None
        self._reach = 1.0
        if face is not None:
            between = face[_RIGHT_EYE].mean(axis=0) - face[_LEFT_EYE].mean(axis=0)
            self._reach = _FEATURE_REACH * float(np.linalg.norm(between))
            self._features = np.concatenate([face[_BROWS], face[_EYES_AND_MOUTH]]).astype(np.float32)

    def __call__(self, positions: FloatArray, weights: FloatArray) -> FloatArray:
        """Density (n,) at positions (n, 3) at rest with skin weights (n, 47)."""
        density: FloatArray = (weights @ self._bones).astype(np.float32)
        if self._features is None:
            return density
        on_head = np.flatnonzero(weights[:, BONE_INDEX["head"]] > 0.5)
        offsets = positions[on_head, None] - self._features
        nearest = np.sqrt((offsets**2).sum(axis=2).min(axis=1)) / self._reach
        density[on_head] += (_FEATURES - _HEAD) * np.exp(-(nearest**2))
        return density


def visibility_weights(positions: FloatArray, normals: FloatArray) -> FloatArray:
    """Visibility weight (n,): 1 for points visible from outside at rest, less for occluded ones.

    A depth test against the points themselves: in each view that a point faces, it is visible if none in its
    pixel lies well before it.

    Args:
        positions: (n, 3) metres, several per pixel of the view.
        normals: (n, 3) unit normals.
    """
    faced, shown = np.zeros(len(positions), np.int32), np.zeros(len(positions), np.int32)
    extent = float((positions.max(axis=0) - positions.min(axis=0)).max())
    for direction in _sphere(_DIRECTIONS):
        side = np.cross(direction, (0.0, 1.0, 0.0) if abs(direction[1]) < 0.9 else (1.0, 0.0, 0.0))
        side /= np.linalg.norm(side)
        axes = np.stack([side, np.cross(direction, side)])
        pixels = np.floor((positions @ axes.T) / extent * _GRID).astype(np.int64)
        pixels -= pixels.min(axis=0)
        index = pixels[:, 0] + pixels[:, 1] * (int(pixels[:, 0].max()) + 1)
        nearness = positions @ direction
        front = np.full(int(index.max()) + 1, -np.inf)
        np.maximum.at(front, index, nearness)
        facing = normals @ direction > _FACING
        faced += facing
        shown += facing & (nearness > front[index] - _TOLERANCE * extent / _GRID)
    density: FloatArray = np.where(shown > _SHOWN_SHARE * faced, 1.0, _HIDDEN).astype(np.float32)
    return density


def _sphere(count: int) -> npt.NDArray[np.float64]:
    """Directions (count, 3), evenly distributed (Fibonacci lattice)."""
    row = np.arange(count) + 0.5
    height = 1 - 2 * row / count
    angle = np.pi * (1 + np.sqrt(5)) * row
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), height, radius * np.sin(angle)], axis=1)

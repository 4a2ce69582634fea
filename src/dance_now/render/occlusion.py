"""Visibility of an avatar's face landmarks, by a depth test against the rendered depth buffer."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.render.camera import Camera

HIDDEN_CONFIDENCE: Final = 0.5
"""Confidence of a face landmark that is occluded by the head, hair, a lid or a hand.

Its position is exact nevertheless, and the character's network reads the expression from it, so it must be
above every reader's threshold: the strictest is 0.3.
"""

_EYES: Final = slice(36, 42), slice(42, 48)
# Depth tolerance in interocular distances: landmarks lie between vertices, and lids and brows
# a little before the face.
_SKIN: Final = 0.05


def face_confidence(depth: FloatArray, camera: Camera, points: npt.ArrayLike) -> FloatArray:
    """Confidence (70,) of face landmarks: 1 where visible or outside the image, else lowered.

    A landmark is visible if it lies before the farthest of the nine samples around it, so that one on
    the silhouette is.

    Args:
        depth: (E, E) from ``Renderer.render_with_depth``.
        camera: what was drawn with.
        points: (70, 3) metres, character frame.
    """
    edge = len(depth)
    placed = camera.project(points, edge)
    apart = float(np.linalg.norm(placed[_EYES[0]].mean(axis=0) - placed[_EYES[1]].mean(axis=0)))
    inside = ((placed[:, :2] > 0) & (placed[:, :2] < edge)).all(axis=1)
    columns, rows = np.clip(placed[:, :2], 1, edge - 2).astype(np.int64).T
    around = [depth[rows + y, columns + x] for y in (-1, 0, 1) for x in (-1, 0, 1)]
    hidden = inside & (np.max(around, axis=0) < placed[:, 2] - _SKIN * apart)
    return np.where(hidden, HIDDEN_CONFIDENCE, 1.0).astype(np.float32)

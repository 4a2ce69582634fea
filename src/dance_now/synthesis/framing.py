"""From where a data set's pictures look at a posed figure, and how near.

Faces are judged most and are small in a whole figure, so a quarter of all pictures are portraits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.render.camera import Camera

Matrix = npt.NDArray[np.float64]

CAMERA_PITCHES: Final = (-15.0, 30.0)  # degrees; positive looks down
PORTRAIT_SHARE: Final = 0.25
CLOSER_SHARE: Final = 0.15
_PORTRAIT_HEADS: Final = (0.3, 0.8)  # of the canvas: 150 to 400 of 512 pixels
_CLOSER_VIEWS: Final = (0.33, 0.95)  # of the figure's height
_FRONT_SHARE: Final = 0.6
_PORTRAIT_FRONT_SHARE: Final = 0.85
# A portrait shows no face from farther above than this, degrees, but for heads that are bowed.
_PORTRAIT_TILT: Final = 25.0
_LOWEST_STEEPEST: Final = -5.0


@dataclass(frozen=True, eq=False)
class Subject:
    """A posed figure, in the character frame and metres.

    Attributes:
        mesh: (n, 3) vertices.
        head: (3,) middle of the head.
        facing: (3,) where the face looks.
        hips: (3,) middle of the hips.
        height: of the figure at rest.
        head_size: from chin to crown.
    """

    mesh: FloatArray
    head: FloatArray
    facing: FloatArray
    hips: FloatArray
    height: float
    head_size: float


def random_camera(generator: np.random.Generator, sitter: Subject) -> Camera:
    """A view of a posed figure: whole in three pictures of five, else a portrait, or between head and hips.

    Whole figures and what lies between are seen from all round, most from the front of the hips; portraits
    mostly from the front of the face.
    """
    kind = generator.random()
    if kind < PORTRAIT_SHARE:
        return _portrait(generator, sitter)
    rotation = random_rotation(generator)
    if kind < PORTRAIT_SHARE + CLOSER_SHARE:
        return _closer(generator, sitter, rotation)
    return _whole(generator, sitter, rotation)


def random_rotation(generator: np.random.Generator) -> Matrix:
    """(3, 3) character frame -> view frame of a camera around a figure, as most pictures have it."""
    return _rotation(generator, _yaw(generator, _FRONT_SHARE), CAMERA_PITCHES[1])


def _yaw(generator: np.random.Generator, front_share: float) -> float:
    front = generator.random() < front_share
    return float(generator.uniform(-60, 60) if front else generator.uniform(60, 300))


def _rotation(generator: np.random.Generator, yaw: float, steepest: float) -> Matrix:
    """(3, 3) of a camera around the figure, looking up or down by ``steepest`` at most, slightly rolled."""
    level = Camera.orbit(yaw, float(generator.uniform(CAMERA_PITCHES[0], steepest)), (0, 0, 0), 1.0)
    roll = np.radians(generator.uniform(-4, 4))
    tilt = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(tilt @ level.rotation)


def _portrait(generator: np.random.Generator, sitter: Subject) -> Camera:
    """The head large, anywhere near the middle, its lower half more often than its crown."""
    x, y, z = sitter.facing
    looks_aside = float(np.degrees(np.arctan2(x, z)))
    looks_down = float(np.degrees(np.arctan2(-y, np.hypot(x, z))))
    steepest = float(np.clip(_PORTRAIT_TILT - looks_down, _LOWEST_STEEPEST, CAMERA_PITCHES[1]))
    rotation = _rotation(generator, _yaw(generator, _PORTRAIT_FRONT_SHARE) - looks_aside, steepest)
    share = float(np.exp(generator.uniform(*np.log(_PORTRAIT_HEADS))))
    cover = sitter.head_size / share
    centre = rotation @ sitter.head
    room = 0.5 * (1 - share) * cover
    centre[:2] += room * generator.uniform((-0.5, -0.7), (0.5, 0.3))
    return Camera(rotation, rotation.T @ centre, cover)


def _closer(generator: np.random.Generator, sitter: Subject, rotation: Matrix) -> Camera:
    cover = float(np.exp(generator.uniform(*np.log(_CLOSER_VIEWS)))) * sitter.height
    way = sitter.hips - sitter.head
    farthest = min(0.9, 0.38 * cover / max(float(np.linalg.norm(way)), 1e-6))  # the head stays in the picture
    centre = np.asarray(rotation @ (sitter.head + float(generator.uniform(-0.1, farthest)) * way), np.float64)
    centre[:2] += generator.normal(0, 0.05, 2) * cover
    return Camera(rotation, rotation.T @ centre, cover)


def _whole(generator: np.random.Generator, sitter: Subject, rotation: Matrix) -> Camera:
    """Nothing of the figure is cut, and it is not always in the middle."""
    view = sitter.mesh @ rotation.T
    low, high = view.min(axis=0), view.max(axis=0)
    size = max(sitter.height, float(high[0] - low[0]), float(high[1] - low[1]))
    cover = float(generator.uniform(1.08, 1.4)) * size
    centre = (low + high) / 2
    room = (cover - (high - low)[:2]) / 2 - 0.02 * cover
    centre[:2] += generator.uniform(-1, 1, 2) * np.clip(0.6 * room, 0, 0.06 * cover)
    return Camera(rotation, rotation.T @ centre, cover)

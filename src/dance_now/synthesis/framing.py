"""Camera sampling for data sets: viewpoint and framing of a posed figure.

Faces matter most and are small in a whole figure, so a quarter of all images are portraits.
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
# Largest angle, degrees, from which a portrait looks down on a face, unless the head is bowed.
_PORTRAIT_TILT: Final = 25.0
_LOWEST_STEEPEST: Final = -5.0


@dataclass(frozen=True, eq=False)
class Subject:
    """Subject of an image: a posed figure, in the character frame and metres.

    Attributes:
        mesh: (n, 3) vertices.
        head: (3,) middle of the head.
        facing: (3,) direction the face looks in.
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


def random_camera(generator: np.random.Generator, subject: Subject) -> Camera:
    """Samples a camera: a whole figure in three images of five, else a portrait, or a view in between.

    Views in between are centred from head to hips. They and whole figures are seen from all sides, mostly
    from the front of the hips; portraits mostly from the front of the face.
    """
    kind = generator.random()
    if kind < PORTRAIT_SHARE:
        return _portrait(generator, subject)
    rotation = random_rotation(generator)
    if kind < PORTRAIT_SHARE + CLOSER_SHARE:
        return _closer(generator, subject, rotation)
    return _whole(generator, subject, rotation)


def random_rotation(generator: np.random.Generator) -> Matrix:
    """Samples a camera rotation (3, 3), character frame -> view frame, as most images have it."""
    return _rotation(generator, _yaw(generator, _FRONT_SHARE), CAMERA_PITCHES[1])


def _yaw(generator: np.random.Generator, front_share: float) -> float:
    front = generator.random() < front_share
    return float(generator.uniform(-60, 60) if front else generator.uniform(60, 300))


def _rotation(generator: np.random.Generator, yaw: float, steepest: float) -> Matrix:
    """Rotation (3, 3) of a camera that is pitched by ``steepest`` at most and slightly rolled."""
    level = Camera.orbit(yaw, float(generator.uniform(CAMERA_PITCHES[0], steepest)), (0, 0, 0), 1.0)
    roll = np.radians(generator.uniform(-4, 4))
    tilt = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(tilt @ level.rotation)


def _portrait(generator: np.random.Generator, subject: Subject) -> Camera:
    """Portrait camera: the head large, near the centre, offset towards the chin more often than the crown."""
    x, y, z = subject.facing
    looks_aside = float(np.degrees(np.arctan2(x, z)))
    looks_down = float(np.degrees(np.arctan2(-y, np.hypot(x, z))))
    steepest = float(np.clip(_PORTRAIT_TILT - looks_down, _LOWEST_STEEPEST, CAMERA_PITCHES[1]))
    rotation = _rotation(generator, _yaw(generator, _PORTRAIT_FRONT_SHARE) - looks_aside, steepest)
    share = float(np.exp(generator.uniform(*np.log(_PORTRAIT_HEADS))))
    cover = subject.head_size / share
    centre = rotation @ subject.head
    room = 0.5 * (1 - share) * cover
    centre[:2] += room * generator.uniform((-0.5, -0.7), (0.5, 0.3))
    return Camera(rotation, rotation.T @ centre, cover)


def _closer(generator: np.random.Generator, subject: Subject, rotation: Matrix) -> Camera:
    cover = float(np.exp(generator.uniform(*np.log(_CLOSER_VIEWS)))) * subject.height
    way = subject.hips - subject.head
    farthest = min(0.9, 0.38 * cover / max(float(np.linalg.norm(way)), 1e-6))  # the head stays in the picture
    centre = np.asarray(
        rotation @ (subject.head + float(generator.uniform(-0.1, farthest)) * way), np.float64
    )
    centre[:2] += generator.normal(0, 0.05, 2) * cover
    return Camera(rotation, rotation.T @ centre, cover)


def _whole(generator: np.random.Generator, subject: Subject, rotation: Matrix) -> Camera:
    """Camera of a whole figure: nothing is cut, and it is not always centred."""
    view = subject.mesh @ rotation.T
    low, high = view.min(axis=0), view.max(axis=0)
    size = max(subject.height, float(high[0] - low[0]), float(high[1] - low[1]))
    cover = float(generator.uniform(1.08, 1.4)) * size
    centre = (low + high) / 2
    room = (cover - (high - low)[:2]) / 2 - 0.02 * cover
    centre[:2] += generator.uniform(-1, 1, 2) * np.clip(0.6 * room, 0, 0.06 * cover)
    return Camera(rotation, rotation.T @ centre, cover)

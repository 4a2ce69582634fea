"""Orthographic camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Camera:
    """Orthographic camera in the character frame (x = character's left, y up, z front).

    Attributes:
        rotation: (3, 3) character frame -> view frame (x right, y up, z toward the viewer); the identity
            sees the character from the front.
        centre: (3,) point of the character frame, metres, that projects to the canvas centre.
        height: metres covered by the height of the (square) canvas.
    """

    rotation: npt.NDArray[np.float64]
    centre: npt.NDArray[np.float64]
    height: float

    def __post_init__(self) -> None:
        rotation, centre = np.array(self.rotation, np.float64), np.array(self.centre, np.float64)
        if rotation.shape != (3, 3) or centre.shape != (3,):
            raise ValueError(f"a camera needs a (3, 3) rotation and a (3,) centre, got {rotation.shape}")
        if not self.height > 0:
            raise ValueError("the height of a camera must be positive")
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "centre", centre)

    @classmethod
    def orbit(cls, yaw: float, pitch: float, centre: npt.ArrayLike, height: float) -> Camera:
        """Orbit camera around the character, angles in degrees.

        Args:
            yaw: how far the character is turned to its left (the viewer's right); 90 shows its right side.
            pitch: how far the camera is raised and looks down.
            centre: (3,) as the attribute.
            height: as the attribute.
        """
        a, b = math.radians(yaw), math.radians(pitch)
        turn = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
        tilt = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
        return cls(tilt @ turn, np.asarray(centre, np.float64), height)

    def to_json(self) -> dict[str, Any]:
        """The attributes as plain numbers, rounded to a hundredth of a pixel or less."""
        return {
            "rotation": np.round(self.rotation, 6).tolist(),
            "centre": np.round(self.centre, 6).tolist(),
            "height": round(self.height, 6),
        }

    def project(self, points: npt.ArrayLike, size: int = 512) -> npt.NDArray[np.float64]:
        """Projects (n, 3) points in metres to (n, 3) x, y (down), depth (away) in canvas pixels.

        Depth is relative to the centre. ``size`` is the canvas edge in pixels.
        """
        view = (np.asarray(points, np.float64) - self.centre) @ self.rotation.T
        view *= size / self.height
        return np.stack([size / 2 + view[:, 0], size / 2 - view[:, 1], -view[:, 2]], axis=1)

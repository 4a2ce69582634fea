"""Upright rest: rotation and scale that put any avatar on its feet, facing +z, in metres.

Files come in centimetres, with z up, lying or facing backwards. The skeleton at rest says which way is up
(from the hips to the neck or head) and left (from the right hip and shoulder to the left ones).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

_LOW, _HIGH = 0.3, 5.0  # metres from the feet to the head: what is taken as it is
_USUAL = 1.5
_UNITS: Final = (0.01, 0.001, 0.1, 0.0254, 0.3048, 100.0, 10.0, 1000.0)
_PLAUSIBLE: Final = (0.6, 2.6)
_TOLERANCE = 25.0  # degrees: a body that leans less stands as its author wants it
_SQUARE = 20.0  # degrees from a turn by right angles


def upright_turn(bones: Mapping[str, int], world: Matrix) -> Matrix:
    """Rotation (4, 4) after which the avatar stands and faces +z: identity where it does.

    Args:
        bones: required bones -> node.
        world: (N, 4, 4) rest transforms.
    """
    place = {bone: world[node, :3, 3] for bone, node in bones.items()}
    left = sum(place[f"left{part}"] - place[f"right{part}"] for part in ("UpperLeg", "UpperArm"))
    up = place["head"] - (place["leftUpperLeg"] + place["rightUpperLeg"]) / 2
    up = up / max(float(np.linalg.norm(up)), 1e-12)
    left = left - up * (left @ up)
    if not np.linalg.norm(left) > 1e-9 * np.abs(world[:, :3, 3]).max(initial=1e-9):
        return np.eye(4)
    left = left / np.linalg.norm(left)
    turn = np.stack([left, up, np.cross(left, up)])
    found = np.eye(4)
    if _angle(turn) > _TOLERANCE:
        square = _nearest_square(turn)
        found[:3, :3] = square if _angle(square.T @ turn) < _SQUARE else turn
    return found


def _angle(rotation: Matrix) -> float:
    """Angle of a rotation in degrees."""
    return float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))))


def _nearest_square(rotation: Matrix) -> Matrix:
    """Nearest rotation by right angles, where that is one; else the rotation itself."""
    square = np.zeros((3, 3))
    for row in range(3):
        column = int(np.abs(rotation[row]).argmax())
        square[row, column] = np.sign(rotation[row, column])
    return square if np.linalg.det(square) > 0.5 else rotation


def stature(bones: Mapping[str, int], world: Matrix) -> float:
    """Length of legs and trunk, from the feet to the head joint, in the unit of ``world`` (N, 4, 4)."""

    def length(start: str, end: str) -> float:
        return float(np.linalg.norm(world[bones[end], :3, 3] - world[bones[start], :3, 3]))

    legs = [
        length(side + start, side + end)
        for side in ("left", "right")
        for start, end in (("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"))
    ]
    return sum(legs) / 2 + length("hips", "head")


def metres_per_unit(height: float) -> float:
    """Factor to metres for an avatar of some stature: 1 where that is plausible, else of the likely unit."""
    if not np.isfinite(height) or height <= 0 or _LOW < height < _HIGH:
        return 1.0
    for factor in _UNITS:
        if _PLAUSIBLE[0] < factor * height < _PLAUSIBLE[1]:
            return factor
    return _USUAL / height

"""Character frame of an avatar at rest: upright, facing +z, in metres, with limbs of some length."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.gltf import Gltf
from dance_now.formats3d.humanoid.upright_rest import metres_per_unit, stature, upright_turn
from dance_now.formats3d.node_tree import Matrices
from dance_now.formats3d.vrm import Humanoid

_LIMBS = ("UpperArm", "LowerArm", "Hand"), ("UpperLeg", "LowerLeg", "Foot")
_SHORTEST_LIMB = 1e-3  # of the distance from hips to head
_HALF_TURN = np.diag([-1.0, 1.0, -1.0, 1.0])


def format_turn(humanoid: Humanoid) -> Matrices:
    """Transform (4, 4) to the front, by the format's definition; gravity is given in that frame."""
    return _HALF_TURN if humanoid.faces_back else np.eye(4)


def to_character_frame(humanoid: Humanoid, world: Matrices) -> tuple[Matrices, tuple[str, ...]]:
    """Transform (4, 4) from the file's frame to the character's, and remarks about what is unusual."""
    start = format_turn(humanoid)
    upright = upright_turn(humanoid.bones, start @ world)
    factor = metres_per_unit(stature(humanoid.bones, world))
    remarks = []
    if not np.array_equal(upright, np.eye(4)):
        remarks.append("it lies or faces elsewhere at rest; its skeleton turns it upright, to the front")
    if factor != 1:
        remarks.append(f"its unit is no metre: scaled by {factor:.4g}")
    return np.diag([factor, factor, factor, 1.0]) @ upright @ start, tuple(remarks)


def check_limbs(gltf: Gltf, bones: Mapping[str, int], places: npt.NDArray[np.float64]) -> None:
    """Rejects a skeleton with a limb of no length; ``places``: (N, 3) of the nodes at rest."""

    def length(start: str, end: str) -> float:
        return float(np.linalg.norm(places[bones[end]] - places[bones[start]]))

    trunk = length("hips", "head")
    limbs = [
        (side + start, side + end)
        for side in ("left", "right")
        for chain in _LIMBS
        for start, end in itertools.pairwise(chain)
    ]
    for start, end in [("hips", "head"), *limbs]:
        if not length(start, end) > _SHORTEST_LIMB * trunk:
            raise DanceNowError(f"{gltf.path.name}: the bone from {start} to {end} has no length.")

"""Morph targets and linear blend skinning."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.formats3d.meshes import Primitive
from dance_now.render.jit import kernel


def apply_morphs(
    primitive: Primitive, weights: Mapping[tuple[int, int], float]
) -> tuple[FloatArray, FloatArray]:
    """Applies morph weights: positions and normals of a primitive, its own arrays where nothing moves."""
    positions, normals = primitive.positions, primitive.normals
    for number, target in enumerate(primitive.targets):
        weight = np.float32(weights.get((primitive.mesh, number), 0))
        if target is None or weight == 0:
            continue
        if positions is primitive.positions:
            positions, normals = positions.copy(), normals.copy()
        positions[target.vertices] += weight * target.offsets
        normals[target.vertices] += weight * target.normal_offsets
    return positions, normals


@kernel
def skin_vertices(
    positions: FloatArray,
    normals: FloatArray,
    slots: npt.NDArray[np.int32],
    weights: FloatArray,
    palette: FloatArray,
    skinned_positions: FloatArray,
    skinned_normals: FloatArray,
) -> None:
    """Linear blend skinning of vertices.

    Args:
        positions: (V, 3) in the bind pose.
        normals: (V, 3).
        slots: (V, 4) rows of the palette.
        weights: (V, 4), summing to 1.
        palette: (K, 3, 4) bind pose -> posed.
        skinned_positions: (V, 3), written.
        skinned_normals: (V, 3), written, of length 1.
    """
    for i in range(positions.shape[0]):
        x, y, z = positions[i, 0], positions[i, 1], positions[i, 2]
        u, v, w = normals[i, 0], normals[i, 1], normals[i, 2]
        length = np.float32(0.0)
        for row in range(3):
            moved = np.float32(0.0)
            turned = np.float32(0.0)
            for k in range(4):
                weight = weights[i, k]
                if weight > 0:
                    slot = slots[i, k]
                    a, b, c = palette[slot, row, 0], palette[slot, row, 1], palette[slot, row, 2]
                    moved += weight * (a * x + b * y + c * z + palette[slot, row, 3])
                    turned += weight * (a * u + b * v + c * w)
            skinned_positions[i, row] = moved
            skinned_normals[i, row] = turned
            length += turned * turned
        scale = np.float32(1.0) / np.float32(math.sqrt(max(length, np.float32(1e-20))))
        for row in range(3):
            skinned_normals[i, row] *= scale

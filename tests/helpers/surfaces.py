"""A made-up surface character: a box around each limb of a cartoon skeleton."""

from __future__ import annotations

from typing import Any

import numpy as np
from skeletons import chibi_skeleton

from dance_now.pose.model.bone_rule import BONE_INDEX, SWING_LEVELS
from dance_now.pose.model.keypoints import FACE

_HALF = 0.03  # metres: half the thickness of a limb
_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
_FACES = (
    *((0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)),
    *((2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)),
)


def surface_arrays() -> dict[str, np.ndarray[Any, Any]]:
    """Arrays of the ``surface`` template, by name: limbs, a textured head that moves, a tail on springs."""
    skeleton = chibi_skeleton()
    rest = skeleton.rest
    limbs = [s for level in SWING_LEVELS[:3] for s in level if "Thumb" not in s.name]
    boxes = [(BONE_INDEX[s.name], rest[s.start], rest[s.end]) for s in limbs]
    boxes += [(BONE_INDEX["hips"], rest[8], rest[1])]
    head = (rest[17] + rest[18]) / 2
    up = np.array([0, 0.1, 0], np.float32)
    boxes += [(BONE_INDEX["head"], head - up, head + up)]
    tail = (head + np.array([[0, 0, -0.15], [0, -0.2, -0.2]])).astype(np.float32)
    boxes += [(47, tail[0], tail[1])]
    positions, normals, joints, triangles = [], [], [], []
    for number, (bone, start, end) in enumerate(boxes):
        low, high = np.minimum(start, end) - _HALF, np.maximum(start, end) + _HALF
        positions.append((low + high) / 2 + _CORNERS * (high - low) / 2)
        normals.append(_CORNERS / np.sqrt(3))
        joints.append(np.full((8, 4), bone))
        triangles.append(np.array(_FACES) + 8 * number)
    vertices, count = 8 * len(boxes), 12 * len(boxes)
    head_vertices = np.arange(vertices - 16, vertices - 8)
    face = np.zeros((1, FACE.stop - FACE.start, 3), np.float32)
    face[0, 0, 1] = 10.0
    flags = np.zeros((2, 7), np.uint8)
    flags[:, [2, 3]] = 1
    weights = np.zeros((vertices, 4))
    weights[:, 0] = 1
    f32, f16 = np.float32, np.float16
    return {
        "positions": np.concatenate(positions).astype(f32),
        "normals": np.concatenate(normals).astype(f16),
        "outline_normals": np.concatenate(normals).astype(f16),
        "uv": np.tile([[0.25, 0.25]], (vertices, 1)).astype(f32),
        "joints": np.concatenate(joints).astype(np.uint16),
        "weights": weights.astype(f16),
        "triangles": np.concatenate(triangles).astype(np.uint32),
        "surface_triangles": np.array([count - 24, 24], np.uint32),
        "surface_base": np.array([[0.9, 0.1, 0.1, 1], [1, 1, 1, 1]], f32),
        "surface_shade": np.array([[0.5, 0, 0], [0.8, 0.8, 0.8]], f32),
        "surface_ramp": np.array([[-0.1, 0.1]] * 2, f32),
        "surface_emission": np.zeros((2, 3), f32),
        "surface_rim": np.array([[0, 0, 0, 5, 0]] * 2, f32),
        "surface_matcap": np.zeros((2, 3), f32),
        "surface_outline": np.array([[0, 0, 0, 0, 0.002, 0]] * 2, f32),
        "surface_cutoff": np.full(2, 0.5, f32),
        "surface_flags": flags,
        "surface_textures": np.array([[-1, -1, -1], [0, 0, -1]], np.int32),
        "texture_sizes": np.array([[2, 2]], np.uint32),
        "texels": np.array([[40, 90, 200, 255]] * 4, np.uint8),
        "face_solve": face,
        "expression_counts": np.array([8], np.uint32),
        "expression_vertices": head_vertices.astype(np.uint32),
        "expression_offsets": np.full((8, 3), 0.01, f16),
        "expression_normals": np.zeros((8, 3), f16),
        "spring_parents": np.array([BONE_INDEX["head"]], np.uint16),
        "spring_points": tail[None],
        "spring_forces": np.array([[0.5, 0.4, 0.02, 0, -0.2, 0]], f32),
        "collider_bones": np.array([BONE_INDEX["chest"]], np.uint16),
        "collider_points": np.tile(rest[1], (1, 2, 1)).astype(f32),
        "collider_radii": np.array([0.08], f32),
        "spring_colliders": np.ones((1, 1), np.uint8),
    }  # fmt: skip

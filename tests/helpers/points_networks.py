"""A made-up points network: balls of points along the limbs of a cartoon skeleton, and random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from skeletons import chibi_skeleton

from dance_now.character.templates.points_arrays import DECODER, SHARP_CHANNELS
from dance_now.pose.model.bone_rule import BONE_INDEX, SWING_LEVELS

_RADIUS = 0.05  # metres
_EXPRESSIONS, _CORRECTIVES, _MOVING = 2, 3, 200


def points_arrays(
    count: int = 1500, width: int = 4, *, patches: bool = True, seed: int = 0
) -> dict[str, np.ndarray[Any, Any]]:
    """Arrays of the ``points`` template, by name in the file."""
    chance = np.random.default_rng(seed)
    rest = chibi_skeleton().rest
    limbs = [(BONE_INDEX[s.name], rest[s.start], rest[s.end]) for level in SWING_LEVELS[:2] for s in level]
    head = (rest[17] + rest[18]) / 2
    limbs += [(BONE_INDEX["hips"], rest[8], rest[1]), (BONE_INDEX["head"], head, head)]
    chosen = chance.integers(0, len(limbs), count)
    share = chance.random((count, 1))
    start, end = (np.stack([limb[k] for limb in limbs])[chosen] for k in (1, 2))
    normal = chance.normal(size=(count, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    radius = np.where(chosen == len(limbs) - 1, 3 * _RADIUS, _RADIUS)[:, None]
    aside = np.cross(normal, np.array([0.3, 0.5, 0.8]))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    bones = np.zeros((count, 8), np.uint8)
    bones[:, 0], bones[:, 1] = np.array([limb[0] for limb in limbs])[chosen], BONE_INDEX["spine"]
    features = 2 if patches else 8
    inputs = 9 + features + 2 + SHARP_CHANNELS
    decoder = {}
    for layer in DECODER:
        shape = (
            layer.outputs * width or SHARP_CHANNELS,
            layer.inputs * width or inputs,
            layer.kernel,
            layer.kernel,
        )
        weight = chance.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
        dtype = np.float32 if layer.name == "narrow" else np.float16
        decoder[f"decoder.{layer.name}.weight"] = weight.astype(dtype)
        decoder[f"decoder.{layer.name}.bias"] = (0.1 * chance.normal(size=shape[0])).astype(np.float32)
    decoder["decoder.out.weight"] = (0.2 * decoder["decoder.out.weight"]).astype(np.float16)
    pyramid = chance.integers(0, 256, (count, 85, 4)).astype(np.uint8)
    pyramid[..., 3] = np.where(pyramid[..., 3] < 30, 0, 255)
    relief = chance.integers(110, 146, (count, 8, 8)).astype(np.uint8)
    relief[chance.random(relief.shape) < 0.1] = 255
    f16, f32 = np.float16, np.float32
    return {
        "positions": (start * (1 - share) + end * share + radius * normal).astype(f32),
        "tangents": (0.6 * radius[:, None] * np.stack([aside, np.cross(normal, aside)], axis=1)).astype(f16),
        "bones": bones,
        "weights": np.tile(np.array([0.75, 0.25, 0, 0, 0, 0, 0, 0], f16), (count, 1)),
        "two_sided": (chance.random(count) < 0.1).astype(np.uint8),
        "colors": chance.random((count, 3)).astype(f16),
        "shades": chance.uniform(0.5, 1, (count, 3)).astype(f16),
        "features": chance.normal(size=(count, features)).astype(f16),
        "opacities": chance.normal(2, 1, count).astype(f16),
        "light": np.array([0.3, 0.6, 0.75, 0.05], f32),
        "shapes": (0.01 * chance.normal(size=(_EXPRESSIONS + _CORRECTIVES, _MOVING, 3, 3))).astype(f16),
        "face_solve": chance.normal(size=(_EXPRESSIONS, 70, 3)).astype(f16),
        "pose_basis": (0.3 * chance.normal(size=(22, _CORRECTIVES))).astype(f32),
        "softness": np.array([0.007 if patches else 0.025], f32),
        "inner": np.array([0.9], f32),
        "smoothing": np.array([0.36, 0.12, 0.04], f32),
        "pyramid": pyramid if patches else pyramid[:0],
        "relief": relief if patches else relief[:0],
        **decoder,
    }

"""Texture patches of surface points (surfels), baked in each point's tangent plane.

A point alone has one color. With a patch of the surface around it, a few thousand points represent the
surface between them too, down to an eyelash (Pfister et al. 2000, Surfels: Surface Elements as Rendering
Primitives).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dance_now.core.arrays import FloatArray
from dance_now.synthesis.surface.surface_samples import IntArray, SurfaceSamples

TEXELS: Final = 8
"""Texels along a patch's edge."""
CHANNELS: Final = 5
"""Channels of a texel: sRGB, alpha, and height of the surface above the tangent plane."""
HEIGHT_STEPS: Final = 96.0
"""Quantisation of height: steps per patch reach; 128 is the plane."""

_NORMAL_WEIGHT: Final = 0.25  # weight of the normal in the search, reaches: separates sides of thin surfaces
_LAYER_DISTANCE: Final = 100.0  # metres between different primitives in the search
_NEAR: Final = 1.0  # texels, largest tangential distance to the surface
_CHUNK: Final = 2000


def tangents(normals: FloatArray) -> FloatArray:
    """Tangents (n, 2, 3) of unit normals (n, 3): two unit vectors, right-handed with the normal.

    Branchless construction of Duff et al. 2017 (Building an Orthonormal Basis, Revisited).
    """
    x, y, z = normals.T
    sign = np.copysign(1.0, z)
    a = -1.0 / (sign + z)
    b = x * y * a
    first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=1)
    second = np.stack([b, sign + y * y * a, -y], axis=1)
    return np.stack([first, second], axis=1).astype(np.float32)


def bake_patches(points: SurfaceSamples, reach: FloatArray, samples: SurfaceSamples) -> npt.NDArray[np.uint8]:
    """Bakes the surface around every point; a patch shows only the primitive it lies on.

    Args:
        points: n points.
        reach: (n,) half a patch's edge, metres.
        samples: dense samples of the same surface, several per texel.

    Returns:
        (n, TEXELS, TEXELS, CHANNELS) uint8; alpha is 0 where the plane leaves the surface. Rows run along
        the second tangent, columns along the first.
    """
    weight = _NORMAL_WEIGHT * float(np.median(reach))
    tree = cKDTree(_search_key(samples.position, samples.normal, samples.layer, weight))
    steps = (np.arange(TEXELS) + 0.5) / TEXELS * 2 - 1
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2).astype(np.float32)
    frames = tangents(points.normal)
    patches = np.zeros((len(points), TEXELS * TEXELS, CHANNELS), np.uint8)
    for start in range(0, len(points), _CHUNK):
        rows = slice(start, start + _CHUNK)
        offset = np.einsum("tk,nkc->ntc", grid, frames[rows]) * reach[rows, None, None]
        wanted = (points.position[rows, None] + offset).reshape(-1, 3)
        across = np.repeat(points.normal[rows], len(grid), axis=0)
        _, found = tree.query(_search_key(wanted, across, np.repeat(points.layer[rows], len(grid)), weight))
        away = samples.position[found] - wanted
        height = (away * across).sum(axis=1, keepdims=True)
        beside = away - height * across
        extent = np.repeat(reach[rows], len(grid))[:, None]
        here = (beside * beside).sum(axis=1, keepdims=True) < np.square(_NEAR * extent * 2 / TEXELS)
        steps_up = np.clip(128 + HEIGHT_STEPS * height / extent, 0, 254)
        texels = np.concatenate([255 * samples.color[found], 255 * here, steps_up], axis=1)
        patches[rows] = (texels + 0.5).astype(np.uint8).reshape(-1, len(grid), CHANNELS)
    return patches.reshape(-1, TEXELS, TEXELS, CHANNELS)


def _search_key(places: FloatArray, normals: FloatArray, layers: IntArray, weight: float) -> FloatArray:
    return np.concatenate([places, weight * normals, _LAYER_DISTANCE * layers[:, None]], axis=1)

"""Texture atlas with mipmaps: all textures of an avatar in one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dance_now.formats3d.materials import Material
from dance_now.formats3d.srgb import DECODE_TABLE, linear_to_srgb
from dance_now.formats3d.textures import Pixels, Texture


@dataclass(frozen=True, eq=False)
class TextureAtlas:
    """Mipmapped textures, concatenated.

    Attributes:
        texels: (X, 4) uint8, sRGB, straight alpha.
        levels: (L, 3) int64 first texel, width and height of each level.
    """

    texels: npt.NDArray[np.uint8]
    levels: npt.NDArray[np.int64]
    _chains: dict[int, tuple[int, int]]

    @classmethod
    def build(cls, materials: Sequence[Material]) -> TextureAtlas:
        """Builds the atlas of materials' textures; each image is included once."""
        texels: list[Pixels] = []
        levels: list[tuple[int, int, int]] = []
        chains: dict[int, tuple[int, int]] = {}
        first = 0
        for material in materials:
            for texture in (material.base_texture, material.shade_texture, material.matcap_texture):
                if texture is None or id(texture.pixels) in chains:
                    continue
                chain = reduced_levels(texture.pixels)
                chains[id(texture.pixels)] = (len(levels), len(chain))
                for level in chain:
                    levels.append((first, level.shape[1], level.shape[0]))
                    texels.append(level.reshape(-1, 4))
                    first += level.shape[0] * level.shape[1]
        if not texels:
            return cls(np.zeros((1, 4), np.uint8), np.zeros((1, 3), np.int64), chains)
        return cls(np.concatenate(texels), np.array(levels, np.int64), chains)

    def find(self, texture: Texture | None) -> tuple[int, int]:
        """First mipmap level of a texture and the number of levels; (-1, 0) for None."""
        return (-1, 0) if texture is None else self._chains[id(texture.pixels)]


def reduced_levels(pixels: Pixels) -> list[Pixels]:
    """Mipmap chain: the image halved down to 1 pixel, averaged in linear light, weighted by alpha."""
    chain = [np.ascontiguousarray(pixels)]
    while max(chain[-1].shape[:2]) > 1:
        chain.append(_halved(chain[-1]))
    return chain


def _halved(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    if height > 1 and height % 2:
        pixels = pixels[:-1]
    if width > 1 and width % 2:
        pixels = pixels[:, :-1]
    tall, wide = min(2, pixels.shape[0]), min(2, pixels.shape[1])
    shape = (pixels.shape[0] // tall, tall, pixels.shape[1] // wide, wide)
    alpha = pixels[..., 3].reshape(shape).astype(np.float32)
    weight = alpha + np.float32(1e-3)  # fully transparent texels get the plain average
    color = (DECODE_TABLE[pixels[..., :3]].reshape(*shape, 3) * weight[..., None]).sum(axis=(1, 3))
    color /= weight.sum(axis=(1, 3))[..., None]
    encoded = linear_to_srgb(color) * 255 + 0.5
    mean = alpha.mean(axis=(1, 3))[..., None] + 0.5
    return np.concatenate([encoded, mean], axis=2).astype(np.uint8)

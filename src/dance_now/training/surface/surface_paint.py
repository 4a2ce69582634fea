"""An avatar's materials and textures as arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.formats3d.materials import ALPHA_MODES, Material
from dance_now.formats3d.textures import Pixels, Texture
from dance_now.render.mipmaps import reduced_levels
from dance_now.render.renderer import MATCAP_EDGE, WRAPS
from dance_now.training.surface.surface_mesh import has_outline

MOST_TEXELS: Final = 2**24
"""Of all pictures together that a character may have."""


@dataclass(frozen=True, eq=False)
class Paint:
    """Materials of M surfaces, and X textures. Colors are linear light but for the textures' sRGB.

    Attributes:
        base: (M, 4) factor of the color in light, and alpha.
        shade: (M, 3) factor of the color in shade.
        ramp: (M, 2) N.L where the ramp from shade to light begins and where it ends.
        emission: (M, 3).
        rim: (M, 5) color, power, lift.
        matcap: (M, 3).
        outline: (M, 6) color, share of the surface's own, metres, fraction of the picture's height.
        cutoff: (M,).
        flags: (M, 7) uint8 alpha mode, unlit, double sided, writes depth, wrap u, wrap v, nearest.
        textures: (M, 3) int32 base, shade, matcap; -1 for none.
        pictures: (H, W, 4) uint8 each, sRGB, straight alpha.
    """

    base: FloatArray
    shade: FloatArray
    ramp: FloatArray
    emission: FloatArray
    rim: FloatArray
    matcap: FloatArray
    outline: FloatArray
    cutoff: FloatArray
    flags: npt.NDArray[np.uint8]
    textures: npt.NDArray[np.int32]
    pictures: tuple[Pixels, ...]

    @classmethod
    def of(cls, materials: Sequence[Material]) -> Paint:
        """The paint of surfaces with these materials; a picture that several use is kept once."""
        shelf = _Shelf()
        textures = np.array([shelf.put_all(material) for material in materials], np.int32)

        def table(rows: list[list[float]]) -> FloatArray:
            return np.array(rows, np.float32)

        return cls(
            base=table([[*item.base_color] for item in materials]),
            shade=table([[*item.shade_color] for item in materials]),
            ramp=table([[*item.shade_range] for item in materials]),
            emission=table([[*item.emission] for item in materials]),
            rim=table([[*item.rim_color, max(item.rim_power, 1e-3), item.rim_lift] for item in materials]),
            matcap=table([[*item.matcap_color] for item in materials]),
            outline=table([_outline(item) for item in materials]),
            cutoff=np.array([item.cutoff for item in materials], np.float32),
            flags=np.array([_flags(item) for item in materials], np.uint8),
            textures=textures,
            pictures=reduced(shelf.pictures, MOST_TEXELS),
        )


def reduced(pictures: Sequence[Pixels], most: int) -> tuple[Pixels, ...]:
    """Pictures of at most ``most`` texels together: the largest are halved as long as there are more."""
    kept = list(pictures)
    while sum(picture.shape[0] * picture.shape[1] for picture in kept) > most:
        largest = max(range(len(kept)), key=lambda number: kept[number].size)
        kept[largest] = reduced_levels(kept[largest])[1]
    return tuple(kept)


def _outline(material: Material) -> list[float]:
    width = material.outline_width if has_outline(material) else 0.0
    in_metres = material.outline_mode == "world"
    return [
        *material.outline_color,
        material.outline_mix,
        width if in_metres else 0.0,
        0.0 if in_metres else width,
    ]


def _flags(material: Material) -> list[int]:
    texture = material.base_texture or material.shade_texture
    wrap = texture.wrap if texture else ("repeat", "repeat")
    return [
        ALPHA_MODES.index(material.alpha_mode),
        int(material.unlit),
        int(material.double_sided),
        int(material.writes_depth),
        WRAPS[wrap[0]],
        WRAPS[wrap[1]],
        int(texture.nearest if texture else False),
    ]


@dataclass(eq=False)
class _Shelf:
    """Pictures, each once."""

    pictures: list[Pixels] = field(default_factory=list)
    _places: dict[tuple[tuple[int, ...], bytes], int] = field(default_factory=dict)

    def put_all(self, material: Material) -> tuple[int, int, int]:
        """Numbers of a material's textures for light, shade and matcap; -1 for none."""
        base, shade = material.base_texture, _shade_texture(material)
        # Which level of a picture is read is decided by the size of the one for light.
        shrinks = shade is None or base is None or shade.pixels is base.pixels
        matcap = material.matcap_texture if material.matcap_color.any() else None
        small = None if matcap is None else _matcap_level(matcap)
        return self._put(base, shrinks), self._put(shade, shrinks), -1 if small is None else self._add(small)

    def _put(self, texture: Texture | None, shrinks: bool) -> int:
        if texture is None:
            return -1
        pixels = texture.pixels
        return self._add(_without_repetition(pixels) if shrinks else pixels)

    def _add(self, pixels: Pixels) -> int:
        key = (pixels.shape, pixels.tobytes())
        if key not in self._places:
            self._places[key] = len(self.pictures)
            self.pictures.append(pixels)
        return self._places[key]


def _without_repetition(pixels: Pixels) -> Pixels:
    """A picture whose columns (or rows) are all alike with one of them: many a file has large, plain ones."""
    if (pixels == pixels[:, :1]).all():
        pixels = pixels[:, :1]
    if (pixels == pixels[:1]).all():
        pixels = pixels[:1]
    return pixels


def _shade_texture(material: Material) -> Texture | None:
    """The texture for shade; that for light where a surface is never shaded."""
    return material.base_texture if material.unlit else material.shade_texture


def _matcap_level(texture: Texture) -> Pixels:
    """A matcap's picture at the size in which it is seen."""
    excess = max(texture.pixels.shape[:2]) / MATCAP_EDGE
    if excess <= 1:
        return texture.pixels
    levels = reduced_levels(texture.pixels)
    return levels[min(len(levels) - 1, math.ceil(math.log2(excess)))]

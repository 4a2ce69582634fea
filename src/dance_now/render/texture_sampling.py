"""Shading kernels of a single sample: texture lookup, toon ramp, rim light and matcap (MToon)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.formats3d.srgb import DECODE_TABLE
from dance_now.render.jit import inner_kernel

IntArray = npt.NDArray[np.int32]

LIGHT_DIRECTION = np.array([0.3, 0.6, 0.75]) / np.linalg.norm([0.3, 0.6, 0.75])
"""Light direction (3,) in the view frame: it is fixed to the camera, so that shading is a function of
view-space normals."""

_LIGHT_X, _LIGHT_Y, _LIGHT_Z = LIGHT_DIRECTION.astype(np.float32)
_DECODE = DECODE_TABLE
_MOST_TEXELS = np.float32(2.0**60)  # for one sample; more than any texture has

SURFACE_DTYPE = np.dtype(
    [
        ("base", np.float32, 4),
        ("shade", np.float32, 3),
        ("ramp_low", np.float32),
        ("ramp_scale", np.float32),
        ("outline", np.float32, 3),
        ("outline_mix", np.float32),
        ("emission", np.float32, 3),
        ("rim", np.float32, 3),
        ("rim_power", np.float32),
        ("rim_lift", np.float32),
        ("matcap", np.float32, 3),
        ("cutoff", np.float32),
        ("alpha_mode", np.int32),
        ("unlit", np.int32),
        ("has_rim", np.int32),
        ("has_matcap", np.int32),
        ("writes_depth", np.int32),
        ("double_sided", np.int32),
        ("base_level", np.int32),
        ("base_levels", np.int32),
        ("shade_level", np.int32),
        ("shade_levels", np.int32),
        ("matcap_level", np.int32),
        ("wrap_u", np.int32),
        ("wrap_v", np.int32),
        ("nearest", np.int32),
    ]
)
"""Record of a material as the kernels read it.

Modes: alpha 0 opaque, 1 mask, 2 blend; wrap 0 repeat, 1 clamp, 2 mirror. Levels are rows of the mipmap table;
0 levels mean white.
"""


@inner_kernel
def _wrapped(index: int, size: int, wrap: int) -> int:
    if 0 <= index < size:  # nearly always, and a division is slow
        return index
    if wrap == 1:
        return min(max(index, 0), size - 1)
    if wrap == 2:
        index %= 2 * size
        return index if index < size else 2 * size - 1 - index
    return index % size


@inner_kernel
def fetch_texel(
    texels: npt.NDArray[np.uint8], level: tuple[int, int, int], u: float, v: float, surface: np.void
) -> tuple[Any, Any, Any, Any]:
    """Bilinear sample of a texture: linear color and alpha. ``level``: first texel, width, height."""
    first, width, height = level
    x, y = u * width - np.float32(0.5), v * height - np.float32(0.5)
    if surface["nearest"] == 1:
        x, y = np.float32(math.floor(x + 0.5)), np.float32(math.floor(y + 0.5))
    column, row = math.floor(x), math.floor(y)
    fx, fy = np.float32(x - column), np.float32(y - row)
    x0 = _wrapped(column, width, surface["wrap_u"])
    x1 = _wrapped(column + 1, width, surface["wrap_u"])
    y0 = first + _wrapped(row, height, surface["wrap_v"]) * width
    y1 = first + _wrapped(row + 1, height, surface["wrap_v"]) * width
    one = np.float32(1.0)
    w00, w10, w01, w11 = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
    a, b, c, d = y0 + x0, y0 + x1, y1 + x0, y1 + x1
    red = _DECODE[texels[a, 0]] * w00 + _DECODE[texels[b, 0]] * w10
    red += _DECODE[texels[c, 0]] * w01 + _DECODE[texels[d, 0]] * w11
    green = _DECODE[texels[a, 1]] * w00 + _DECODE[texels[b, 1]] * w10
    green += _DECODE[texels[c, 1]] * w01 + _DECODE[texels[d, 1]] * w11
    blue = _DECODE[texels[a, 2]] * w00 + _DECODE[texels[b, 2]] * w10
    blue += _DECODE[texels[c, 2]] * w01 + _DECODE[texels[d, 2]] * w11
    alpha = texels[a, 3] * w00 + texels[b, 3] * w10 + texels[c, 3] * w01 + texels[d, 3] * w11
    return red, green, blue, alpha * np.float32(1.0 / 255.0)


@inner_kernel
def toon_color(
    lit: tuple[float, float, float],
    dark: tuple[float, float, float],
    normal: tuple[float, float, float],
    facing: float,
    outline: int,
    surface: np.void,
) -> tuple[Any, Any, Any]:
    """Toon shading of a sample, linear color: ramp, rim, emission, outline.

    Args:
        lit: texture color in light.
        dark: texture color in shade.
        normal: in the view frame, any length.
        facing: -1 for a back face.
        outline: 1 on an outline's hull.
        surface: SURFACE_DTYPE record.
    """
    share, rim = np.float32(1.0), np.float32(0.0)
    if surface["unlit"] == 0:
        nx, ny, nz = normal
        length = np.float32(math.sqrt(nx * nx + ny * ny + nz * nz)) + np.float32(1e-12)
        toward = facing * (nx * _LIGHT_X + ny * _LIGHT_Y + nz * _LIGHT_Z) / length
        share = (toward - surface["ramp_low"]) * surface["ramp_scale"]
        share = min(max(share, np.float32(0.0)), np.float32(1.0))
        if surface["has_rim"] == 1 and outline == 0:
            edge = np.float32(1.0) - facing * nz / length + surface["rim_lift"]
            rim = np.float32(min(max(edge, np.float32(0.0)), np.float32(1.0)) ** surface["rim_power"])
    rest = np.float32(1.0) - share
    base, shade, emission, rim_color = surface["base"], surface["shade"], surface["emission"], surface["rim"]
    red = lit[0] * base[0] * share + dark[0] * shade[0] * rest + emission[0] + rim * rim_color[0]
    green = lit[1] * base[1] * share + dark[1] * shade[1] * rest + emission[1] + rim * rim_color[1]
    blue = lit[2] * base[2] * share + dark[2] * shade[2] * rest + emission[2] + rim * rim_color[2]
    if outline == 1:
        mix, line = surface["outline_mix"], surface["outline"]
        plain = np.float32(1.0) - mix
        return line[0] * (plain + mix * red), line[1] * (plain + mix * green), line[2] * (plain + mix * blue)
    return red, green, blue


@inner_kernel
def matcap_light(
    texels: npt.NDArray[np.uint8],
    level: tuple[int, int, int],
    normal: tuple[float, float, float],
    facing: float,
    surface: np.void,
) -> tuple[Any, Any, Any]:
    """Matcap lookup: linear light of the sphere image where the sphere has the sample's normal."""
    nx, ny, nz = normal
    length = np.float32(math.sqrt(nx * nx + ny * ny + nz * nz)) + np.float32(1e-12)
    radius = np.float32(0.495) * facing / length  # the rim of the sphere, less a texel or so
    u, v = np.float32(0.5) + radius * nx, np.float32(0.5) - radius * ny
    red, green, blue, _ = fetch_texel(texels, level, u, v, surface)
    factor = surface["matcap"]
    return red * factor[0], green * factor[1], blue * factor[2]


@inner_kernel
def texture_detail(
    vertices: FloatArray, corners: tuple[int, int, int], width: int, height: int, count: int
) -> int:
    """Mipmap level of a triangle: half of log2 of its texels per sample.

    Args:
        vertices: (V, 8) x, y, depth, normal, u, v.
        corners: of the triangle.
        width: of the full texture.
        height: of the full texture.
        count: number of levels.
    """
    if count < 2:
        return 0
    a, b, c = corners
    area = (vertices[b, 0] - vertices[a, 0]) * (vertices[c, 1] - vertices[a, 1])
    area -= (vertices[b, 1] - vertices[a, 1]) * (vertices[c, 0] - vertices[a, 0])
    texels = (vertices[b, 6] - vertices[a, 6]) * (vertices[c, 7] - vertices[a, 7])
    texels -= (vertices[b, 7] - vertices[a, 7]) * (vertices[c, 6] - vertices[a, 6])
    ratio = abs(texels * width * height) / max(abs(area), np.float32(1e-6))
    if ratio <= 1:
        return 0
    if not ratio < _MOST_TEXELS:  # false for NaN too: neither has an integer logarithm
        return count - 1
    return min(count - 1, int(0.5 * math.log2(ratio)))

"""Triangle rasteriser kernels: depth-tested, toon-shaded, supersampled straight RGBA.

Coverage uses integer edge functions (Pineda 1988) in 1/256 pixel with the top-left rule, so that neighbouring
triangles neither overlap nor leave gaps; a sample depends on its own position only, so that the image does
not depend on its division into strips.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.render.jit import inner_kernel, kernel
from dance_now.render.texture_sampling import fetch_texel, matcap_light, texture_detail, toon_color

IntArray = npt.NDArray[np.int32]

_CLEAR = np.float32(0.002)  # alpha below half a step of uint8 draws nothing


@inner_kernel
def _fixed(value: float) -> int:
    return math.floor(value * 256.0 + 0.5)


@inner_kernel
def _owns_edge(dx: int, dy: int) -> int:
    """Top-left rule: 0 for a top or left edge of a positive triangle (y down), which owns it; else -1."""
    return 0 if dy < 0 or (dy == 0 and dx > 0) else -1


@inner_kernel
def _sample_color(
    vertices: FloatArray,
    corners: tuple[int, int, int],
    barycentric: tuple[float, float, float],
    facing: float,
    outline: int,
    surface: np.void,
    texels: npt.NDArray[np.uint8],
    base_level: tuple[int, int, int],
    shade_level: tuple[int, int, int],
    matcap_level: tuple[int, int, int],
) -> tuple[Any, Any, Any, Any]:
    """Shades a sample: linear color and alpha; alpha 0 where a mask cuts it out.

    ``barycentric`` are the weights of the triangle's corners; levels are first texel, width and height.
    """
    a, b, c = corners
    wa, wb, wc = barycentric
    u = wa * vertices[a, 6] + wb * vertices[b, 6] + wc * vertices[c, 6]
    v = wa * vertices[a, 7] + wb * vertices[b, 7] + wc * vertices[c, 7]
    one, none = np.float32(1.0), np.float32(0.0)
    lit, alpha = (one, one, one), one
    if surface["base_levels"] > 0:
        red, green, blue, alpha = fetch_texel(texels, base_level, u, v, surface)
        lit = (red, green, blue)
    alpha *= surface["base"][3]
    if surface["alpha_mode"] == 0:
        alpha = one
    elif surface["alpha_mode"] == 1:
        if alpha < surface["cutoff"]:
            return none, none, none, none
        alpha = one
    dark = (one, one, one)
    if surface["shade_level"] == surface["base_level"]:
        dark = lit
    elif surface["shade_levels"] > 0:
        red, green, blue, _ = fetch_texel(texels, shade_level, u, v, surface)
        dark = (red, green, blue)
    normal = (
        wa * vertices[a, 3] + wb * vertices[b, 3] + wc * vertices[c, 3],
        wa * vertices[a, 4] + wb * vertices[b, 4] + wc * vertices[c, 4],
        wa * vertices[a, 5] + wb * vertices[b, 5] + wc * vertices[c, 5],
    )
    red, green, blue = toon_color(lit, dark, normal, facing, outline, surface)
    if surface["has_matcap"] == 1 and outline == 0:
        more_red, more_green, more_blue = matcap_light(texels, matcap_level, normal, facing, surface)
        red += more_red
        green += more_green
        blue += more_blue
    return min(red, one), min(green, one), min(blue, one), min(max(alpha, none), one)


@inner_kernel
def _texture_levels(
    vertices: FloatArray, corners: tuple[int, int, int], levels: npt.NDArray[np.int64], surface: np.void
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Mipmap levels (first texel, width, height) that a triangle samples for light and for shade.

    They are levels of the two textures whatever the triangle's coordinates.
    """
    base, shade = max(surface["base_level"], 0), max(surface["shade_level"], 0)
    detail = texture_detail(vertices, corners, levels[base, 1], levels[base, 2], surface["base_levels"])
    base += detail
    shade += min(detail, max(surface["shade_levels"] - 1, 0))
    return (levels[base, 0], levels[base, 1], levels[base, 2]), (
        levels[shade, 0],
        levels[shade, 1],
        levels[shade, 2],
    )


@kernel
def _draw_triangle(
    vertices: FloatArray,
    triangles: IntArray,
    t: int,
    surface: np.void,
    outline: int,
    texels: npt.NDArray[np.uint8],
    levels: npt.NDArray[np.int64],
    first_row: int,
    depth: FloatArray,
    color: FloatArray,
) -> None:
    """Rasterises into a strip: ``depth`` (rows, edge), premultiplied linear ``color`` (rows, edge, 4)."""
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax, ay = _fixed(vertices[a, 0]), _fixed(vertices[a, 1])
    bx, by = _fixed(vertices[b, 0]), _fixed(vertices[b, 1])
    cx, cy = _fixed(vertices[c, 0]), _fixed(vertices[c, 1])
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area == 0:
        return
    facing = np.float32(-1.0) if area > 0 and outline == 0 else np.float32(1.0)
    if area < 0:  # the edge functions below want positive area
        b, c, area = c, b, -area
        bx, by, cx, cy = cx, cy, bx, by
    rows, edge = depth.shape
    top, bottom = max(min(ay, by, cy) // 256, first_row), min(max(ay, by, cy) // 256, first_row + rows - 1)
    left, right = max(min(ax, bx, cx) // 256, 0), min(max(ax, bx, cx) // 256, edge - 1)
    own_a, own_b = _owns_edge(cx - bx, cy - by), _owns_edge(ax - cx, ay - cy)
    own_c = _owns_edge(bx - ax, by - ay)
    base_level, shade_level = _texture_levels(vertices, (a, b, c), levels, surface)
    matcap = max(surface["matcap_level"], 0)
    matcap_level = levels[matcap, 0], levels[matcap, 1], levels[matcap, 2]
    za, zb, zc = vertices[a, 2], vertices[b, 2], vertices[c, 2]
    per_area, one = 1.0 / area, np.float32(1.0)
    step_a, step_b = (by - cy) * 256, (cy - ay) * 256
    for row in range(top, bottom + 1):
        px, py, line = left * 256 + 128, row * 256 + 128, row - first_row
        edge_a = (cx - bx) * (py - by) - (cy - by) * (px - bx) - step_a
        edge_b = (ax - cx) * (py - cy) - (ay - cy) * (px - cx) - step_b
        for column in range(left, right + 1):
            edge_a += step_a
            edge_b += step_b
            if edge_a + own_a < 0 or edge_b + own_b < 0 or area - edge_a - edge_b + own_c < 0:
                continue
            wa, wb = np.float32(edge_a * per_area), np.float32(edge_b * per_area)
            wc = one - wa - wb
            z = wa * za + wb * zb + wc * zc
            if not z < depth[line, column]:
                continue
            red, green, blue, alpha = _sample_color(
                vertices,
                (a, b, c),
                (wa, wb, wc),
                facing,
                outline,
                surface,
                texels,
                base_level,
                shade_level,
                matcap_level,
            )
            if alpha <= _CLEAR:
                continue
            if surface["writes_depth"] == 1:
                depth[line, column] = z
            behind = one - alpha
            color[line, column, 0] = red * alpha + color[line, column, 0] * behind
            color[line, column, 1] = green * alpha + color[line, column, 1] * behind
            color[line, column, 2] = blue * alpha + color[line, column, 2] * behind
            color[line, column, 3] = alpha + color[line, column, 3] * behind


@inner_kernel
def _encode(linear: float) -> int:
    """Encodes linear light as sRGB uint8."""
    if linear <= 0.0031308:
        encoded = 12.92 * max(linear, 0.0)
    else:
        encoded = 1.055 * min(linear, 1.0) ** (1.0 / 2.4) - 0.055
    return int(encoded * 255.0 + 0.5)


@kernel
def _resolve(color: FloatArray, supersampling: int, picture: npt.NDArray[np.uint8]) -> None:
    """Resolves supersampling: averages premultiplied linear samples to straight sRGB RGBA rows."""
    k = supersampling
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            red, green, blue, alpha = 0.0, 0.0, 0.0, 0.0
            for i in range(y * k, y * k + k):
                for j in range(x * k, x * k + k):
                    red += color[i, j, 0]
                    green += color[i, j, 1]
                    blue += color[i, j, 2]
                    alpha += color[i, j, 3]
            if alpha > 0:
                picture[y, x, 0] = _encode(red / alpha)
                picture[y, x, 1] = _encode(green / alpha)
                picture[y, x, 2] = _encode(blue / alpha)
                picture[y, x, 3] = int(min(alpha / (k * k), 1.0) * 255.0 + 0.5)


@kernel
def draw_strip(
    vertices: FloatArray,
    triangles: IntArray,
    kinds: IntArray,
    members: IntArray,
    surfaces: npt.NDArray[np.void],
    texels: npt.NDArray[np.uint8],
    levels: npt.NDArray[np.int64],
    first_row: int,
    supersampling: int,
    depth: FloatArray,
    picture: npt.NDArray[np.uint8],
) -> None:
    """Rasterises one strip of the image.

    Args:
        vertices: (V, 8) x, y, depth in samples, normal in the view frame, u, v.
        triangles: (T, 3).
        kinds: (T, 2) surface, and 1 for an outline's hull.
        members: triangles to draw, in order.
        surfaces: SURFACE records.
        texels: (X, 4) uint8 of all textures' levels.
        levels: (L, 3) first texel, width, height of each level.
        first_row: the strip's first row of samples.
        supersampling: samples along a pixel's edge.
        depth: (samples, samples) of the strip, infinite; written where something hides what is behind it.
        picture: (rows, edge, 4) uint8, zeros; written.
    """
    if not len(members):
        return
    color = np.zeros((*depth.shape, 4), np.float32)
    for t in members:
        surface = surfaces[kinds[t, 0]]
        _draw_triangle(vertices, triangles, t, surface, kinds[t, 1], texels, levels, first_row, depth, color)
    _resolve(color, supersampling, picture)

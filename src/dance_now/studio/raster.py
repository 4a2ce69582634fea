"""The rasteriser's kernels: triangles in, straight RGBA out.

Coverage uses integer edge functions (1/256 pixel) with the top-left rule, so that neighbouring triangles
neither overlap nor leave gaps; every sample depends on nothing but its own place, so that a picture does
not depend on how it was cut into strips.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from dance_now.studio.jit import kernel

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

SURFACE = np.dtype(
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
        ("cutoff", np.float32),
        ("alpha_mode", np.int32),
        ("unlit", np.int32),
        ("has_rim", np.int32),
        ("writes_depth", np.int32),
        ("double_sided", np.int32),
        ("base_level", np.int32),
        ("base_levels", np.int32),
        ("shade_level", np.int32),
        ("shade_levels", np.int32),
        ("wrap_u", np.int32),
        ("wrap_v", np.int32),
        ("nearest", np.int32),
    ]
)
"""A material as the kernels read it. Modes: alpha 0 opaque, 1 mask, 2 blend; wrap 0 repeat, 1 clamp, 2 mirror.
Levels are rows of the table of texture levels; 0 of them means white."""

_SUBPIXEL = 256.0
_FAR_OUTSIDE = 100000.0  # samples; beyond it coordinates could overflow


@kernel
def place_vertices(
    positions: FloatArray,
    normals: FloatArray,
    view: FloatArray,
    placed: FloatArray,
    turned: FloatArray,
) -> None:
    """Projects vertices: positions (V, 3) by the (3, 4) matrix ``view`` to x, y, depth in samples.

    ``normals`` are turned by its (unit) rotation rows into the view frame; ``placed`` and ``turned`` (V, 3)
    are written.
    """
    scale = np.float32(math.sqrt(view[0, 0] ** 2 + view[0, 1] ** 2 + view[0, 2] ** 2))
    signs = (np.float32(1.0) / scale, np.float32(-1.0) / scale, np.float32(-1.0) / scale)
    for i in range(positions.shape[0]):
        x, y, z = positions[i, 0], positions[i, 1], positions[i, 2]
        u, v, w = normals[i, 0], normals[i, 1], normals[i, 2]
        for row in range(3):
            placed[i, row] = view[row, 0] * x + view[row, 1] * y + view[row, 2] * z + view[row, 3]
            turned[i, row] = (view[row, 0] * u + view[row, 1] * v + view[row, 2] * w) * signs[row]


@kernel
def place_outline(
    placed: FloatArray, turned: FloatArray, world_width: FloatArray, screen_width: FloatArray
) -> None:
    """Pushes vertices out along their view-space normals, to the outline's hull.

    Args:
        placed: (V, 3) x, y, depth in samples, changed in place.
        turned: (V, 3) normals in the view frame.
        world_width: (V,) samples along the normal.
        screen_width: (V,) samples across the canvas only, fading where the surface faces the viewer (as in
            MToon).
    """
    for i in range(placed.shape[0]):
        nx, ny, nz = turned[i, 0], turned[i, 1], turned[i, 2]
        along = world_width[i]
        reach = along
        flat = np.float32(math.sqrt(nx * nx + ny * ny))
        if screen_width[i] > 0 and flat > np.float32(1e-6):
            reach += screen_width[i] * max(np.float32(1.0) - abs(nz), np.float32(0.0)) / flat
        placed[i, 0] += nx * reach
        placed[i, 1] -= ny * reach
        placed[i, 2] -= nz * along


@kernel
def _rows_covered(
    vertices: FloatArray, triangles: IntArray, t: int, outline: int, double_sided: int, edge: int
) -> tuple[int, int]:
    """First and last row of samples a triangle may touch; last < first where it cannot be seen."""
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax, bx, cx = vertices[a, 0], vertices[b, 0], vertices[c, 0]
    ay, by, cy = vertices[a, 1], vertices[b, 1], vertices[c, 1]
    reach = max(abs(ax), abs(bx), abs(cx), abs(ay), abs(by), abs(cy))
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if not (reach < _FAR_OUTSIDE and area != 0):  # so that a number that is none fails too
        return 0, -1
    front = area < 0  # counter-clockwise, seen with y down
    if (outline == 1 and front) or (outline == 0 and double_sided == 0 and not front):
        return 0, -1
    if max(ax, bx, cx) < 0 or min(ax, bx, cx) > edge:
        return 0, -1
    low = max(0, int(math.floor(min(ay, by, cy) - 0.5)))
    high = min(edge - 1, int(math.ceil(max(ay, by, cy) - 0.5)))
    return low, high


@kernel
def bin_triangles(
    vertices: FloatArray,
    triangles: IntArray,
    kinds: IntArray,
    surfaces: npt.NDArray[np.void],
    edge: int,
    strip_rows: int,
) -> tuple[IntArray, IntArray]:
    """Lists for each strip of rows the triangles that may touch it, in drawing order.

    Args:
        vertices: (V, 3) x, y, depth in samples.
        triangles: (T, 3).
        kinds: (T, 2) surface, and 1 for an outline's hull.
        surfaces: SURFACE records.
        edge: canvas edge in samples.
        strip_rows: rows of samples in a strip.

    Returns:
        starts (strips + 1,) and members: strip s draws members[starts[s]:starts[s + 1]].
    """
    strips = (edge + strip_rows - 1) // strip_rows
    span = np.empty((triangles.shape[0], 2), np.int32)
    starts = np.zeros(strips + 1, np.int32)
    for t in range(triangles.shape[0]):
        low, high = _rows_covered(
            vertices, triangles, t, kinds[t, 1], surfaces[kinds[t, 0]]["double_sided"], edge
        )
        span[t, 0], span[t, 1] = low // strip_rows, high // strip_rows if high >= low else -1
        for s in range(span[t, 0], span[t, 1] + 1):
            starts[s + 1] += 1
    for s in range(strips):
        starts[s + 1] += starts[s]
    members = np.empty(starts[strips], np.int32)
    cursor = starts.copy()
    for t in range(triangles.shape[0]):
        for s in range(span[t, 0], span[t, 1] + 1):
            members[cursor[s]] = t
            cursor[s] += 1
    return starts, members


@kernel
def _wrapped(index: int, size: int, wrap: int) -> int:
    if 0 <= index < size:  # nearly always, and a division is slow
        return index
    if wrap == 1:
        return min(max(index, 0), size - 1)
    if wrap == 2:
        index %= 2 * size
        return index if index < size else 2 * size - 1 - index
    return index % size


@kernel
def _fetch(
    texels: npt.NDArray[np.uint8],
    levels: npt.NDArray[np.int64],
    level: int,
    decode: FloatArray,
    u: float,
    v: float,
    surface: np.void,
) -> tuple[float, float, float, float]:
    """Bilinear sample of one texture level: linear colour and alpha."""
    first, width, height = levels[level, 0], levels[level, 1], levels[level, 2]
    x, y = u * width - np.float32(0.5), v * height - np.float32(0.5)
    if surface["nearest"] == 1:
        x, y = np.float32(math.floor(x + 0.5)), np.float32(math.floor(y + 0.5))
    column, row = int(math.floor(x)), int(math.floor(y))
    fx, fy = np.float32(x - column), np.float32(y - row)
    x0 = _wrapped(column, width, surface["wrap_u"])
    x1 = _wrapped(column + 1, width, surface["wrap_u"])
    y0 = first + _wrapped(row, height, surface["wrap_v"]) * width
    y1 = first + _wrapped(row + 1, height, surface["wrap_v"]) * width
    one = np.float32(1.0)
    w00, w10, w01, w11 = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
    a, b, c, d = y0 + x0, y0 + x1, y1 + x0, y1 + x1
    red = decode[texels[a, 0]] * w00 + decode[texels[b, 0]] * w10
    red += decode[texels[c, 0]] * w01 + decode[texels[d, 0]] * w11
    green = decode[texels[a, 1]] * w00 + decode[texels[b, 1]] * w10
    green += decode[texels[c, 1]] * w01 + decode[texels[d, 1]] * w11
    blue = decode[texels[a, 2]] * w00 + decode[texels[b, 2]] * w10
    blue += decode[texels[c, 2]] * w01 + decode[texels[d, 2]] * w11
    alpha = texels[a, 3] * w00 + texels[b, 3] * w10 + texels[c, 3] * w01 + texels[d, 3] * w11
    alpha *= np.float32(1.0 / 255.0)
    return red, green, blue, alpha


@kernel
def _shade_sample(
    lit: tuple[float, float, float],
    dark: tuple[float, float, float],
    normal: tuple[float, float, float],
    facing: float,
    surface: np.void,
    light: FloatArray,
    outline: int,
) -> tuple[float, float, float]:
    """Linear colour of a sample: toon ramp, rim, emission, outline. ``normal`` is in the view frame."""
    share = np.float32(1.0)
    rim = np.float32(0.0)
    if surface["unlit"] == 0:
        nx, ny, nz = normal
        length = np.float32(math.sqrt(nx * nx + ny * ny + nz * nz)) + np.float32(1e-12)
        toward = facing * (nx * light[0] + ny * light[1] + nz * light[2]) / length
        share = (toward - surface["ramp_low"]) * surface["ramp_scale"]
        share = min(max(share, np.float32(0.0)), np.float32(1.0))
        if surface["has_rim"] == 1 and outline == 0:
            edge = np.float32(1.0) - facing * nz / length + surface["rim_lift"]
            rim = np.float32(min(max(edge, np.float32(0.0)), np.float32(1.0)) ** surface["rim_power"])
    rest = np.float32(1.0) - share
    base, shade, emission, rim_colour = surface["base"], surface["shade"], surface["emission"], surface["rim"]
    red = lit[0] * base[0] * share + dark[0] * shade[0] * rest + emission[0] + rim * rim_colour[0]
    green = lit[1] * base[1] * share + dark[1] * shade[1] * rest + emission[1] + rim * rim_colour[1]
    blue = lit[2] * base[2] * share + dark[2] * shade[2] * rest + emission[2] + rim * rim_colour[2]
    if outline == 1:
        mix, line = surface["outline_mix"], surface["outline"]
        plain = np.float32(1.0) - mix
        return line[0] * (plain + mix * red), line[1] * (plain + mix * green), line[2] * (plain + mix * blue)
    return red, green, blue


@kernel
def _texture_detail(
    vertices: FloatArray, uv: FloatArray, corners: tuple[int, int, int], levels: npt.NDArray[np.int64], first: int, count: int
) -> int:
    """How many levels down a triangle's texture is sampled: half of log2 of its texels per sample."""
    if count < 2:
        return 0
    a, b, c = corners
    area = (vertices[b, 0] - vertices[a, 0]) * (vertices[c, 1] - vertices[a, 1])
    area -= (vertices[b, 1] - vertices[a, 1]) * (vertices[c, 0] - vertices[a, 0])
    texels = (uv[b, 0] - uv[a, 0]) * (uv[c, 1] - uv[a, 1]) - (uv[b, 1] - uv[a, 1]) * (uv[c, 0] - uv[a, 0])
    texels *= levels[first, 1] * levels[first, 2]
    ratio = abs(texels) / max(abs(area), np.float32(1e-6))
    if ratio <= 1:
        return 0
    return min(count - 1, int(0.5 * math.log2(ratio)))


@kernel
def _fixed(value: float) -> int:
    return int(math.floor(value * _SUBPIXEL + 0.5))


@kernel
def _owns_edge(dx: int, dy: int) -> int:
    """0 for a top or left edge of a triangle with positive area (y down), which owns samples on it; else -1."""
    return 0 if dy < 0 or (dy == 0 and dx > 0) else -1


@kernel
def _draw_triangle(
    vertices: FloatArray,
    normals: FloatArray,
    uv: FloatArray,
    triangles: IntArray,
    t: int,
    surface: np.void,
    outline: int,
    texels: npt.NDArray[np.uint8],
    levels: npt.NDArray[np.int64],
    decode: FloatArray,
    light: FloatArray,
    first_row: int,
    depth: FloatArray,
    colour: FloatArray,
) -> None:
    """Draws into a strip: ``depth`` (rows, edge) and premultiplied linear ``colour`` (rows, edge, 4)."""
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax, ay = _fixed(vertices[a, 0]), _fixed(vertices[a, 1])
    bx, by = _fixed(vertices[b, 0]), _fixed(vertices[b, 1])
    cx, cy = _fixed(vertices[c, 0]), _fixed(vertices[c, 1])
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area == 0:
        return
    facing = np.float32(1.0)
    if area > 0:
        if outline == 0:
            facing = np.float32(-1.0)
    else:  # the edge functions below want positive area
        b, c = c, b
        bx, by, cx, cy = cx, cy, bx, by
        area = -area
    rows, edge = depth.shape
    top = max(min(ay, by, cy) // 256, first_row)
    bottom = min(max(ay, by, cy) // 256, first_row + rows - 1)
    left, right = max(min(ax, bx, cx) // 256, 0), min(max(ax, bx, cx) // 256, edge - 1)
    own_a, own_b, own_c = (
        _owns_edge(cx - bx, cy - by),
        _owns_edge(ax - cx, ay - cy),
        _owns_edge(bx - ax, by - ay),
    )
    detail = _texture_detail(vertices, uv, (a, b, c), levels, surface["base_level"], surface["base_levels"])
    shade_detail = min(detail, max(surface["shade_levels"] - 1, 0))
    share_scale = 1.0 / area
    base_alpha, mode, cutoff = surface["base"][3], surface["alpha_mode"], surface["cutoff"]
    za, zb, zc = vertices[a, 2], vertices[b, 2], vertices[c, 2]
    one = np.float32(1.0)
    for row in range(top, bottom + 1):
        py = row * 256 + 128
        px = left * 256 + 128
        edge_a = (cx - bx) * (py - by) - (cy - by) * (px - bx)
        edge_b = (ax - cx) * (py - cy) - (ay - cy) * (px - cx)
        edge_c = area - edge_a - edge_b
        step_a, step_b = -(cy - by) * 256, -(ay - cy) * 256
        step_c = -step_a - step_b
        line = row - first_row
        for column in range(left, right + 1):
            inside = edge_a + own_a >= 0 and edge_b + own_b >= 0 and edge_c + own_c >= 0
            if inside:
                wa, wb = np.float32(edge_a * share_scale), np.float32(edge_b * share_scale)
                wc = one - wa - wb
                z = wa * za + wb * zb + wc * zc
                inside = z < depth[line, column]
            edge_a += step_a
            edge_b += step_b
            edge_c += step_c
            if not inside:
                continue
            u = wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0]
            v = wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1]
            lit, alpha = (one, one, one), one
            if surface["base_levels"] > 0:
                red, green, blue, alpha = _fetch(
                    texels, levels, surface["base_level"] + detail, decode, u, v, surface
                )
                lit = (red, green, blue)
            alpha *= base_alpha
            if mode == 0:
                alpha = one
            elif mode == 1:
                if alpha < cutoff:
                    continue
                alpha = one
            elif alpha <= np.float32(0.002):
                continue
            dark = (one, one, one)
            if surface["shade_level"] == surface["base_level"]:
                dark = lit
            elif surface["shade_levels"] > 0:
                red, green, blue, _ = _fetch(
                    texels, levels, surface["shade_level"] + shade_detail, decode, u, v, surface
                )
                dark = (red, green, blue)
            normal = (
                wa * normals[a, 0] + wb * normals[b, 0] + wc * normals[c, 0],
                wa * normals[a, 1] + wb * normals[b, 1] + wc * normals[c, 1],
                wa * normals[a, 2] + wb * normals[b, 2] + wc * normals[c, 2],
            )
            red, green, blue = _shade_sample(lit, dark, normal, facing, surface, light, outline)
            if surface["writes_depth"] == 1:
                depth[line, column] = z
            behind = one - alpha
            colour[line, column, 0] = min(red, one) * alpha + colour[line, column, 0] * behind
            colour[line, column, 1] = min(green, one) * alpha + colour[line, column, 1] * behind
            colour[line, column, 2] = min(blue, one) * alpha + colour[line, column, 2] * behind
            colour[line, column, 3] = alpha + colour[line, column, 3] * behind


@kernel
def _encode(linear: float) -> int:
    """Linear light -> sRGB uint8."""
    if linear <= 0.0031308:
        encoded = 12.92 * max(linear, 0.0)
    else:
        encoded = 1.055 * min(linear, 1.0) ** (1.0 / 2.4) - 0.055
    return int(encoded * 255.0 + 0.5)


@kernel
def _resolve(colour: FloatArray, supersampling: int, picture: npt.NDArray[np.uint8]) -> None:
    """Averages premultiplied linear samples and writes straight sRGB RGBA rows."""
    k = supersampling
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            red, green, blue, alpha = 0.0, 0.0, 0.0, 0.0
            for i in range(y * k, y * k + k):
                for j in range(x * k, x * k + k):
                    red += colour[i, j, 0]
                    green += colour[i, j, 1]
                    blue += colour[i, j, 2]
                    alpha += colour[i, j, 3]
            if alpha > 0:
                picture[y, x, 0] = _encode(red / alpha)
                picture[y, x, 1] = _encode(green / alpha)
                picture[y, x, 2] = _encode(blue / alpha)
                picture[y, x, 3] = int(min(alpha / (k * k), 1.0) * 255.0 + 0.5)


@kernel
def draw_strip(
    vertices: FloatArray,
    normals: FloatArray,
    uv: FloatArray,
    triangles: IntArray,
    kinds: IntArray,
    members: IntArray,
    surfaces: npt.NDArray[np.void],
    texels: npt.NDArray[np.uint8],
    levels: npt.NDArray[np.int64],
    decode: FloatArray,
    light: FloatArray,
    first_row: int,
    supersampling: int,
    picture: npt.NDArray[np.uint8],
) -> None:
    """Draws one strip of the picture.

    Args:
        vertices: (V, 3) x, y, depth in samples.
        normals: (V, 3) in the view frame.
        uv: (V, 2).
        triangles: (T, 3).
        kinds: (T, 2) surface, and 1 for an outline's hull.
        members: triangles to draw, in order.
        surfaces: SURFACE records.
        texels: (X, 4) uint8 of all textures' levels.
        levels: (L, 3) first texel, width, height of each level.
        decode: (256,) sRGB uint8 -> linear.
        light: (3,) direction to the light in the view frame.
        first_row: the strip's first row of samples.
        supersampling: samples along a pixel's edge.
        picture: (rows, edge, 4) uint8, zeros; written.
    """
    if not len(members):
        return
    rows, edge = picture.shape[0] * supersampling, picture.shape[1] * supersampling
    depth = np.full((rows, edge), np.float32(np.inf), np.float32)
    colour = np.zeros((rows, edge, 4), np.float32)
    for t in members:
        _draw_triangle(
            vertices,
            normals,
            uv,
            triangles,
            t,
            surfaces[kinds[t, 0]],
            kinds[t, 1],
            texels,
            levels,
            decode,
            light,
            first_row,
            depth,
            colour,
        )
    _resolve(colour, supersampling, picture)

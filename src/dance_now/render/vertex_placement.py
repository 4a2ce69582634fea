"""Vertex kernels: projection, outline hulls, and binning of triangles into strips."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.render.jit import inner_kernel, kernel

IntArray = npt.NDArray[np.int32]

_FAR_OUTSIDE = 100000.0  # samples; beyond it coordinates could overflow


@kernel
def place_vertices(
    positions: FloatArray, normals: FloatArray, view: FloatArray, vertices: FloatArray
) -> None:
    """Projects vertices onto the canvas.

    Args:
        positions: (V, 3) metres.
        normals: (V, 3).
        view: (3, 4) character frame -> x, y (down), depth in samples.
        vertices: (V, 8), written: x, y, depth in samples, then the normal in the view frame.
    """
    scale = np.float32(math.sqrt(view[0, 0] ** 2 + view[0, 1] ** 2 + view[0, 2] ** 2))
    signs = (np.float32(1.0) / scale, np.float32(-1.0) / scale, np.float32(-1.0) / scale)
    for i in range(positions.shape[0]):
        x, y, z = positions[i, 0], positions[i, 1], positions[i, 2]
        u, v, w = normals[i, 0], normals[i, 1], normals[i, 2]
        for row in range(3):
            a, b, c = view[row, 0], view[row, 1], view[row, 2]
            vertices[i, row] = a * x + b * y + c * z + view[row, 3]
            vertices[i, 3 + row] = (a * u + b * v + c * w) * signs[row]


@kernel
def place_outline(vertices: FloatArray, world_width: FloatArray, screen_width: FloatArray) -> None:
    """Offsets vertices along their view-space normals, to the outline's inverted hull.

    Args:
        vertices: (V, 8) as place_vertices writes them, changed in place.
        world_width: (V,) samples along the normal.
        screen_width: (V,) samples across the canvas only, fading where the surface faces the viewer (as in
            MToon).
    """
    for i in range(vertices.shape[0]):
        nx, ny, nz = vertices[i, 3], vertices[i, 4], vertices[i, 5]
        along = world_width[i]
        reach = along
        flat = np.float32(math.sqrt(nx * nx + ny * ny))
        if screen_width[i] > 0 and flat > np.float32(1e-6):
            reach += screen_width[i] * max(np.float32(1.0) - abs(nz), np.float32(0.0)) / flat
        vertices[i, 0] += nx * reach
        vertices[i, 1] -= ny * reach
        vertices[i, 2] -= nz * along


@inner_kernel
def _rows_covered(
    vertices: FloatArray, triangles: IntArray, t: int, outline: int, double_sided: int, edge: int
) -> tuple[int, int]:
    """First and last row of samples a triangle may cover; last < first where it is culled."""
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax, bx, cx = vertices[a, 0], vertices[b, 0], vertices[c, 0]
    ay, by, cy = vertices[a, 1], vertices[b, 1], vertices[c, 1]
    reach = max(abs(ax), abs(bx), abs(cx), abs(ay), abs(by), abs(cy))
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if not (reach < _FAR_OUTSIDE and area != 0):  # written so that NaN fails too
        return 0, -1
    front = area < 0  # counter-clockwise, seen with y down
    if (outline == 1 and front) or (outline == 0 and double_sided == 0 and not front):
        return 0, -1
    if max(ax, bx, cx) < 0 or min(ax, bx, cx) > edge:
        return 0, -1
    low = max(0, math.floor(min(ay, by, cy) - 0.5))
    high = min(edge - 1, math.ceil(max(ay, by, cy) - 0.5))
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
    """Bins triangles by the strips of rows they may cover, in drawing order.

    Args:
        vertices: (V, 8), x and y in samples first.
        triangles: (T, 3).
        kinds: (T, 2) surface, and 1 for an outline's hull.
        surfaces: SURFACE_DTYPE records.
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

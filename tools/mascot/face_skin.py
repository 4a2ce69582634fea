"""Face skin mesh with eye holes, a mouth slit and morph targets."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.spatial import Delaunay

from dance_now.core.arrays import BoolArray
from tools.mascot import skull
from tools.mascot.expressions import (
    EYE,
    EYE_SIZE,
    LIDS,
    LIPS,
    MOUTH,
    MOUTH_WIDTH,
    bulge,
    lip_line,
    lower_lid,
    skin_moves,
    upper_lid,
)
from tools.mascot.surface import (
    Indices,
    Points,
    Surface,
    Triangles,
    other_side,
    smooth_step,
    surface_normals,
    unit,
)

_LOOP: Final = 22  # points of a lid
_EYE_RINGS: Final = ((1.10, 40), (1.24, 36), (1.42, 32), (1.66, 28))
_MOUTH_RINGS: Final = ((0.0022, 36), (0.0050, 32), (0.0090, 28), (0.0140, 26))
_TOP: Final = 1.356
FACE_UV_BOX: Final = (-0.13, 1.10, 0.26, 0.31)
"""Extent of the face's texture: lowest x and y, width and height, metres."""


def eye_loop() -> Points:
    """Rim (n, 2) of the left eye, x and y: from the inner corner over the upper lid, and back below."""
    e = -np.cos(np.linspace(0, np.pi, _LOOP))
    top = np.stack([e, upper_lid(e)], axis=1)
    bottom = np.stack([e, lower_lid(e)], axis=1)[-2:0:-1]
    return np.asarray(np.concatenate([top, bottom]) * EYE_SIZE + EYE)


def face_skin() -> Surface:
    """Face mesh with jaw and temples; texture coordinates are those of the face's texture."""
    flat, slit = _layout()
    heights = skull.height_at(flat[:, 1])
    angle = flat[:, 0] / np.maximum(skull.section(heights)[:, 0], 1e-9) * np.pi / 2
    positions = skull.around(np.clip(angle, -np.pi, np.pi), heights)
    triangles = _triangulate(flat, positions)
    positions, triangles, lower = _cut_mouth(positions, triangles, slit)
    morphs = {name: _morph(name, positions, lower) for name in (*LIDS, *LIPS)}
    morphs[other_side("blinkLeft")] = morphs["blink"] - morphs["blinkLeft"]
    x, y, width, height = FACE_UV_BOX
    uv = np.stack([(positions[:, 0] - x) / width, 1 - (positions[:, 1] - y) / height], axis=1)
    skin = {"head": np.ones(len(positions))}
    normals = soft_normals(positions, surface_normals(positions, triangles))
    return Surface(positions, normals, uv, triangles, skin, morphs)


def soft_normals(positions: Points, normals: Points) -> Points:
    """Shading normals (V, 3) of a plain egg, but for the jaw's underside: a toon face has no dents."""
    egg = unit((positions - (0.0, 1.262, -0.030)) / (0.118, 0.175, 0.125))
    under = smooth_step((normals * egg).sum(axis=1), 0.80, 0.55)[:, None]
    under *= smooth_step(positions[:, 1:2], 1.175, 1.160)
    under = np.maximum(under, smooth_step(positions[:, 1:2], skull.CHIN + 0.004, skull.CHIN + 0.001))
    return unit(egg + under * (normals - egg))


def _reach(y: Points) -> Points:
    """Extent of the skin round the head, in quarter turns from the front: less where hair hides it."""
    return 2.0 - 0.8 * smooth_step(y, 1.175, 1.215)


def _to_flat(x: Points, y: Points) -> Points:
    """Unrolled coordinates of what is seen at x, y from the front: way round at that height, and way up."""
    share = skull.angle_of(x, y) / (np.pi / 2)
    return np.stack([share * skull.section(y)[..., 0], skull.way_up(y)], axis=-1)


def _layout() -> tuple[Points, Indices]:
    """Vertex layout: points (n, 2) on the unrolled head, and the indices of the mouth's slit among them."""
    loop = eye_loop()
    s = np.linspace(-1, 1, 19)
    slit = np.stack([MOUTH[0] + s * MOUTH_WIDTH, MOUTH[1] + lip_line(s)], axis=1)
    shapes = [slit, loop, loop * (-1, 1)]
    for scale, count in _EYE_RINGS:
        pick = np.linspace(0, len(loop), count, endpoint=False)
        closed = np.concatenate([loop, loop[:1]])
        places = np.arange(len(closed))
        base = np.stack([np.interp(pick, places, closed[:, axis]) for axis in (0, 1)], axis=1)
        wide = (base - EYE) * scale + EYE
        wide = wide[wide[:, 0] > 0.004]
        shapes += [wide, wide * (-1, 1)]
    for reach, count in _MOUTH_RINGS:
        a = np.linspace(0, 2 * np.pi, count, endpoint=False)
        ring = np.stack([(MOUTH_WIDTH + reach) * np.cos(a), reach * np.sin(a)], axis=1) + MOUTH
        ring[:, 1] += lip_line(ring[:, 0] / MOUTH_WIDTH).clip(-0.002, 0.0024)
        shapes.append(ring)
    drawn = np.concatenate(shapes)
    features = _to_flat(drawn[:, 0], drawn[:, 1])
    return np.concatenate([features, _background(features)]), np.arange(len(slit))


def _background(features: Points) -> Points:
    """Vertices for the rest of the head, fine in front and coarse behind, clear of the features."""
    found = []
    step = 0.0074
    for row, way in enumerate(np.arange(step * 0.6, float(skull.way_up(_TOP)), step)):
        height = skull.height_at(way)
        end = float(_reach(height) * skull.section(height)[0])
        gap = min(step, end / 3)
        half = np.arange(gap / 2 * (row % 2), end - 0.4 * gap, gap)
        half = half[(half < 0.11) | (np.arange(len(half)) % 2 == 0)]
        u = np.unique(np.r_[-half, half, -end, end])
        found.append(np.stack([u, np.full(len(u), way)], axis=1))
    grid = np.concatenate([*found, [[0.0, 0.0]]])
    clearance = np.linalg.norm(grid[:, None] - features[None], axis=2).min(axis=1)
    keep = clearance > 0.0042
    for side in (1, -1):
        e = (grid - _to_flat(np.array(side * EYE[0]), np.array(EYE[1]))) / (np.array(EYE_SIZE) * 1.6)
        keep &= np.linalg.norm(e, axis=1) > 1
    return np.asarray(grid[keep])


def _triangulate(flat: Points, positions: Points) -> Triangles:
    triangles = Delaunay(flat).simplices.astype(np.int64)
    corners = flat[triangles]
    edge = corners[:, 1:] - corners[:, :1]
    turn = edge[:, 0, 0] * edge[:, 1, 1] - edge[:, 0, 1] * edge[:, 1, 0]
    triangles[turn < 0] = triangles[turn < 0][:, ::-1]
    middle = corners.mean(axis=1)
    seen = positions[triangles].mean(axis=1)
    heights = skull.height_at(middle[:, 1])
    keep = np.abs(middle[:, 0]) < _reach(heights) * skull.section(heights)[:, 0] + 1e-4
    keep &= np.abs(turn) > 1e-9
    for side in (1, -1):
        e = (seen[:, 0] * side - EYE[0]) / EYE_SIZE[0]
        h = (seen[:, 1] - EYE[1]) / EYE_SIZE[1]
        within = np.clip(e, -1, 1)
        keep &= ~((np.abs(e) < 1) & (h < upper_lid(within)) & (h > lower_lid(within)))
    return triangles[keep]


def _cut_mouth(positions: Points, triangles: Triangles, slit: Indices) -> tuple[Points, Triangles, BoolArray]:
    """Cuts the mouth open: the lower lip gets vertices of its own along the slit; returns which they are."""
    inner = slit[1:-1]
    copies = np.arange(len(inner)) + len(positions)
    renamed = np.arange(len(positions) + len(inner))
    renamed[inner] = copies
    middle = positions[triangles].mean(axis=1)
    s = np.clip((middle[:, 0] - MOUTH[0]) / MOUTH_WIDTH, -1, 1)
    below = middle[:, 1] < MOUTH[1] + lip_line(s)
    triangles = np.where(below[:, None], renamed[triangles], triangles)
    positions = np.concatenate([positions, positions[inner]])
    lower = np.zeros(len(positions), np.bool_)
    lower[copies] = True
    return positions, triangles, lower


def _morph(name: str, positions: Points, lower: BoolArray) -> Points:
    """Morph target (V, 3): displacement of the skin, which slides over the skull."""
    x, y = positions[:, 0], positions[:, 1]
    nudge = np.where(lower, -1e-7, 1e-7)  # vertices on the slit itself belong to one lip
    across, up = skin_moves(name, x, y + nudge)
    moved = (np.abs(across) + np.abs(up) > 1e-9) & (positions[:, 2] > 0)
    moved_to = skull.front(x + across, y + up)
    start = skull.front(x, y)
    result = np.where(moved[:, None], moved_to - start, 0.0)
    result[:, 2] += np.where(moved, bulge(up), 0)
    return np.asarray(result)

"""Surfaces made from numbers, and the studio's pictures of placed vertices."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.character.templates.surface import SurfaceArrays
from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BONE_INDEX
from dance_now.pose.model.skeleton import Skeleton
from dance_now.render.mipmaps import reduced_levels
from dance_now.render.rasterizer import draw_strip
from dance_now.render.texture_sampling import SURFACE_DTYPE
from dance_now.render.vertex_placement import bin_triangles

_STRIP_SAMPLES = 32
_MATCAP_EDGE = 128


def resting_keypoints(skeleton: Skeleton, size: int, turn: FloatArray | None = None) -> FloatArray:
    """(137, 4) keypoints of the rest pose in a picture of ``size`` pixels, as large as fits.

    ``turn``: (3, 3) character frame -> view frame.
    """
    middle = skeleton.bounds.mean(axis=0)
    rest = (skeleton.rest - middle) @ (np.eye(3) if turn is None else turn).T
    scale = size / (1.15 * float((skeleton.bounds[1] - skeleton.bounds[0]).max()))
    points = rest * scale * (1, -1, -1) + (size / 2, size / 2, 0)
    return np.concatenate([points, np.ones((len(points), 1))], axis=1).astype(np.float32)


def ball_arrays(seed: int = 0, **changes: Any) -> SurfaceArrays:
    """A ball on the hips with a texture of soft spots, and a smaller ball that looks out of its front.

    ``changes``: columns of the surfaces' arrays by their names in ``_COLUMNS``, a pair for the two balls; or
    whole arrays by their own names.
    """
    generator = np.random.default_rng(seed)
    rows, columns = 24, 40
    v, u = np.meshgrid(np.linspace(0, 1, rows + 1), np.linspace(0, 1, columns + 1), indexing="ij")
    round_about, down = 2 * np.pi * u, np.pi * v
    normals = np.stack(
        [np.sin(down) * np.sin(round_about), np.cos(down), -np.sin(down) * np.cos(round_about)], -1
    )
    normals, uv = normals.reshape(-1, 3), np.stack([u, v], axis=-1).reshape(-1, 2)
    corner = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).reshape(-1)
    squares = np.stack([corner, corner + columns + 1, corner + columns + 2, corner + 1], axis=1)
    one = np.concatenate([squares[:, [0, 2, 1]], squares[:, [0, 3, 2]]])
    balls = [normals * 0.45 + (0, 1, 0), normals * 0.3 + (0.1, 1.15, 0.3)]
    spots = cv2.resize(generator.random((6, 8, 4)), (96, 70), interpolation=cv2.INTER_CUBIC)
    small = cv2.resize(generator.random((5, 7, 4)), (33, 50), interpolation=cv2.INTER_LINEAR)
    pictures = [(np.clip(each, 0, 1) * 255).astype(np.uint8) for each in (spots, small, spots[:40, :64])]
    pictures[0][..., 3] = 255
    count = len(normals)
    values: dict[str, Any] = {
        "positions": np.concatenate(balls).astype(np.float32),
        "normals": np.tile(normals, (2, 1)).astype(np.float16),
        "outline_normals": np.tile(normals, (2, 1)).astype(np.float16),
        "uv": np.tile(uv, (2, 1)).astype(np.float32),
        "joints": np.full((2 * count, 4), BONE_INDEX["hips"], np.uint16),
        "weights": np.tile(np.array([1, 0, 0, 0], np.float16), (2 * count, 1)),
        "triangles": np.concatenate([one, one + count]).astype(np.uint32),
        "surface_triangles": np.full(2, len(one), np.uint32),
        "surface_base": np.ones((2, 4), np.float32),
        "surface_shade": np.full((2, 3), 0.4, np.float32),
        "surface_ramp": np.tile(np.array([-0.05, 0.05], np.float32), (2, 1)),
        "surface_emission": np.zeros((2, 3), np.float32),
        "surface_rim": np.tile(np.array([0, 0, 0, 4, 0], np.float32), (2, 1)),
        "surface_matcap": np.ones((2, 3), np.float32),
        "surface_outline": np.tile(np.array([0.1, 0.05, 0.2, 0.3, 0, 0], np.float32), (2, 1)),
        "surface_cutoff": np.full(2, 0.5, np.float32),
        "surface_flags": np.tile(np.array([0, 0, 0, 1, 0, 0, 0], np.uint8), (2, 1)),
        "surface_textures": np.tile(np.array([0, 0, -1], np.int32), (2, 1)),
        "texture_sizes": np.array([each.shape[1::-1] for each in pictures], np.uint32),
        "texels": np.concatenate([each.reshape(-1, 4) for each in pictures]),
        "face_solve": np.zeros((0, 70, 3), np.float32),
        "expression_counts": np.zeros(0, np.uint32),
        "expression_vertices": np.zeros(0, np.uint32),
        "expression_offsets": np.zeros((0, 3), np.float16),
        "expression_normals": np.zeros((0, 3), np.float16),
        "spring_parents": np.zeros(0, np.uint16),
        "spring_points": np.zeros((0, 2, 3), np.float32),
        "spring_forces": np.zeros((0, 6), np.float32),
        "collider_bones": np.zeros(0, np.uint16),
        "collider_points": np.zeros((0, 2, 3), np.float32),
        "collider_radii": np.zeros(0, np.float32),
        "spring_colliders": np.zeros((0, 0), np.uint8),
    }
    for name, change in changes.items():
        if name in _COLUMNS:
            array, place = _COLUMNS[name]
            values[array][:, place] = change
        else:
            values[name] = change
    return SurfaceArrays(**values)


_COLUMNS: dict[str, tuple[str, int | slice]] = {
    "base": ("surface_base", slice(None)),
    "emission": ("surface_emission", slice(None)),
    "rim": ("surface_rim", slice(None)),
    "ramp": ("surface_ramp", slice(None)),
    "outline_mix": ("surface_outline", 3),
    "metres": ("surface_outline", 4),
    "screen": ("surface_outline", 5),
    "alpha_mode": ("surface_flags", 0),
    "unlit": ("surface_flags", 1),
    "double_sided": ("surface_flags", 2),
    "writes_depth": ("surface_flags", 3),
    "wrap_u": ("surface_flags", 4),
    "wrap_v": ("surface_flags", 5),
    "nearest": ("surface_flags", 6),
    "base_texture": ("surface_textures", 0),
    "shade_texture": ("surface_textures", 1),
    "matcap_texture": ("surface_textures", 2),
}


def studio_picture(arrays: SurfaceArrays, vertices: FloatArray, size: int) -> npt.NDArray[np.uint8]:
    """(size, size, 4) the studio's drawing of placed vertices, (2 V, 8) as the kernel places them."""
    surfaces, texels, levels = _studio_surfaces(arrays)
    triangles, kinds = [], []
    first = 0
    for number, count in enumerate(arrays.surface_triangles.tolist()):
        own = arrays.triangles[first : first + count].astype(np.int32)
        first += count
        outlined = bool((arrays.surface_outline[number, 4:] > 0).any())
        for hull in (0, 1) if outlined else (0,):
            triangles.append(own + np.int32(hull * len(arrays.positions)))
            kinds.append(np.tile(np.array([number, hull], np.int32), (count, 1)))
    corners, kind = np.concatenate(triangles), np.concatenate(kinds)
    edge = 2 * size
    starts, members = bin_triangles(vertices, corners, kind, surfaces, edge, _STRIP_SAMPLES)
    picture = np.zeros((size, size, 4), np.uint8)
    depth = np.full((edge, edge), np.inf, np.float32)
    for strip in range(len(starts) - 1):
        row = strip * _STRIP_SAMPLES
        chosen = members[starts[strip] : starts[strip + 1]]
        rows = depth[row : row + _STRIP_SAMPLES], picture[row // 2 : (row + _STRIP_SAMPLES) // 2]
        draw_strip(vertices, corners, kind, chosen, surfaces, texels, levels, row, 2, *rows)
    return picture


def _studio_surfaces(
    arrays: SurfaceArrays,
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """SURFACE_DTYPE records, all texels and the table of levels, as the studio's renderer makes them."""
    chains, levels, texels, start, total = [], [], [np.zeros((1, 4), np.uint8)], 0, 1
    for width, height in arrays.texture_sizes.tolist():
        chain = reduced_levels(arrays.texels[start : start + width * height].reshape(height, width, 4))
        start += width * height
        chains.append((len(levels), len(chain)))
        for level in chain:
            levels.append((total, level.shape[1], level.shape[0]))
            texels.append(level.reshape(-1, 4))
            total += level.shape[0] * level.shape[1]
    records = np.zeros(len(arrays.surface_triangles), SURFACE_DTYPE)
    for number, record in enumerate(records):
        low, high = arrays.surface_ramp[number]
        flags = arrays.surface_flags[number].tolist()
        values: dict[str, Any] = {
            "base": arrays.surface_base[number],
            "shade": arrays.surface_shade[number],
            "ramp_low": low,
            "ramp_scale": 1 / max(high - low, 1e-4),
            "outline": arrays.surface_outline[number, :3],
            "outline_mix": arrays.surface_outline[number, 3],
            "emission": arrays.surface_emission[number],
            "rim": arrays.surface_rim[number, :3],
            "rim_power": max(arrays.surface_rim[number, 3], 1e-3),
            "rim_lift": arrays.surface_rim[number, 4],
            "matcap": arrays.surface_matcap[number],
            "cutoff": arrays.surface_cutoff[number],
            "has_rim": bool(arrays.surface_rim[number, :3].any()),
        }
        names = ("alpha_mode", "unlit", "double_sided", "writes_depth", "wrap_u", "wrap_v", "nearest")
        values.update(zip(names, flags, strict=True))
        base, shade, matcap = arrays.surface_textures[number].tolist()
        values["base_level"], values["base_levels"] = chains[base] if base >= 0 else (-1, 0)
        values["shade_level"], values["shade_levels"] = chains[shade] if shade >= 0 else (-1, 0)
        if matcap >= 0:
            excess = int(arrays.texture_sizes[matcap].max()) / _MATCAP_EDGE
            level = min(chains[matcap][1] - 1, max(0, math.ceil(math.log2(excess))))
            values["matcap_level"] = chains[matcap][0] + level
            values["has_matcap"] = bool(arrays.surface_matcap[number].any())
        for name, value in values.items():
            record[name] = value
    return records, np.concatenate(texels), np.array(levels or [(0, 1, 1)], np.int64)


def decibels(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two RGBA pictures over mid-grey, around the figure."""
    shown = ((first[..., 3] > 127) | (second[..., 3] > 127)).astype(np.uint8)
    around = cv2.dilate(shown, np.ones((33, 33), np.uint8)) > 0
    over = [picture.astype(np.float64) / 255 for picture in (first, second)]
    over = [each[..., :3] * each[..., 3:] + 0.5 * (1 - each[..., 3:]) for each in over]
    error = float(np.square(over[0] - over[1])[around].mean())
    return -10 * math.log10(max(error, 1e-12))


def random_skeleton(generator: np.random.Generator) -> Skeleton:
    """A body whose keypoints lie anywhere, some at one place."""
    rest = generator.normal((0, 1, 0), 0.4, (137, 3))
    rest[generator.integers(0, 137, 20)] = rest[0]
    bounds = np.stack([rest.min(axis=0), rest.max(axis=0)])
    return Skeleton(rest, np.ones(137, np.bool_), rest[[3, 17, 40, 41]], bounds)


def random_keypoints(generator: np.random.Generator, skeleton: Skeleton) -> FloatArray:
    """Keypoints near a pose, or with some far outside of every picture."""
    points = resting_keypoints(skeleton, int(generator.integers(4, 400)))
    points[:, :3] += generator.normal(0, 10 ** generator.uniform(-3, 3), (137, 3))
    wild = generator.random(137) < generator.choice([0, 0, 0.05, 1])
    points[wild, :3] *= 10 ** generator.uniform(0, 30)
    points[:, 3] = generator.random(137) > 0.3
    return np.clip(points, -3e38, 3e38).astype(np.float32)


def random_arrays(generator: np.random.Generator) -> SurfaceArrays:
    """Arrays that pass their check and make no sense otherwise."""
    surfaces, joints, colliders = (int(generator.integers(1, 5)), *map(int, generator.integers(0, 6, 2)))
    each = generator.integers(3, 60, surfaces)
    counts = generator.integers(1, 90, surfaces)
    first, total = np.cumsum(each) - each, int(each.sum())
    triangles = [generator.integers(0, n, (t, 3)) + f for n, t, f in zip(each, counts, first, strict=True)]
    sizes = generator.choice([1, 2, 3, 8, 31], (int(generator.integers(0, 4)), 2))
    moved = generator.integers(0, 40, int(generator.integers(0, 4)))

    def single(*shape: int, spread: float = 1) -> FloatArray:
        return (generator.normal(0, spread, shape)).astype(np.float32)

    flags = generator.integers(0, [3, 2, 2, 2, 3, 3, 2], (surfaces, 7)).astype(np.uint8)
    flags[:, 0] = np.sort(flags[:, 0])
    return SurfaceArrays(
        positions=np.clip(single(total, 3, spread=0.5) + np.float32([0, 1, 0]), -100, 100),
        normals=np.clip(single(total, 3), -2, 2).astype(np.float16),
        outline_normals=np.clip(single(total, 3), -2, 2).astype(np.float16),
        uv=np.clip(single(total, 2, spread=10 ** generator.uniform(-2, 6)), -1e6, 1e6),
        joints=generator.integers(0, 47 + joints, (total, 4)).astype(np.uint16),
        weights=(generator.random((total, 4)) * [1, 0.5, 0.5, 0] + [0.01, 0, 0, 0])
        .clip(0, 1)
        .astype(np.float16),
        triangles=np.concatenate(triangles).astype(np.uint32),
        surface_triangles=counts.astype(np.uint32),
        surface_base=np.abs(single(surfaces, 4)),
        surface_shade=np.abs(single(surfaces, 3)),
        surface_ramp=single(surfaces, 2),
        surface_emission=np.abs(single(surfaces, 3)),
        surface_rim=single(surfaces, 5, spread=3),
        surface_matcap=np.abs(single(surfaces, 3)),
        surface_outline=np.abs(single(surfaces, 6, spread=0.1)) * (generator.random((surfaces, 6)) < 0.5),
        surface_cutoff=single(surfaces),
        surface_flags=flags,
        surface_textures=generator.integers(-1, max(len(sizes), 0), (surfaces, 3)).astype(np.int32),
        texture_sizes=sizes.astype(np.uint32).reshape(-1, 2),
        texels=generator.integers(0, 256, (int(sizes.prod(axis=1).sum()), 4)).astype(np.uint8),
        face_solve=single(len(moved), 70, 3, spread=1e3),
        expression_counts=moved.astype(np.uint32),
        expression_vertices=generator.integers(0, total, int(moved.sum())).astype(np.uint32),
        expression_offsets=single(int(moved.sum()), 3).astype(np.float16),
        expression_normals=single(int(moved.sum()), 3).astype(np.float16),
        spring_parents=np.array([generator.integers(0, 47 + j) for j in range(joints)], np.uint16),
        spring_points=single(joints, 2, 3) * (generator.random((joints, 1, 1)) < 0.7).astype(np.float32),
        spring_forces=single(joints, 6, spread=2),
        collider_bones=generator.integers(0, 47, colliders).astype(np.uint16),
        collider_points=single(colliders, 2, 3),
        collider_radii=single(colliders),
        spring_colliders=generator.integers(0, 2, (joints, colliders)).astype(np.uint8),
    )

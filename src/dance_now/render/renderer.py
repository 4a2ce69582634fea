"""Renderer of posed avatars: straight RGBA from an orthographic camera, on the CPU."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.formats3d.materials import ALPHA_MODES, Material
from dance_now.formats3d.meshes import Primitive
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.camera import Camera
from dance_now.render.mipmaps import TextureAtlas
from dance_now.render.rasterizer import draw_strip
from dance_now.render.skinning import apply_morphs, skin_vertices
from dance_now.render.texture_sampling import SURFACE_DTYPE
from dance_now.render.vertex_placement import bin_triangles, place_outline, place_vertices

_STRIP_PIXELS = 16
MATCAP_EDGE = 128  # texels; a matcap is read at this mipmap level, without level of detail
WRAPS = {"repeat": 0, "clamp": 1, "mirror": 2}

IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class _Scene:
    """Static scene data of an avatar: all primitives in one set of arrays.

    Arrays of 2 V rows hold the vertices twice: as the surface, then as the outline's inverted hull.
    """

    positions: FloatArray  # (2 V, 3)
    normals: FloatArray  # (2 V, 3)
    slots: IntArray  # (2 V, 4)
    weights: FloatArray  # (2 V, 4)
    uv: FloatArray  # (2 V, 2)
    world_outline: FloatArray  # (V,) metres
    screen_outline: FloatArray  # (V,) fraction of the canvas height
    triangles: IntArray  # (T, 3), in drawing order
    kinds: IntArray  # (T, 2) surface, hull
    surfaces: npt.NDArray[np.void]
    atlas: TextureAtlas
    spans: tuple[tuple[int, int, Primitive], ...]  # first and last + 1 vertex of what morphs


class Renderer:
    """Renderer of one avatar.

    Args:
        avatar: to be rendered.
        size: canvas edge in pixels.
        supersampling: samples along a pixel's edge.
        threads: strips rendered in parallel; the image does not depend on it.
        hide: names of nodes, meshes or materials to leave out (weapons, say).

    Raises:
        DanceNowError: a size out of range, or a name in ``hide`` that the avatar lacks.

    Example:
        >>> renderer = Renderer(avatar)  # doctest: +SKIP
        >>> picture = renderer.render(avatar.pose({}), Camera(np.eye(3), [0, 0.75, 0], 1.7))  # doctest: +SKIP
    """

    def __init__(
        self,
        avatar: Avatar,
        size: int = 512,
        supersampling: int = 2,
        threads: int = 1,
        hide: tuple[str, ...] = (),
    ) -> None:
        if not (
            8 <= size <= 4096 and 1 <= supersampling <= 8 and size * supersampling <= 8192 and threads >= 1
        ):
            raise DanceNowError(f"Cannot render {size} pixels with {supersampling}x{supersampling} samples.")
        self.avatar = avatar
        self.size = size
        self.supersampling = supersampling
        shown = [avatar.primitives[index] for index in avatar.shown_primitives(hide)]
        self._scene = _build_scene(shown)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def render(
        self, world: npt.NDArray[np.float64], camera: Camera, expressions: Mapping[str, float] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Renders a frame.

        Args:
            world: (N, 4, 4) from ``avatar.pose`` (and the springs).
            camera: what the canvas covers.
            expressions: expression name -> weight in [0, 1].

        Returns:
            (size, size, 4) uint8 sRGB, straight alpha; all 0 on the background.
        """
        return self.render_with_depth(world, camera, expressions)[0]

    def render_with_depth(
        self, world: npt.NDArray[np.float64], camera: Camera, expressions: Mapping[str, float] | None = None
    ) -> tuple[npt.NDArray[np.uint8], FloatArray]:
        """Renders a frame with its depth buffer; arguments as of ``render``.

        Returns:
            The image; and the depth of its (size * supersampling) ** 2 samples, away from the viewer, in
            samples as ``camera.project`` has it, infinite on the background.
        """
        scene, edge = self._scene, self.size * self.supersampling
        vertices = self._project_vertices(world, camera, expressions)
        rows = _STRIP_PIXELS * self.supersampling
        starts, members = bin_triangles(vertices, scene.triangles, scene.kinds, scene.surfaces, edge, rows)
        picture = np.zeros((self.size, self.size, 4), np.uint8)
        depth = np.full((edge, edge), np.inf, np.float32)

        def draw(strip: int) -> None:
            first = strip * _STRIP_PIXELS
            draw_strip(
                vertices,
                scene.triangles,
                scene.kinds,
                members[starts[strip] : starts[strip + 1]],
                scene.surfaces,
                scene.atlas.texels,
                scene.atlas.levels,
                first * self.supersampling,
                self.supersampling,
                depth[first * self.supersampling :][:rows],
                picture[first : first + _STRIP_PIXELS],
            )

        list((self._pool.map if self._pool else map)(draw, range(len(starts) - 1)))
        return picture, depth

    def _project_vertices(
        self, world: npt.NDArray[np.float64], camera: Camera, expressions: Mapping[str, float] | None
    ) -> FloatArray:
        """Projects vertices to (2 V, 8): x, y, depth in samples, view normal, u, v; surface, then hull."""
        scene, count = self._scene, len(self._scene.positions) // 2
        positions, normals = scene.positions, scene.normals
        weights = self.avatar.morph_weights(expressions)
        if weights and scene.spans:
            positions, normals = positions.copy(), normals.copy()
            for start, stop, primitive in scene.spans:
                positions[start:stop], normals[start:stop] = apply_morphs(primitive, weights)
                positions[count + start : count + stop] = positions[start:stop]
        moved, turned = np.empty_like(positions), np.empty_like(normals)
        palette = self.avatar.palette(world)
        skin_vertices(positions, normals, scene.slots, scene.weights, palette, moved, turned)
        edge = self.size * self.supersampling
        vertices = np.empty((2 * count, 8), np.float32)
        vertices[:, 6:] = scene.uv
        place_vertices(moved, turned, _view_matrix(camera, edge), vertices)
        world_width = scene.world_outline * np.float32(edge / camera.height)
        # An outline thinner than a sample would be rendered as dots.
        world_width = np.where(world_width > 0, np.maximum(world_width, np.float32(1)), world_width)
        screen_width = scene.screen_outline * np.float32(edge)
        place_outline(vertices[count:], world_width, screen_width)
        return vertices


def _view_matrix(camera: Camera, edge: int) -> FloatArray:
    """View matrix (3, 4): character frame -> x, y (down), depth in samples."""
    rows = camera.rotation * (edge / camera.height) * np.array([[1.0], [-1.0], [-1.0]])
    offset = np.array([edge / 2, edge / 2, 0.0]) - rows @ camera.centre
    return np.concatenate([rows, offset[:, None]], axis=1).astype(np.float32)


def _build_scene(primitives: Sequence[Primitive]) -> _Scene:
    ordered = sorted(primitives, key=lambda item: drawing_order(item.material))
    first = np.cumsum([0, *(len(item.positions) for item in ordered)])
    total = int(first[-1])
    atlas = TextureAtlas.build([item.material for item in ordered])
    triangles, kinds = [], []
    for number, item in enumerate(ordered):
        outlined = item.material.outline_mode != "none" and item.material.outline_width > 0
        for hull in (0, 1) if outlined else (0,):
            triangles.append(item.triangles + np.int32(first[number] + hull * total))
            kinds.append(np.tile(np.array([number, hull], np.int32), (len(item.triangles), 1)))

    def twice(name: str) -> npt.NDArray[Any]:
        values = [getattr(item, name) for item in ordered]
        return np.concatenate(values + values)

    hull_normals = [welded_normals(item) for item in ordered]

    def widths(mode: str) -> FloatArray:
        return np.concatenate(
            [
                np.full(
                    len(m.positions), m.material.outline_width * (m.material.outline_mode == mode), np.float32
                )
                for m in ordered
            ]
        )

    return _Scene(
        positions=twice("positions"),
        normals=np.concatenate([item.normals for item in ordered] + hull_normals),
        slots=twice("slots"),
        weights=twice("weights"),
        uv=twice("uv"),
        world_outline=widths("world"),
        screen_outline=widths("screen"),
        triangles=np.concatenate(triangles),
        kinds=np.concatenate(kinds),
        surfaces=np.concatenate([_surface(item.material, atlas) for item in ordered]),
        atlas=atlas,
        spans=tuple(
            (int(first[number]), int(first[number + 1]), item)
            for number, item in enumerate(ordered)
            if any(target is not None for target in item.targets)
        ),
    )


def drawing_order(material: Material) -> tuple[int, int]:
    """Sort key of the drawing order: alpha mode, then render queue."""
    return ALPHA_MODES.index(material.alpha_mode), material.queue


def welded_normals(primitive: Primitive) -> FloatArray:
    """Normals (V, 3) averaged over coincident vertices, so that the hull does not break at hard edges."""
    places = np.round(primitive.positions * 1e5).astype(np.int64)
    _, group = np.unique(places, axis=0, return_inverse=True)
    group = group.reshape(-1)
    total = np.zeros((int(group.max()) + 1, 3))
    np.add.at(total, group, primitive.normals)
    mean = total[group]
    length = np.linalg.norm(mean, axis=1, keepdims=True)
    # The normals of a two-sided sheet cancel out; they keep their own.
    welded = np.where(length > 0.1, mean / np.maximum(length, 1e-9), primitive.normals)
    return welded.astype(np.float32)


def _surface(material: Material, atlas: TextureAtlas) -> npt.NDArray[np.void]:
    """SURFACE_DTYPE record (1,) of a material."""
    record = np.zeros(1, SURFACE_DTYPE)
    low, high = material.shade_range
    texture = material.base_texture or material.shade_texture
    values = {
        "base": material.base_color,
        "shade": material.shade_color,
        "ramp_low": low,
        "ramp_scale": 1 / max(high - low, 1e-4),
        "outline": material.outline_color,
        "outline_mix": material.outline_mix,
        "emission": material.emission,
        "rim": material.rim_color,
        "rim_power": max(material.rim_power, 1e-3),
        "rim_lift": material.rim_lift,
        "cutoff": material.cutoff,
        "alpha_mode": ALPHA_MODES.index(material.alpha_mode),
        "unlit": material.unlit,
        "has_rim": bool(material.rim_color.any()),
        "matcap": material.matcap_color,
        "has_matcap": material.matcap_texture is not None and bool(material.matcap_color.any()),
        "writes_depth": material.writes_depth,
        "double_sided": material.double_sided,
        "wrap_u": WRAPS[texture.wrap[0]] if texture else 0,
        "wrap_v": WRAPS[texture.wrap[1]] if texture else 0,
        "nearest": texture.nearest if texture else False,
    }
    for name, value in values.items():
        record[name] = value
    record["base_level"], record["base_levels"] = atlas.find(material.base_texture)
    record["shade_level"], record["shade_levels"] = atlas.find(material.shade_texture)
    if material.matcap_texture is not None:
        first, count = atlas.find(material.matcap_texture)
        excess = max(material.matcap_texture.pixels.shape[:2]) / MATCAP_EDGE
        record["matcap_level"] = first + min(count - 1, max(0, math.ceil(math.log2(excess))))
    return record

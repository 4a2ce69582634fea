"""The ``surface`` template in numpy, a stage at a time, as its kernel does it, drawn by the studio's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.character.templates.surface import SurfaceArrays
from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.bone_rule import BONE_INDEX, BONE_NAMES, BoneRig
from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.skeleton import Skeleton
from dance_now.render.mipmaps import reduced_levels
from dance_now.render.rasterizer import draw_strip
from dance_now.render.springs import STEP_SECONDS, STILL_STEPS, rotations_between
from dance_now.render.texture_sampling import SURFACE_DTYPE
from dance_now.render.vertex_placement import bin_triangles, place_outline

Doubles = npt.NDArray[np.float64]

UP: Final = np.array([0.0, 1.0, 0.0])
_BONES: Final = len(BONE_NAMES)
_HEAD: Final = BONE_INDEX["head"]
_SAMPLES: Final = 2  # along a pixel's edge
_STRIP_PIXELS: Final = 16


@dataclass(frozen=True, eq=False)
class Posed:
    """A character in one pose, in the view frame (x right, y up, z towards the viewer) and metres.

    Attributes:
        scale: pixels that a metre takes.
        affines: (47 + J, 3, 4) character frame at rest -> view frame, of bones and spring joints.
        weights: (E,) of expressions.
    """

    scale: float
    affines: Doubles
    weights: Doubles


class SurfaceReference:
    """A character made of ``SurfaceArrays``; slow and plain."""

    def __init__(self, skeleton: Skeleton, arrays: SurfaceArrays) -> None:
        self.arrays = arrays
        self._rig = BoneRig.of(skeleton)
        self._scene = _Scene.of(arrays)

    def pose(self, keypoints: FloatArray, up: npt.ArrayLike = UP) -> Posed:
        """Bones, springs and expressions of keypoints (137, 4): x, y (down), depth in px, confidence.

        Args:
            keypoints: of the pose.
            up: (3,) away from the ground, view frame.
        """
        view = keypoints[:, :3] * np.float32([1, -1, -1])
        scale = self._rig.skeleton.scale(view)
        affines = self._bones(view, scale)
        settled = settled_springs(self.arrays, affines, np.asarray(up, np.float64))
        return Posed(
            scale, np.concatenate([affines, settled]), self._expressions(view, keypoints, affines, scale)
        )

    def _bones(self, view: FloatArray, scale: float) -> Doubles:
        rotations = self._rig.rotations(view)
        anchors = self._rig.anchors(view, rotations, np.float32(scale)).astype(np.float64) / scale
        shifts = anchors - np.einsum("bij,bj->bi", rotations.astype(np.float64), self._rig.pivots)
        return np.concatenate([rotations.astype(np.float64), shifts[:, :, None]], axis=2)

    def _expressions(
        self, view: FloatArray, keypoints: FloatArray, affines: Doubles, scale: float
    ) -> Doubles:
        turn, shift = affines[_HEAD, :, :3], affines[_HEAD, :, 3]
        departure = (view[FACE] / scale - shift) @ turn - self._rig.skeleton.rest[FACE]
        departure[keypoints[FACE, 3] <= 0] = 0
        return np.clip(np.einsum("epc,pc->e", self.arrays.face_solve, departure), 0, 1)

    def vertices(self, posed: Posed) -> tuple[Doubles, Doubles, Doubles]:
        """(V, 3) positions in metres, normals and outline normals, view frame."""
        arrays = self.arrays
        positions = arrays.positions.astype(np.float64)
        normals = arrays.normals.astype(np.float64)
        of_expression = np.repeat(posed.weights, arrays.expression_counts)[:, None]
        np.add.at(positions, arrays.expression_vertices, of_expression * arrays.expression_offsets)
        np.add.at(normals, arrays.expression_vertices, of_expression * arrays.expression_normals)
        weights = arrays.weights.astype(np.float64)
        weights /= weights.sum(axis=1, keepdims=True)
        blended = np.einsum("vk,vkij->vij", weights, posed.affines[arrays.joints])
        turns = blended[:, :, :3]
        placed = np.einsum("vij,vj->vi", turns, positions) + blended[:, :, 3]
        turned, hull = (
            _unit(np.einsum("vij,vj->vi", turns, vectors))
            for vectors in (normals, arrays.outline_normals.astype(np.float64))
        )
        return placed, turned, hull

    def draw(self, posed: Posed, size: int) -> Image:
        """(size, size, 4) RGBA by the studio's kernels."""
        vertices = self._samples(posed, size)
        scene, edge, rows = self._scene, size * _SAMPLES, _STRIP_PIXELS * _SAMPLES
        starts, members = bin_triangles(vertices, scene.triangles, scene.kinds, scene.surfaces, edge, rows)
        picture = np.zeros((size, size, 4), np.uint8)
        depth = np.full((edge, edge), np.inf, np.float32)
        for strip in range(len(starts) - 1):
            first = strip * _STRIP_PIXELS
            draw_strip(
                vertices,
                scene.triangles,
                scene.kinds,
                members[starts[strip] : starts[strip + 1]],
                scene.surfaces,
                scene.texels,
                scene.levels,
                first * _SAMPLES,
                _SAMPLES,
                depth[first * _SAMPLES :][:rows],
                picture[first : first + _STRIP_PIXELS],
            )
        return picture

    def _samples(self, posed: Posed, size: int) -> FloatArray:
        """(2 V, 8) as ``Renderer`` has them: the surface's vertices, then those of its outlines' hulls."""
        arrays, count = self.arrays, len(self.arrays.positions)
        placed, normals, hull = self.vertices(posed)
        per_metre = posed.scale * _SAMPLES
        vertices = np.empty((2 * count, 8), np.float32)
        vertices[:, :3] = np.tile(placed * [per_metre, -per_metre, -per_metre], (2, 1))
        vertices[:, 3:6] = np.concatenate([normals, hull])
        vertices[:, 6:] = np.tile(arrays.uv, (2, 1))
        outline = arrays.surface_outline[self._scene.surface_of]
        width = outline[:, 4] * np.float32(per_metre)
        width = np.where(width > 0, np.maximum(width, np.float32(1)), width)
        place_outline(vertices[count:], width, outline[:, 5] * np.float32(size * _SAMPLES))
        return vertices


@dataclass(frozen=True, eq=False)
class _Scene:
    """What the studio's kernels want of arrays."""

    triangles: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int32]
    surfaces: npt.NDArray[np.void]
    texels: npt.NDArray[np.uint8]
    levels: npt.NDArray[np.int64]
    surface_of: npt.NDArray[np.int64]  # (V,)

    @classmethod
    def of(cls, arrays: SurfaceArrays) -> _Scene:
        count = len(arrays.positions)
        ends = np.cumsum(arrays.surface_triangles.astype(np.int64))
        triangles, kinds = [], []
        surface_of = np.zeros(count, np.int64)
        for number, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            own = arrays.triangles[start:end].astype(np.int32)
            surface_of[own] = number
            for hull in (0, 1) if arrays.surface_outline[number, 4:].any() else (0,):
                triangles.append(own + hull * count)
                kinds.append(np.tile(np.array([number, hull], np.int32), (len(own), 1)))
        chains = _chains(arrays)
        texels = [level.reshape(-1, 4) for chain in chains for level in chain]
        sizes = [level.shape for chain in chains for level in chain]
        starts = np.cumsum([0, *(height * width for height, width, _ in sizes)])
        levels = [
            (start, width, height) for start, (height, width, _) in zip(starts, sizes, strict=False)
        ] or [(0, 1, 1)]
        return cls(
            triangles=np.concatenate(triangles),
            kinds=np.concatenate(kinds),
            surfaces=_records(arrays, [len(chain) for chain in chains]),
            texels=np.concatenate(texels or [np.zeros((1, 4), np.uint8)]),
            levels=np.array(levels, np.int64),
            surface_of=surface_of,
        )


def _chains(arrays: SurfaceArrays) -> list[list[Image]]:
    areas = arrays.texture_sizes.astype(np.int64).prod(axis=1)
    pictures = np.split(arrays.texels, np.cumsum(areas)[:-1]) if len(areas) else []
    return [
        reduced_levels(picture.reshape(int(height), int(width), 4))
        for picture, (width, height) in zip(pictures, arrays.texture_sizes, strict=True)
    ]


def _records(arrays: SurfaceArrays, levels: list[int]) -> npt.NDArray[np.void]:
    """(M,) SURFACE_DTYPE records; ``levels``: how many each texture has."""
    records = np.zeros(len(arrays.surface_base), SURFACE_DTYPE)
    first = np.cumsum([0, *levels])
    low, high = arrays.surface_ramp.T
    textured = arrays.surface_textures >= 0
    starts = np.where(textured, first[arrays.surface_textures], -1)
    counts = np.where(textured, np.array([*levels, 0])[arrays.surface_textures], 0)
    flags = arrays.surface_flags.T
    for name, value in {
        "base": arrays.surface_base,
        "shade": arrays.surface_shade,
        "ramp_low": low,
        "ramp_scale": 1 / np.maximum(high - low, 1e-4),
        "outline": arrays.surface_outline[:, :3],
        "outline_mix": arrays.surface_outline[:, 3],
        "emission": arrays.surface_emission,
        "rim": arrays.surface_rim[:, :3],
        "rim_power": arrays.surface_rim[:, 3],
        "rim_lift": arrays.surface_rim[:, 4],
        "has_rim": arrays.surface_rim[:, :3].any(axis=1),
        "matcap": arrays.surface_matcap,
        "has_matcap": textured[:, 2],
        "cutoff": arrays.surface_cutoff,
        "base_level": starts[:, 0],
        "base_levels": counts[:, 0],
        "shade_level": starts[:, 1],
        "shade_levels": counts[:, 1],
        "matcap_level": starts[:, 2],
        **dict(
            zip(
                ("alpha_mode", "unlit", "double_sided", "writes_depth", "wrap_u", "wrap_v", "nearest"),
                flags,
                strict=True,
            )
        ),
    }.items():
        records[name] = value
    return records


def settled_springs(arrays: SurfaceArrays, affines: Doubles, up: Doubles) -> Doubles:
    """(J, 3, 4) affines of spring joints in a still pose.

    Args:
        arrays: of the character.
        affines: (47, 3, 4) of its bones, view frame, metres.
        up: (3,) away from the ground, view frame.
    """
    count = len(arrays.spring_parents)
    turn = rotations_between(UP[None], _unit(up[None]))[0]
    gravity = arrays.spring_forces[:, 3:] @ turn.T
    ends = [affines[bone] for bone in arrays.collider_bones]
    colliders = np.array(
        [
            points @ move[:, :3].T + move[:, 3]
            for points, move in zip(arrays.collider_points, ends, strict=True)
        ]
    ).reshape(-1, 2, 3)
    settled = np.zeros((count, 3, 4))
    # Tails begin where the pose would carry them if nothing swung.
    carried = np.concatenate([affines, settled])
    for joint in range(count):
        carried[_BONES + joint] = carried[arrays.spring_parents[joint]]
    current = np.array(
        [_moved(carried[_BONES + joint], arrays.spring_points[joint, 1]) for joint in range(count)]
    ).reshape(count, 3)
    previous = current.copy()
    for _ in range(STILL_STEPS):
        tails = np.empty_like(current)
        for joint in range(count):
            parent = carried[arrays.spring_parents[joint]]
            tails[joint] = _swing(arrays, joint, parent, current, previous, gravity[joint], colliders)
            head, tail = (_moved(parent, point) for point in arrays.spring_points[joint])
            turned = (
                rotations_between(_unit((tail - head)[None]), _unit((tails[joint] - head)[None]))[0]
                @ parent[:, :3]
            )
            carried[_BONES + joint, :, :3] = turned
            carried[_BONES + joint, :, 3] = head - turned @ arrays.spring_points[joint, 0]
        previous, current = current, tails
    return carried[_BONES:]


def _swing(
    arrays: SurfaceArrays,
    joint: int,
    parent: Doubles,
    current: Doubles,
    previous: Doubles,
    gravity: Doubles,
    colliders: Doubles,
) -> Doubles:
    """(3,) where a joint's tail goes in one step."""
    stiffness, drag, radius = arrays.spring_forces[joint, :3].astype(np.float64)
    head, tail = (_moved(parent, point) for point in arrays.spring_points[joint])
    length = float(np.linalg.norm(tail - head))
    pull = (tail - head) / length * stiffness + gravity
    moved = current[joint] + (current[joint] - previous[joint]) * (1 - drag) + pull * STEP_SECONDS
    moved = _at_length(moved, head, length, tail - head)
    for number in np.flatnonzero(arrays.spring_colliders[joint]):
        start, end = colliders[number]
        share = np.clip((moved - start) @ (end - start) / max((end - start) @ (end - start), 1e-12), 0, 1)
        away = moved - start - share * (end - start)
        distance = float(np.linalg.norm(away))
        depth = arrays.collider_radii[number] + radius - distance
        if depth > 0 and distance > 1e-9:
            moved = moved + away * (depth / distance)
        moved = _at_length(moved, head, length, tail - head)
    return moved


def _at_length(tail: Doubles, head: Doubles, length: float, fallback: Doubles) -> Doubles:
    offset = tail - head
    reach = float(np.linalg.norm(offset))
    return head + (offset * (length / reach) if reach > 1e-9 else fallback)


def _moved(affine: Doubles, point: FloatArray) -> Doubles:
    return affine[:, :3] @ point + affine[:, 3]


def _unit(vectors: Doubles) -> Doubles:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

"""The arrays of the ``surface`` template, and what they have to be."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dance_now.character.kernel.library import BONES, FACE_POINTS
from dance_now.core.arrays import FloatArray


class _Limit(NamedTuple):
    """What an array has to be: dtype, shape (letters stand for counts that arrays share), range of values."""

    dtype: Any
    shape: tuple[int | str, ...]
    lowest: float = -math.inf
    highest: float = math.inf


_MOST: Final = {
    "V": 250_000,
    "T": 500_000,
    "M": 256,
    "X": 64,
    "P": 1 << 24,
    "E": 64,
    "K": 2_000_000,
    "J": 512,
    "C": 256,
}
_FEWEST: Final = {"V": 1, "T": 1, "M": 1}
_HALF, _SINGLE = np.float16, np.float32
_LIMITS: Final = {
    "positions": _Limit(_SINGLE, ("V", 3), -100, 100),
    "normals": _Limit(_HALF, ("V", 3), -2, 2),
    "outline_normals": _Limit(_HALF, ("V", 3), -2, 2),
    "uv": _Limit(_SINGLE, ("V", 2), -1e6, 1e6),
    "joints": _Limit(np.uint16, ("V", 4)),
    "weights": _Limit(_HALF, ("V", 4), 0, 1),
    "triangles": _Limit(np.uint32, ("T", 3)),
    "surface_triangles": _Limit(np.uint32, ("M",)),
    "surface_base": _Limit(_SINGLE, ("M", 4), 0, 1e4),
    "surface_shade": _Limit(_SINGLE, ("M", 3), 0, 1e4),
    "surface_ramp": _Limit(_SINGLE, ("M", 2), -1e4, 1e4),
    "surface_emission": _Limit(_SINGLE, ("M", 3), 0, 1e4),
    "surface_rim": _Limit(_SINGLE, ("M", 5), -1e4, 1e4),
    "surface_matcap": _Limit(_SINGLE, ("M", 3), 0, 1e4),
    "surface_outline": _Limit(_SINGLE, ("M", 6), 0, 1e4),
    "surface_cutoff": _Limit(_SINGLE, ("M",), -1e4, 1e4),
    "surface_flags": _Limit(np.uint8, ("M", 7), 0, 2),
    "surface_textures": _Limit(np.int32, ("M", 3), -1),
    "texture_sizes": _Limit(np.uint32, ("X", 2), 1, 4096),
    "texels": _Limit(np.uint8, ("P", 4)),
    "face_solve": _Limit(_SINGLE, ("E", FACE_POINTS, 3), -1e6, 1e6),
    "expression_counts": _Limit(np.uint32, ("E",)),
    "expression_vertices": _Limit(np.uint32, ("K",)),
    "expression_offsets": _Limit(_HALF, ("K", 3)),
    "expression_normals": _Limit(_HALF, ("K", 3)),
    "spring_parents": _Limit(np.uint16, ("J",)),
    "spring_points": _Limit(_SINGLE, ("J", 2, 3), -100, 100),
    "spring_forces": _Limit(_SINGLE, ("J", 6), -1e4, 1e4),
    "collider_bones": _Limit(np.uint16, ("C",), 0, BONES - 1),
    "collider_points": _Limit(_SINGLE, ("C", 2, 3), -100, 100),
    "collider_radii": _Limit(_SINGLE, ("C",), -100, 100),
    "spring_colliders": _Limit(np.uint8, ("J", "C"), 0, 1),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class SurfaceArrays:
    """Everything that a surface character is made of. Colors are linear light, lengths metres.

    Counts: V vertices, T triangles, M surfaces in drawing order (opaque, mask, blend), X textures, P texels,
    E expressions, K vertices that they move, J spring joints, C colliders. Geometry is at rest, in the
    character frame (x its left, y up, z front). A vertex belongs to one surface.

    Attributes:
        positions: (V, 3) float32.
        normals: (V, 3) float16, unit.
        outline_normals: (V, 3) float16, unit: along these the outline's hull is pushed out.
        uv: (V, 2) float32 texture coordinates, v down.
        joints: (V, 4) uint16: bone 0..46 of BONE_NAMES, or 47 + spring joint.
        weights: (V, 4) float16 of the joints; made to sum to 1 on loading.
        triangles: (T, 3) uint32, counter-clockwise from the front, sorted by surface.
        surface_triangles: (M,) uint32 how many of them each surface has.
        surface_base: (M, 4) float32 factor of the color in light, and of alpha.
        surface_shade: (M, 3) float32 factor of the color in shade.
        surface_ramp: (M, 2) float32 N.L at which light begins, and at which it is full.
        surface_emission: (M, 3) float32.
        surface_rim: (M, 5) float32 color, exponent, lift.
        surface_matcap: (M, 3) float32 factor.
        surface_outline: (M, 6) float32 color, share of the surface's own color, width in metres, width as a
            fraction of the picture's height.
        surface_cutoff: (M,) float32 alpha from which a mask is opaque.
        surface_flags: (M, 7) uint8 alpha mode (0 opaque, 1 mask, 2 blend), unlit, double sided, writes depth,
            wrap u, wrap v (0 repeat, 1 clamp, 2 mirror), nearest.
        surface_textures: (M, 3) int32 base, shade, matcap; -1 for none.
        texture_sizes: (X, 2) uint32 width, height.
        texels: (P, 4) uint8 sRGB, straight alpha, one texture after the other.
        face_solve: (E, 70, 3) float32 departure of the face points -> weight.
        expression_counts: (E,) uint32 vertices that each expression moves.
        expression_vertices: (K,) uint32.
        expression_offsets: (K, 3) float16 at weight 1.
        expression_normals: (K, 3) float16 change of the normal at weight 1.
        spring_parents: (J,) uint16: a bone, or 47 + an earlier joint.
        spring_points: (J, 2, 3) float32 head and tail.
        spring_forces: (J, 6) float32 stiffness, drag, radius, gravity.
        collider_bones: (C,) uint16: a bone.
        collider_points: (C, 2, 3) float32 start and end, equal for a sphere.
        collider_radii: (C,) float32.
        spring_colliders: (J, C) uint8: 1 where a joint minds a collider.
    """

    positions: FloatArray
    normals: npt.NDArray[np.float16]
    outline_normals: npt.NDArray[np.float16]
    uv: FloatArray
    joints: npt.NDArray[np.uint16]
    weights: npt.NDArray[np.float16]
    triangles: npt.NDArray[np.uint32]
    surface_triangles: npt.NDArray[np.uint32]
    surface_base: FloatArray
    surface_shade: FloatArray
    surface_ramp: FloatArray
    surface_emission: FloatArray
    surface_rim: FloatArray
    surface_matcap: FloatArray
    surface_outline: FloatArray
    surface_cutoff: FloatArray
    surface_flags: npt.NDArray[np.uint8]
    surface_textures: npt.NDArray[np.int32]
    texture_sizes: npt.NDArray[np.uint32]
    texels: npt.NDArray[np.uint8]
    face_solve: FloatArray
    expression_counts: npt.NDArray[np.uint32]
    expression_vertices: npt.NDArray[np.uint32]
    expression_offsets: npt.NDArray[np.float16]
    expression_normals: npt.NDArray[np.float16]
    spring_parents: npt.NDArray[np.uint16]
    spring_points: FloatArray
    spring_forces: FloatArray
    collider_bones: npt.NDArray[np.uint16]
    collider_points: FloatArray
    collider_radii: FloatArray
    spring_colliders: npt.NDArray[np.uint8]

    def check(self) -> None:
        """Makes sure that the kernel can draw it: nothing of it leads outside an array.

        Raises:
            ValueError: the first array that is wrong, by name.
        """
        counts: dict[str, int] = {}
        for field in fields(self):
            _check_array(field.name, getattr(self, field.name), _LIMITS[field.name], counts)
        self._check_geometry(counts)
        self._check_surfaces(counts)
        self._check_expressions(counts)
        if (self.spring_parents >= BONES + np.arange(counts["J"])).any():
            raise ValueError("spring_parents: a joint hangs on a bone or on an earlier joint")

    def _check_geometry(self, counts: dict[str, int]) -> None:
        if (self.joints >= BONES + counts["J"]).any():
            raise ValueError(f"joints: not below {BONES + counts['J']}")
        if not (self.weights.astype(np.float32).sum(axis=1) > 0).all():
            raise ValueError("weights: a vertex hangs on nothing")
        if int(self.surface_triangles.sum(dtype=np.int64)) != counts["T"]:
            raise ValueError("surface_triangles: they are not as many as there are triangles")
        if (self.triangles >= counts["V"]).any():
            raise ValueError(f"triangles: not below {counts['V']}")
        number = np.repeat(np.arange(counts["M"]), self.surface_triangles)
        if (surface_of_vertices(self, counts["V"])[self.triangles] != number[:, None]).any():
            raise ValueError("triangles: surfaces share a vertex")

    def _check_surfaces(self, counts: dict[str, int]) -> None:
        if (self.surface_textures >= counts["X"]).any():
            raise ValueError(f"surface_textures: not below {counts['X']}")
        if int((self.texture_sizes.astype(np.int64).prod(axis=1)).sum()) != counts["P"]:
            raise ValueError("texels: not as many as texture_sizes says")
        if (np.diff(self.surface_flags[:, 0].astype(int)) < 0).any():
            raise ValueError("surface_flags: the order is opaque, mask, blend")
        if (self.surface_flags[:, [1, 2, 3, 6]] > 1).any():
            raise ValueError("surface_flags: a flag is 0 or 1")

    def _check_expressions(self, counts: dict[str, int]) -> None:
        if int(self.expression_counts.sum(dtype=np.int64)) != counts["K"]:
            raise ValueError("expression_counts: not as many as expression_vertices has")
        if (self.expression_vertices >= counts["V"]).any():
            raise ValueError(f"expression_vertices: not below {counts['V']}")


def _check_array(name: str, array: npt.NDArray[Any], limit: _Limit, counts: dict[str, int]) -> None:
    """Compares with the limit; counts that are new are noted, known ones have to agree."""
    if not isinstance(array, np.ndarray) or array.dtype != limit.dtype or array.ndim != len(limit.shape):
        raise ValueError(f"{name}: should be {np.dtype(limit.dtype)} of {len(limit.shape)} dimensions")
    for found, wanted in zip(array.shape, limit.shape, strict=True):
        if isinstance(wanted, str):
            if not _FEWEST.get(wanted, 0) <= found <= _MOST[wanted]:
                raise ValueError(f"{name}: {found} is out of range, at most {_MOST[wanted]} are drawn")
            wanted = counts.setdefault(wanted, found)
        if found != wanted:
            raise ValueError(f"{name}: its shape is {array.shape}, {found} should be {wanted}")
    if not array.size:
        return
    lowest, highest = float(array.min()), float(array.max())
    if not (math.isfinite(lowest) and math.isfinite(highest)):
        raise ValueError(f"{name}: a number is not finite")
    if lowest < limit.lowest or highest > limit.highest:
        raise ValueError(f"{name}: from {lowest:g} to {highest:g} is out of range")


def surface_of_vertices(arrays: SurfaceArrays, count: int) -> npt.NDArray[np.intp]:
    """(V,) number of the surface that each vertex belongs to; 0 for those of no triangle."""
    owners = np.zeros(count, np.intp)
    number = np.repeat(np.arange(len(arrays.surface_triangles)), arrays.surface_triangles)
    owners[arrays.triangles] = number[:, None]
    return owners

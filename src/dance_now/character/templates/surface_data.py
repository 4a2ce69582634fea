"""A surface character as the kernel reads it: the structures of ``kernel.h``, filled from arrays."""

from __future__ import annotations

import ctypes
import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.character.kernel.library import (
    ENCODE_STEPS,
    SURFACE_RECORD,
    ModelData,
    SpringsData,
    address,
)
from dance_now.character.templates.surface_arrays import SurfaceArrays, surface_of_vertices
from dance_now.core.arrays import FloatArray

_MATCAP_EDGE: Final = (
    128  # texels; a sphere's picture is seen smaller than that, and has no levels of its own
)


class SurfaceData:
    """The structures of a surface, and the arrays that they point to.

    Args:
        library: the kernel, which makes the textures' reduced levels.
        arrays: checked.

    Attributes:
        model: ``Model`` of kernel.h.
        springs: ``Springs`` of kernel.h.
    """

    def __init__(self, library: ctypes.CDLL, arrays: SurfaceArrays) -> None:
        self._library = library
        self._kept: dict[str, npt.NDArray[Any]] = {}
        self.model = self._model_data(arrays)
        self.springs = self._springs_data(arrays)

    def _keep(self, name: str, array: npt.NDArray[Any], dtype: npt.DTypeLike) -> int:
        self._kept[name] = np.ascontiguousarray(array, dtype)
        return address(self._kept[name])

    def _model_data(self, arrays: SurfaceArrays) -> ModelData:
        levels, chains, total = _level_table(arrays.texture_sizes)
        model = ModelData()
        model.vertices, model.triangles = len(arrays.positions), len(arrays.triangles)
        model.surfaces, model.expressions = len(arrays.surface_triangles), len(arrays.face_solve)
        owners = surface_of_vertices(arrays, model.vertices)
        weights = arrays.weights.astype(np.float32)
        number = np.repeat(np.arange(model.surfaces), arrays.surface_triangles)
        decode, thresholds, guesses = _transfer_tables()
        for name, array, dtype in (
            ("positions", arrays.positions, np.float32),
            ("normals", arrays.normals, np.float32),
            ("outline_normals", arrays.outline_normals, np.float32),
            ("uv", arrays.uv, np.float32),
            ("joints", arrays.joints, np.uint16),
            ("weights", weights / weights.sum(axis=1, keepdims=True), np.float32),
            ("world_widths", arrays.surface_outline[owners, 4], np.float32),
            ("screen_widths", arrays.surface_outline[owners, 5], np.float32),
            ("corners", arrays.triangles, np.uint32),
            ("surface_of", number, np.uint16),
            ("surface", _surface_records(arrays, chains), SURFACE_RECORD),
            ("levels", levels, np.int32),
            ("texels", np.zeros((total + 1, 4), np.uint16), np.uint16),
            ("face_solve", arrays.face_solve, np.float32),
            ("expression_counts", arrays.expression_counts, np.uint32),
            ("expression_vertices", arrays.expression_vertices, np.uint32),
            ("expression_offsets", arrays.expression_offsets, np.float32),
            ("expression_normals", arrays.expression_normals, np.float32),
            ("decode", decode, np.float32),
            ("decode_texel", np.round(decode * 65535), np.uint16),
            ("encode_thresholds", thresholds, np.float32),
            ("encode_guesses", guesses, np.uint8),
        ):
            setattr(model, name, self._keep(name, array, dtype))
        self._fill_levels(arrays, model, chains)
        return model

    def _fill_levels(self, arrays: SurfaceArrays, model: ModelData, chains: list[tuple[int, int]]) -> None:
        """Makes the textures' reduced levels, and linear light of all."""
        texels, levels, start = self._kept["texels"], self._kept["levels"], 0
        for (first, count), (width, height) in zip(chains, arrays.texture_sizes.tolist(), strict=True):
            level = np.ascontiguousarray(arrays.texels[start : start + width * height])
            start += width * height
            for number in range(first, first + count):
                row = levels[number]
                if number > first:
                    halved = np.empty((row[1] * row[2], 4), np.uint8)
                    above = address(levels[number - 1])
                    self._library.halve_texels(model, above, address(level), address(halved))
                    level = halved
                place = texels[row[0] : row[0] + len(level)]
                self._library.decode_texels(model, level.size, address(level), address(place))

    def _springs_data(self, arrays: SurfaceArrays) -> SpringsData:
        springs = SpringsData()
        springs.joints, springs.colliders = len(arrays.spring_parents), len(arrays.collider_radii)
        for name, array, dtype in (
            ("parents", arrays.spring_parents, np.uint16),
            ("points", arrays.spring_points, np.float32),
            ("forces", arrays.spring_forces, np.float32),
            ("collider_bones", arrays.collider_bones, np.uint16),
            ("collider_points", arrays.collider_points, np.float32),
            ("collider_radii", arrays.collider_radii, np.float32),
            ("minds", arrays.spring_colliders, np.uint8),
        ):
            setattr(springs, name, self._keep(f"spring_{name}", array, dtype))
        return springs


def _level_table(sizes: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.int32], list[tuple[int, int]], int]:
    """Levels' first texels, widths and heights; textures' first levels and numbers of them; texels in all."""
    levels: list[tuple[int, int, int]] = []
    chains, total = [], 0
    for width, height in sizes.tolist():
        first = len(levels)
        while True:
            levels.append((total, width, height))
            total += width * height
            if width == height == 1:
                break
            width, height = max(width // 2, 1), max(height // 2, 1)
        chains.append((first, len(levels) - first))
    return np.array(levels or [(0, 1, 1)], np.int32), chains, total


def _surface_records(arrays: SurfaceArrays, chains: list[tuple[int, int]]) -> npt.NDArray[np.void]:
    records = np.zeros(len(arrays.surface_triangles), SURFACE_RECORD)
    records["base"] = arrays.surface_base
    for name, colors in (
        ("shade", arrays.surface_shade),
        ("emission", arrays.surface_emission),
        ("rim", arrays.surface_rim[:, :3]),
        ("matcap", arrays.surface_matcap),
        ("outline", arrays.surface_outline[:, :3]),
    ):
        records[name][:, :3] = colors
    low, high = arrays.surface_ramp.T
    records["ramp_low"], records["ramp_scale"] = low, 1 / np.maximum(high - low, np.float32(1e-4))
    records["rim_power"] = np.maximum(arrays.surface_rim[:, 3], np.float32(1e-3))
    records["rim_lift"] = arrays.surface_rim[:, 4]
    records["outline_mix"], records["cutoff"] = arrays.surface_outline[:, 3], arrays.surface_cutoff
    records["triangles"] = arrays.surface_triangles
    records["first_triangle"] = np.cumsum(arrays.surface_triangles) - arrays.surface_triangles
    flags = ("alpha_mode", "unlit", "double_sided", "writes_depth", "wrap_u", "wrap_v", "nearest")
    for column, name in enumerate(flags):
        records[name] = arrays.surface_flags[:, column]
    records["has_rim"] = (records["rim"] != 0).any(axis=1)
    records["outlined"] = (arrays.surface_outline[:, 4:] > 0).any(axis=1)
    for record, (base, shade, matcap) in zip(records, arrays.surface_textures.tolist(), strict=True):
        record["base_level"], record["base_levels"] = chains[base] if base >= 0 else (-1, 0)
        record["shade_level"], record["shade_levels"] = chains[shade] if shade >= 0 else (-1, 0)
        if matcap >= 0:
            excess = int(arrays.texture_sizes[matcap].max()) / _MATCAP_EDGE
            first, count = chains[matcap]
            record["matcap_level"] = first + min(count - 1, max(0, math.ceil(math.log2(excess))))
            record["has_matcap"] = bool(record["matcap"].any())
    return records


def _transfer_tables() -> tuple[FloatArray, FloatArray, npt.NDArray[np.uint8]]:
    """The sRGB transfer function (IEC 61966-2-1) as tables.

    Returns:
        Linear light of each byte; least linear light that rounds to each byte, the 257th infinite; the byte
        at each of ENCODE_STEPS + 1 steps of linear light.
    """

    def linear(encoded: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)

    decode = linear(np.arange(256) / 255).astype(np.float32)
    middles = linear((np.arange(1, 256) - 0.5) / 255)
    thresholds = np.concatenate([[0], middles, [np.inf]]).astype(np.float32)
    steps = np.arange(ENCODE_STEPS + 1, dtype=np.float32) / ENCODE_STEPS
    guesses = np.searchsorted(thresholds[:256], steps, side="right") - 1
    return decode, thresholds, guesses.astype(np.uint8)

"""Arrays that lead out of themselves are refused, by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from surface_cases import ball_arrays

from dance_now.character.templates.surface import SurfaceArrays

_SOUND = ball_arrays()


def _changed(name: str, index: Any, value: Any) -> SurfaceArrays:
    array = getattr(_SOUND, name).copy()
    array[index] = value
    return replace(_SOUND, **{name: array})


def test_sound_arrays_pass() -> None:
    _SOUND.check()


@pytest.mark.parametrize(
    ("name", "index", "value"),
    [
        ("positions", (5, 1), np.nan),
        ("positions", (5, 1), 101),
        ("normals", (0, 0), np.inf),
        ("uv", 0, 1e9),
        ("joints", 3, 47),
        ("weights", 7, 0),
        ("weights", 7, 1.5),
        ("triangles", 11, 100_000),
        ("triangles", 11, 2049),
        ("surface_triangles", 0, 3),
        ("surface_base", 0, np.nan),
        ("surface_flags", (0, 0), 3),
        ("surface_flags", (0, 0), 2),
        ("surface_flags", (1, 6), 2),
        ("surface_textures", (0, 2), 3),
        ("surface_textures", (0, 1), -2),
        ("texture_sizes", 0, 0),
        ("texture_sizes", 0, 4097),
        ("texture_sizes", 0, 95),
    ],
)
def test_wrong_numbers_are_refused(name: str, index: Any, value: Any) -> None:
    words = "texels" if (name, value) == ("texture_sizes", 95) else name
    with pytest.raises(ValueError, match=words):
        _changed(name, index, value).check()


@pytest.mark.parametrize("name", list(SurfaceArrays.__dataclass_fields__))
def test_wrong_types_and_shapes_are_refused(name: str) -> None:
    array = getattr(_SOUND, name)
    with pytest.raises(ValueError, match=name):
        replace(_SOUND, **{name: array.astype(np.float64)}).check()
    with pytest.raises(ValueError, match=name):
        replace(_SOUND, **{name: array[..., None]}).check()
    with pytest.raises(ValueError, match=name):
        replace(_SOUND, **{name: array.tolist()}).check()


def test_springs_and_expressions_are_checked() -> None:
    springs = {
        "spring_parents": np.array([47], np.uint16),
        "spring_points": np.zeros((1, 2, 3), np.float32),
        "spring_forces": np.zeros((1, 6), np.float32),
        "spring_colliders": np.zeros((1, 0), np.uint8),
    }
    with pytest.raises(ValueError, match="spring_parents"):
        replace(_SOUND, **springs).check()
    replace(_SOUND, **{**springs, "spring_parents": np.array([46], np.uint16)}).check()
    moves = {
        "face_solve": np.zeros((1, 70, 3), np.float32),
        "expression_counts": np.array([1], np.uint32),
        "expression_vertices": np.array([len(_SOUND.positions)], np.uint32),
        "expression_offsets": np.zeros((1, 3), np.float16),
        "expression_normals": np.zeros((1, 3), np.float16),
    }
    with pytest.raises(ValueError, match="expression_vertices"):
        replace(_SOUND, **moves).check()
    with pytest.raises(ValueError, match="expression_counts"):
        replace(_SOUND, **{**moves, "expression_counts": np.array([2], np.uint32)}).check()

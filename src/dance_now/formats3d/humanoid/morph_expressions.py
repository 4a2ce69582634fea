"""Expressions of a file without a VRM extension, from the names of its morph targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dance_now.formats3d.gltf import Gltf
from dance_now.formats3d.humanoid.expression_names import name_expressions

_LEAST_OFFSET: Final = 1e-7


@dataclass(frozen=True)
class MorphBind:
    """Morph target bind of an expression: ``weight`` of the target where the expression is at 1."""

    mesh: int
    target: int
    weight: float


Expression = tuple[MorphBind, ...]


def morph_expressions(gltf: Gltf) -> tuple[dict[str, Expression], tuple[str, ...]]:
    """Expressions from morph target names, and the naming families they are of."""
    places: dict[str, list[tuple[int, int]]] = {}
    for mesh, entry in enumerate(gltf.items("meshes")):
        for target, name in enumerate((entry.get("extras") or {}).get("targetNames", [])):
            places.setdefault(str(name), []).append((mesh, target))

    def moves(name: str) -> bool:
        return any(_moves(gltf, mesh, target) for mesh, target in places[name])

    named = name_expressions(list(places), moves)
    expressions = {
        item.name: tuple(
            MorphBind(mesh, target, weight) for name, weight in item.morphs for mesh, target in places[name]
        )
        for item in named
    }
    return expressions, tuple(dict.fromkeys(item.family for item in named if item.family))


def _moves(gltf: Gltf, mesh: int, target: int) -> bool:
    """Whether a morph target can move something: its bounds, where the file states them, are not all 0."""
    accessors = gltf.items("accessors")
    for shape in _targets(gltf, mesh, target):
        place = shape.get("POSITION")
        if not isinstance(place, int) or not 0 <= place < len(accessors):
            continue
        low, high = (accessors[place].get(key) for key in ("min", "max"))
        if low is None or high is None:
            return True
        values = [float(value) for value in (*low, *high)]
        if not np.isfinite(values).all() or max(map(abs, values), default=0.0) > _LEAST_OFFSET:
            return True
    return False


def _targets(gltf: Gltf, mesh: int, target: int) -> Iterator[dict[str, Any]]:
    for primitive in gltf.items("meshes")[mesh].get("primitives", []):
        shapes = primitive.get("targets", [])
        if target < len(shapes):
            yield shapes[target]

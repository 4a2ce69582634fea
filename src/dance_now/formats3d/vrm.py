"""Humanoid reader: bones, expressions and licence of VRM 0 and 1; for plain GLB found in it.

Source: vrm-c/vrm-specification, VRM 0.0 and VRMC_vrm-1.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.avatar_licence import Licence, licence_of_gltf, licence_of_vrm0, licence_of_vrm1
from dance_now.formats3d.gltf import Gltf, MalformedGltfError
from dance_now.formats3d.humanoid.bone_names import HUMANOID_BONES, bone_from_vrm1
from dance_now.formats3d.humanoid.expression_names import expression_from_vrm0
from dance_now.formats3d.humanoid.morph_expressions import Expression, MorphBind, morph_expressions
from dance_now.formats3d.humanoid.skeleton_search import find_skeleton
from dance_now.formats3d.node_tree import NodeTree

MAX_BINDS = 20_000
"""Morph targets moved by all expressions together."""


@dataclass(frozen=True)
class Humanoid:
    """Humanoid of a file.

    Attributes:
        name, version, licence, bones, expressions: as in Avatar.
        faces_back: it faces -z by its format's definition.
        skeleton: how the bones were found.
        expression_families: naming families of its morph targets; empty for VRM.
        remarks: what the user should know, a line each.
    """

    name: str
    version: str
    licence: Licence
    bones: dict[str, int]
    expressions: dict[str, Expression]
    faces_back: bool
    skeleton: str = "VRM humanoid"
    expression_families: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def read_humanoid(gltf: Gltf, tree: NodeTree, bone_nodes: Mapping[str, str] | None = None) -> Humanoid:
    """Reads the VRM extension of either version, or matches bones by node names.

    Args:
        gltf: the file.
        tree: its nodes.
        bone_nodes: humanoid bone -> node name, for bones that the file lacks or assigns wrongly.

    Raises:
        DanceNowError: bones that refer to a missing node.
    """
    given = _given_bones(gltf, tree, bone_nodes or {})
    if "VRMC_vrm" in gltf.extensions:
        humanoid = _read_vrm1(gltf, gltf.extensions["VRMC_vrm"], given)
    elif "VRM" in gltf.extensions:
        humanoid = _read_vrm0(gltf, gltf.extensions["VRM"], given)
    else:
        humanoid = _guess(gltf, tree, given)
    if sum(map(len, humanoid.expressions.values())) > MAX_BINDS:
        raise MalformedGltfError(gltf.path, f"its expressions move more than {MAX_BINDS} morph targets")
    if any(not isinstance(node, int) or not 0 <= node < len(tree.names) for node in humanoid.bones.values()):
        raise MalformedGltfError(gltf.path, "a humanoid bone refers to a node that does not exist")
    return humanoid


def _given_bones(gltf: Gltf, tree: NodeTree, bone_nodes: Mapping[str, str]) -> dict[str, int]:
    places = {name: index for index, name in reversed(list(enumerate(tree.names)))}
    absent = [node for node in bone_nodes.values() if node not in places]
    if absent:
        known = ", ".join([name for name in tree.names if name][:40])
        raise DanceNowError(f"{gltf.path.name} has no node named {absent[0]!r}. It has: {known}.")
    return {bone: places[node] for bone, node in bone_nodes.items()}


def _bind(mesh: Any, target: Any, weight: Any) -> MorphBind:
    bind = MorphBind(int(mesh), int(target), float(weight))
    if not np.isfinite(bind.weight) or bind.mesh < 0 or bind.target < 0:
        raise ValueError("an expression moves a morph target that cannot exist")
    return bind


def _read_vrm1(gltf: Gltf, vrm: dict[str, Any], given: dict[str, int]) -> Humanoid:
    meta = vrm.get("meta", {})
    nodes = gltf.items("nodes")
    named = {bone_from_vrm1(name): entry["node"] for name, entry in vrm["humanoid"]["humanBones"].items()}
    bones = {bone: node for bone, node in named.items() if bone in HUMANOID_BONES}
    groups = vrm.get("expressions") or {}
    expressions = {
        name: tuple(
            _bind(nodes[bind["node"]]["mesh"], bind["index"], bind["weight"])
            for bind in group.get("morphTargetBinds") or ()
        )
        for kind in ("custom", "preset")
        for name, group in (groups.get(kind) or {}).items()
    }
    return Humanoid(
        name=str(meta.get("name") or gltf.path.stem),
        version="VRM 1.0",
        licence=licence_of_vrm1(meta),
        bones=bones | given,
        expressions=expressions,
        faces_back=False,
    )


def _read_vrm0(gltf: Gltf, vrm: dict[str, Any], given: dict[str, int]) -> Humanoid:
    meta = vrm.get("meta", {})
    bones = {
        entry["bone"]: entry["node"]
        for entry in vrm["humanoid"]["humanBones"]
        if entry["bone"] in HUMANOID_BONES and entry.get("node", -1) >= 0  # -1: bone not used
    }
    expressions = {
        expression_from_vrm0(group.get("presetName") or "", str(group.get("name", ""))): tuple(
            _bind(bind["mesh"], bind["index"], bind["weight"] / 100) for bind in group.get("binds") or ()
        )
        for group in vrm.get("blendShapeMaster", {}).get("blendShapeGroups", [])
    }
    return Humanoid(
        name=str(meta.get("title") or gltf.path.stem),
        version="VRM 0.x",
        licence=licence_of_vrm0(meta),
        bones=bones | given,
        expressions=expressions,
        faces_back=True,
    )


def _guess(gltf: Gltf, tree: NodeTree, given: dict[str, int]) -> Humanoid:
    found = find_skeleton(gltf, tree, given)
    expressions, families = morph_expressions(gltf)
    return Humanoid(
        name=gltf.path.stem,
        version="GLB",
        licence=licence_of_gltf(gltf.document.get("asset", {})),
        bones=found.bones,
        expressions=expressions,
        faces_back=False,
        skeleton=found.source,
        expression_families=families,
        remarks=found.remarks,
    )

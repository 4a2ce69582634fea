"""Skeleton search: humanoid bones of a file that names none, by the names of its joints or by structure."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.gltf import Gltf, MalformedGltfError
from dance_now.formats3d.humanoid.bone_names import CHAINS, REQUIRED_BONES
from dance_now.formats3d.humanoid.skeleton_matching import match_names
from dance_now.formats3d.humanoid.skeleton_structure import read_structure
from dance_now.formats3d.node_tree import NodeTree

_LISTED = 60  # joints in an error message
_SAME_NAMES = 20  # nodes of one name that are tried


@dataclass(frozen=True)
class FoundSkeleton:
    """Humanoid bones found in a file.

    Attributes:
        bones: bone -> node; required ones may be missing.
        source: how they were found: the family of names, or the structure.
        remarks: what the user should know, a line each.
    """

    bones: dict[str, int]
    source: str
    remarks: tuple[str, ...] = ()


def skin_joints(gltf: Gltf) -> set[int]:
    """Nodes that skins use as joints; those that do not exist are left to the reader of meshes."""
    count = len(gltf.items("nodes"))
    named = [node for skin in gltf.items("skins") for node in skin.get("joints", ())]
    return {node for node in named if isinstance(node, int) and 0 <= node < count}


def joint_masses(gltf: Gltf) -> dict[int, float]:
    """Weight of the vertices on each joint, of all skinned meshes together."""
    count = len(gltf.items("nodes"))
    masses: dict[int, float] = {}
    for mesh, skin in sorted(
        {(n["mesh"], n["skin"]) for n in gltf.items("nodes") if {"mesh", "skin"} <= n.keys()}
    ):
        nodes = np.array(gltf.items("skins")[skin]["joints"], np.int64)
        for primitive in gltf.items("meshes")[mesh]["primitives"]:
            attributes = primitive["attributes"]
            if "JOINTS_0" not in attributes or "WEIGHTS_0" not in attributes:
                continue
            numbers = gltf.accessor(attributes["JOINTS_0"]).astype(np.int64).ravel()
            weights = np.maximum(gltf.accessor(attributes["WEIGHTS_0"]).astype(np.float64).ravel(), 0)
            if len(numbers) != len(weights):
                raise MalformedGltfError(gltf.path, "a mesh's arrays have different lengths")
            inside = (numbers >= 0) & (numbers < len(nodes))
            sums = np.bincount(numbers[inside], weights[inside], minlength=len(nodes))
            for node, mass in zip(nodes.tolist(), sums.tolist(), strict=True):
                if 0 <= node < count:
                    masses[node] = masses.get(node, 0.0) + mass
    return masses


def find_skeleton(gltf: Gltf, tree: NodeTree, given: Mapping[str, int]) -> FoundSkeleton:
    """Finds the humanoid bones of a file by name, and by structure where names fail.

    Only joints of skins and what they hang on can be bones, where the file has skins: meshes and targets of
    inverse kinematics cannot.

    Args:
        gltf: the file.
        tree: its nodes.
        given: bones that the user names; they count for more than all that is found.

    Raises:
        DanceNowError: a limb whose bones are not below each other, which the message names.
    """
    joints = skin_joints(gltf)
    nodes = _candidates(gltf, tree, joints)
    match = match_names([tree.names[node] for node in nodes])
    places = {bone: [nodes[place] for place in found] for bone, found in match.places.items()}
    bones, broken = _chained(tree, places, given)
    source = f"names of {match.family}" if match.family != "common names" else match.family
    missing = [bone for bone in REQUIRED_BONES if bone not in bones]
    remarks: tuple[str, ...] = ()
    if missing:
        masses = joint_masses(gltf) if joints else {}
        reading = read_structure(tree.parents.tolist(), tree.world[:, :3, 3], masses)
        if reading is None and broken:
            raise DanceNowError(f"{gltf.path.name}: {broken[0]}.")
        if reading is not None:
            bones = _merged(reading.bones, bones, given)
            source = "structure of the joints"
            remarks = (f"bones were found by structure: the names of {', '.join(missing)} are unknown",)
            if not reading.knows_front:
                remarks = (*remarks, "no feet tell the front; +z is taken for it")
    bones = _with_rigid_eyes(gltf, tree, bones) if joints else bones
    return FoundSkeleton(_with_common_root(tree, bones), source, remarks)


def _merged(found: Mapping[str, int], named: Mapping[str, int], given: Mapping[str, int]) -> dict[str, int]:
    """Bones by structure, those the user names, and fingers, eyes and the like by name."""
    bones = {bone: node for bone, node in found.items() if node not in given.values()} | dict(given)
    taken = set(bones.values())
    return bones | {bone: node for bone, node in named.items() if bone not in bones and node not in taken}


def _candidates(gltf: Gltf, tree: NodeTree, joints: set[int]) -> list[int]:
    """Nodes that may be bones, parents first; those under the root with most joints come first."""
    if not joints:
        return list(tree.order)
    entries = gltf.items("nodes")
    carries = set(joints)  # a joint below
    for node in reversed(tree.order):
        if node in carries and tree.parents[node] >= 0:
            carries.add(int(tree.parents[node]))
    allowed = {node for node in carries if node in joints or "mesh" not in entries[node]}
    root: dict[int, int] = {}
    for node in tree.order:
        root[node] = node if tree.parents[node] < 0 else root[int(tree.parents[node])]
    counts = Counter(root[joint] for joint in joints)
    inside = [node for node in tree.order if node in allowed]
    return sorted(inside, key=lambda node: -counts[root[node]])  # stable


def _with_rigid_eyes(gltf: Gltf, tree: NodeTree, bones: dict[str, int]) -> dict[str, int]:
    """Eyes may be meshes without a skin, which turn as they are."""
    rigid = [
        node for node, entry in enumerate(gltf.items("nodes")) if "mesh" in entry and "skin" not in entry
    ]
    named = match_names([tree.names[node] for node in rigid]).bones
    eyes = {bone: rigid[place] for bone, place in named.items() if bone.endswith("Eye")}
    taken = set(bones.values())
    return bones | {bone: node for bone, node in eyes.items() if bone not in bones and node not in taken}


def _chained(
    tree: NodeTree, places: Mapping[str, Sequence[int]], given: Mapping[str, int]
) -> tuple[dict[str, int], list[str]]:
    """The first node of each bone, for limbs the first below the bone before; and what is out of place."""
    bones = {bone: found[0] for bone, found in places.items() if found[0] not in given.values()} | dict(given)
    broken = []
    for chain in CHAINS:
        above = bones.get(chain[0])
        for before, bone in itertools.pairwise(chain):
            if above is None or bone not in bones:
                break
            options = [bones[bone]] if bone in given else places[bone][:_SAME_NAMES]
            below = [node for node in options if _is_below(tree, node, above)]
            if not below:
                name, upper = tree.names[bones[bone]], tree.names[above]
                broken.append(f"{bone} (node {name!r}) is not below {before} (node {upper!r})")
                if bone not in given:
                    del bones[bone]
                break
            above = bones[bone] = below[0]
    return bones, broken


def _is_below(tree: NodeTree, node: int, above: int) -> bool:
    while node >= 0 and node != above:
        node = int(tree.parents[node])
    return node >= 0


def _with_common_root(tree: NodeTree, bones: dict[str, int]) -> dict[str, int]:
    """Moves the hips to what legs and trunk hang on, where the bone of that name is not it (MMD, Daz)."""
    ends = [bones[bone] for bone in ("leftUpperLeg", "rightUpperLeg", "spine", "head") if bone in bones]
    hips = bones.get("hips")
    if hips is None or len(ends) < 4:
        return bones
    above = [_ancestors(tree, end) for end in ends]
    common = set.intersection(*map(set, above))
    if hips in common or not common:
        return bones
    node = next(node for node in above[0] if node in common)
    return bones if node in bones.values() else bones | {"hips": node}


def _ancestors(tree: NodeTree, node: int) -> list[int]:
    """A node and all above it, the nearest first."""
    found = [node]
    while tree.parents[found[-1]] >= 0:
        found.append(int(tree.parents[found[-1]]))
    return found


def missing_bones_message(gltf: Gltf, tree: NodeTree, missing: Sequence[str]) -> str:
    """What to say about a file without some required bones: it lists the file's joints."""
    joints = skin_joints(gltf) or set(range(len(tree.names)))
    names = [tree.names[node] for node in tree.order if node in joints and tree.names[node]]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (
        f"{gltf.path.name} has no complete humanoid skeleton; missing: {', '.join(missing)}."
        f" Set bones to a JSON file that maps them. Its joints: {', '.join(names[:_LISTED]) or 'none'}{more}."
    )

"""Spring bone reader: VRM 0 ``secondaryAnimation`` and VRM 1 ``VRMC_springBone``.

Source: vrm-c/vrm-specification, VRM 0.0 schema and VRMC_springBone-1.0.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.formats3d.gltf import Gltf, MalformedGltfError
from dance_now.formats3d.node_tree import Matrices, NodeTree

Vector = npt.NDArray[np.float64]

_MAX_JOINTS = 5000
_MAX_COLLIDERS = 1000
_MAX_PAIRS = 200_000  # joints times the colliders that each collides with
_MAX_WORK = 4096  # levels of a hierarchy times colliders: those are simulated one after the other
_LAST_BONE_LENGTH = 0.07  # metres: VRM 0 gives the last bone of a chain this tail


@dataclass(frozen=True, eq=False)
class SpringJoint:
    """Spring bone joint.

    Attributes:
        node: its node.
        tail: (3,) rest position of its end, in the node's local space.
        stiffness: force toward the rest direction.
        drag: fraction of the velocity lost in a step.
        gravity: (3,) gravity force, character frame.
        radius: collision radius, metres.
        colliders: indices of the colliders it collides with.
    """

    node: int
    tail: Vector
    stiffness: float
    drag: float
    gravity: Vector
    radius: float
    colliders: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Collider:
    """Collision sphere (``tail`` is None) or capsule of a node; ``offset``, ``tail`` (3,) local, metres."""

    node: int
    offset: Vector
    radius: float
    tail: Vector | None = None


@dataclass(frozen=True, eq=False)
class SpringRig:
    """Spring bones and colliders of an avatar."""

    joints: tuple[SpringJoint, ...]
    colliders: tuple[Collider, ...]


def read_spring_rig(gltf: Gltf, tree: NodeTree, turn: Matrices) -> SpringRig | None:
    """Reads the spring bones of a file; None if it has none.

    Args:
        gltf: the file.
        tree: its nodes.
        turn: (3, 3) file frame -> character frame.

    Raises:
        DanceNowError: springs that refer to missing nodes, or too many.
    """
    try:
        if "VRMC_springBone" in gltf.extensions:
            rig = _read_vrm1(gltf.extensions["VRMC_springBone"], tree, turn)
        elif "VRM" in gltf.extensions:
            rig = _read_vrm0(gltf.extensions["VRM"].get("secondaryAnimation") or {}, tree, turn)
        else:
            return None
        work = _levels(rig, tree) * (len(rig.colliders) + 2)
        _check_count(work, _MAX_WORK, "colliders for spring bones that hang on each other")
    except _TooManyError as error:
        raise MalformedGltfError(gltf.path, f"it has too many {error}") from error
    nodes = [joint.node for joint in rig.joints] + [collider.node for collider in rig.colliders]
    if any(not 0 <= node < len(tree.names) for node in nodes):
        raise MalformedGltfError(gltf.path, "its spring bones refer to nodes that do not exist")
    return rig if rig.joints else None


def _levels(rig: SpringRig, tree: NodeTree) -> int:
    """Longest row of nodes from a spring bone down."""
    swinging = {joint.node for joint in rig.joints}
    depth: dict[int, int] = {}
    for node in tree.order:
        above = depth.get(int(tree.parents[node]))
        if above is not None or node in swinging:
            depth[node] = (above or 0) + 1
    return max(depth.values(), default=0)


class _TooManyError(Exception):
    """More of something than a file may have; the message is its plural."""


def _check_count(things: Sized | int, most: int, plural: str) -> None:
    if (things if isinstance(things, int) else len(things)) > most:
        raise _TooManyError(plural)


def _vector(value: dict[str, float] | None, default: tuple[float, float, float]) -> Vector:
    if value is None:
        return np.array(default)
    vector = np.array([float(value.get(axis, 0)) for axis in "xyz"])
    if not np.isfinite(vector).all():
        raise ValueError("a spring bone's vector is not finite")
    return vector


def _read_vrm0(secondary: dict[str, Any], tree: NodeTree, turn: Matrices) -> SpringRig:
    colliders: list[Collider] = []
    members: list[list[int]] = []
    for group in secondary.get("colliderGroups") or ():
        members.append([])
        for collider in group.get("colliders") or ():
            # VRM 0 writes collider offsets in Unity's left-handed space.
            offset = _vector(collider.get("offset"), (0, 0, 0)) * (1, 1, -1)
            members[-1].append(len(colliders))
            _check_count(colliders, _MAX_COLLIDERS - 1, "colliders")
            colliders.append(Collider(int(group["node"]), offset, float(collider["radius"])))
    joints: dict[int, SpringJoint] = {}
    children = _children(tree)
    for group in secondary.get("boneGroups") or ():
        collider_numbers = _colliders(group, members)
        gravity = turn @ _vector(group.get("gravityDir"), (0, -1, 0)) * float(group.get("gravityPower", 0))
        waiting = [int(root) for root in group.get("bones") or ()]
        for node in waiting:  # grows while it is walked: the roots and all their descendants
            if node in joints:  # and so are its descendants
                continue
            if not 0 <= node < len(children):
                raise IndexError(f"a spring bone refers to node {node}")
            waiting.extend(children[node])
            joints[node] = SpringJoint(
                node=node,
                tail=_vrm0_tail(tree, node, children[node]),
                stiffness=float(group.get("stiffiness", 1)),  # sic: the format's spelling
                drag=float(group.get("dragForce", 0.4)),
                gravity=gravity,
                radius=float(group.get("hitRadius", 0.02)),
                colliders=collider_numbers,
            )
            _check_count(joints, _MAX_JOINTS, "spring bones")
    _check_count(sum(len(joint.colliders) for joint in joints.values()), _MAX_PAIRS, "colliders")
    return SpringRig(_valid_joints(list(joints.values()), tree), tuple(colliders))


def _colliders(spring: dict[str, Any], groups: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Collider numbers of a spring, each once."""
    numbers: dict[int, None] = {}
    for index in dict.fromkeys(spring.get("colliderGroups") or ()):
        numbers.update(dict.fromkeys(groups[index]))
    return tuple(numbers)


def _children(tree: NodeTree) -> list[list[int]]:
    """Children of each node, in the order of the nodes."""
    children: list[list[int]] = [[] for _ in tree.names]
    for node, parent in enumerate(tree.parents.tolist()):
        if parent >= 0:
            children[parent].append(node)
    return children


def _vrm0_tail(tree: NodeTree, node: int, children: list[int]) -> Vector:
    if children:
        tail: Vector = tree.local[children[0], :3, 3]
        return tail
    along: Vector = tree.local[node, :3, 3]
    return along * (_LAST_BONE_LENGTH / max(float(np.linalg.norm(along)), 1e-9))


def _read_vrm1(extension: dict[str, Any], tree: NodeTree, turn: Matrices) -> SpringRig:
    _check_count(extension.get("colliders") or (), _MAX_COLLIDERS, "colliders")
    colliders = tuple(_vrm1_collider(entry) for entry in extension.get("colliders") or ())
    groups = [tuple(group.get("colliders") or ()) for group in extension.get("colliderGroups") or ()]
    joints: list[SpringJoint] = []
    for spring in extension.get("springs") or ():
        collider_numbers = _colliders(spring, groups)
        chain = spring.get("joints") or ()
        for joint, following in itertools.pairwise(chain):
            node, tip = int(joint["node"]), int(following["node"])
            direction = np.array(joint.get("gravityDir", (0, -1, 0)), np.float64)
            joints.append(
                SpringJoint(
                    node=node,
                    tail=(np.linalg.inv(tree.world[node]) @ tree.world[tip])[:3, 3],
                    stiffness=float(joint.get("stiffness", 1)),
                    drag=float(joint.get("dragForce", 0.5)),
                    gravity=turn @ direction * float(joint.get("gravityPower", 0)),
                    radius=float(joint.get("hitRadius", 0)),
                    colliders=collider_numbers,
                )
            )
            _check_count(joints, _MAX_JOINTS, "spring bones")
    _check_count(sum(len(joint.colliders) for joint in joints), _MAX_PAIRS, "colliders of spring bones")
    if any(not 0 <= number < len(colliders) for joint in joints for number in joint.colliders):
        raise IndexError("a spring refers to a collider that does not exist")
    return SpringRig(_valid_joints(joints, tree), colliders)


def _vrm1_collider(entry: dict[str, Any]) -> Collider:
    shape = entry["shape"]
    kind = "capsule" if "capsule" in shape else "sphere"
    values = shape[kind]
    tail = np.array(values.get("tail", (0, 0, 0)), np.float64) if kind == "capsule" else None
    offset = np.array(values.get("offset", (0, 0, 0)), np.float64)
    return Collider(int(entry["node"]), offset, float(values.get("radius", 0)), tail)


def _valid_joints(joints: list[SpringJoint], tree: NodeTree) -> tuple[SpringJoint, ...]:
    """Filters joints: those with a length, parents first, each node once."""
    rank = {node: place for place, node in enumerate(tree.order)}
    unique = {joint.node: joint for joint in reversed(joints)}
    kept = [joint for joint in unique.values() if joint.node in rank and np.linalg.norm(joint.tail) > 1e-6]
    return tuple(sorted(kept, key=lambda joint: rank[joint.node]))

"""Node hierarchy of a glTF file: parents, topological order and rest transforms (glTF 2.0, section 3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.formats3d.gltf import MAX_NODES, Gltf, MalformedGltfError
from dance_now.formats3d.quaternions import quaternion_matrices

Matrices = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NodeTree:
    """Node hierarchy of a file.

    Attributes:
        names: N names ("" where there is none).
        parents: (N,) parent index, -1 for roots.
        order: N indices, parents before children.
        local: (N, 4, 4) rest transform relative to the parent.
        world: (N, 4, 4) rest transform in the file's frame, metres.
    """

    names: tuple[str, ...]
    parents: npt.NDArray[np.int64]
    order: tuple[int, ...]
    local: Matrices
    world: Matrices


def read_node_tree(gltf: Gltf) -> NodeTree:
    """Reads the node hierarchy.

    Raises:
        DanceNowError: a node with two parents, a cycle, or more than MAX_NODES nodes.
    """
    nodes = gltf.items("nodes")
    if not 0 < len(nodes) <= MAX_NODES:
        raise MalformedGltfError(gltf.path, f"it has {len(nodes)} nodes")
    parents = np.full(len(nodes), -1, np.int64)
    children = [list(node.get("children", [])) for node in nodes]
    for index, below in enumerate(children):
        for child in below:
            if not isinstance(child, int) or not 0 <= child < len(nodes) or parents[child] >= 0:
                raise MalformedGltfError(gltf.path, "its node hierarchy is not a tree")
            parents[child] = index
    order = [index for index in range(len(nodes)) if parents[index] < 0]
    for index in order:  # grows while it is walked: breadth first
        order.extend(children[index])
    if len(order) != len(nodes):
        raise MalformedGltfError(gltf.path, "its node hierarchy has a cycle")
    local = np.stack([_local_transform(node) for node in nodes])
    finite = np.isfinite(local).all(axis=(1, 2))
    if not finite.all():
        index = int(np.flatnonzero(~finite)[0])
        name = str(nodes[index].get("name", ""))[:60]
        raise MalformedGltfError(gltf.path, f"the transform of node {index} ({name!r}) is not finite")
    world = local.copy()
    for index in order:
        if parents[index] >= 0:
            world[index] = world[parents[index]] @ local[index]
    names = tuple(str(node.get("name", "")) for node in nodes)
    return NodeTree(names, parents, tuple(order), local, world)


def _local_transform(node: dict[str, Any]) -> Matrices:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    transform = np.eye(4)
    scale = np.array(node.get("scale") or (1, 1, 1), np.float64)
    transform[:3, :3] = (
        quaternion_matrices(np.array(node.get("rotation") or (0, 0, 0, 1), np.float64)) * scale
    )
    transform[:3, 3] = node.get("translation") or (0, 0, 0)
    return transform

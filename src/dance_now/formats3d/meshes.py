"""Mesh reader: vertices, skin weights and morph targets, in the character frame (glTF 2.0, section 3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.formats3d.gltf import Array, Gltf, MalformedGltfError
from dance_now.formats3d.materials import Material
from dance_now.formats3d.node_tree import Matrices

IntArray = npt.NDArray[np.int32]

MAX_VERTICES = 2_000_000
MAX_TARGETS = 1000
MAX_PRIMITIVES = 2000
# What the arrays of one take, with those needed to make them.
_VERTEX_BYTES, _INDEX_BYTES, _JOINT_BYTES, _MOVED_BYTES = 200, 32, 300, 28
_TRIANGLES = 4


@dataclass(frozen=True, eq=False)
class MorphTarget:
    """Morph target, stored sparsely.

    Attributes:
        vertices: (k,) indices of the moved vertices.
        offsets: (k, 3) metres.
        normal_offsets: (k, 3).
    """

    vertices: IntArray
    offsets: FloatArray
    normal_offsets: FloatArray


@dataclass(frozen=True, eq=False)
class Primitive:
    """Mesh primitive with one material, in the bind pose.

    Attributes:
        name: of its node.
        mesh_name: of its mesh.
        mesh: index of its mesh in the file.
        positions: (V, 3) bind pose in the character frame, metres.
        normals: (V, 3).
        uv: (V, 2) texture coordinates, v down, the material's transform applied.
        joints: (V, 4) node indices.
        slots: (V, 4) the same as rows of the avatar's palette.
        weights: (V, 4), summing to 1.
        triangles: (T, 3) counter-clockwise from the front.
        material: its surface.
        targets: morph targets by number; None where it moves nothing here.
    """

    name: str
    mesh_name: str
    mesh: int
    positions: FloatArray
    normals: FloatArray
    uv: FloatArray
    joints: IntArray
    slots: IntArray
    weights: FloatArray
    triangles: IntArray
    material: Material
    targets: tuple[MorphTarget | None, ...]


@dataclass(frozen=True, eq=False)
class _SkinBinding:
    """Binding of a mesh node's vertices to skeleton nodes.

    Attributes:
        nodes: (J,) node index of each joint number.
        first_slot: palette row of joint 0.
        to_bind: (4, 4) vertex space of the file -> character frame.
    """

    nodes: npt.NDArray[np.int64]
    first_slot: int
    to_bind: Matrices


class MeshReader:
    """Reader of a file's primitives and of the skinning palette they share."""

    def __init__(self, gltf: Gltf, materials: Sequence[Material], world: Matrices, hips: int) -> None:
        """``world``: (N, 4, 4) rest transforms in the character frame; ``hips``: that bone's node."""
        self._gltf = gltf
        self._materials = materials
        self._world = world
        self._hips = hips
        self._skins: dict[int, _SkinBinding] = {}
        self._vertices = 0
        self.palette_nodes: list[int] = []
        self.palette_inverse_bind: list[Matrices] = []
        self.primitives: list[Primitive] = []

    def read(self, node: int) -> None:
        """Appends the primitives of a node's mesh.

        Raises:
            DanceNowError: indices out of range, or more than MAX_VERTICES vertices.
        """
        entry = self._gltf.items("nodes")[node]
        meshes = self._gltf.items("meshes")
        mesh = entry["mesh"]
        if not 0 <= mesh < len(meshes):
            raise MalformedGltfError(self._gltf.path, f"it refers to meshes[{mesh}]")
        mesh_name = str(meshes[mesh].get("name", ""))
        name = str(entry.get("name", "")) or mesh_name
        for primitive in meshes[mesh]["primitives"]:
            if primitive.get("mode", _TRIANGLES) == _TRIANGLES:
                skinned = "skin" in entry and "JOINTS_0" in primitive["attributes"]
                binding = self._skin_binding(entry["skin"]) if skinned else self._rigid_binding(node)
                self._read_primitive(primitive, binding, (name, mesh_name, mesh), skinned)

    def _add_palette_rows(self, nodes: npt.NDArray[np.int64], inverse_bind: Matrices) -> int:
        first = len(self.palette_nodes)
        self.palette_nodes.extend(int(node) for node in nodes)
        self.palette_inverse_bind.extend(inverse_bind)
        return first

    def _rigid_binding(self, node: int) -> _SkinBinding:
        nodes = np.array([node])
        return _SkinBinding(
            nodes, self._add_palette_rows(nodes, np.linalg.inv(self._world[nodes])), self._world[node]
        )

    def _skin_binding(self, index: int) -> _SkinBinding:
        if index not in self._skins:
            skin = self._gltf.items("skins")[index]
            self._gltf.budget.charge(_JOINT_BYTES * len(skin["joints"]), "its skins")
            nodes = np.array(skin["joints"], np.int64)
            if not len(nodes) or nodes.min() < 0 or nodes.max() >= len(self._world):
                raise MalformedGltfError(self._gltf.path, "a skin refers to nodes that do not exist")
            inverse_bind = np.tile(np.eye(4), (len(nodes), 1, 1))
            if "inverseBindMatrices" in skin:
                values = self._gltf.accessor(skin["inverseBindMatrices"])[: len(nodes)].astype(np.float64)
                inverse_bind = values.reshape(-1, 4, 4).transpose(0, 2, 1)
            if len(inverse_bind) != len(nodes):
                raise MalformedGltfError(self._gltf.path, "a skin has fewer matrices than joints")
            # One rigid transform takes the whole skin to where the hips are at rest: exact for skinning,
            # and where bind and rest pose agree (nearly always) positions are those of the rest pose.
            anchor = int(np.flatnonzero(nodes == self._hips)[0]) if self._hips in nodes else 0
            to_bind = self._world[nodes[anchor]] @ inverse_bind[anchor]
            first = self._add_palette_rows(nodes, inverse_bind @ np.linalg.inv(to_bind))
            self._skins[index] = _SkinBinding(nodes, first, to_bind)
        return self._skins[index]

    def _read_primitive(
        self, entry: dict[str, Any], binding: _SkinBinding, names: tuple[str, str, int], skinned: bool
    ) -> None:
        attributes = entry["attributes"]
        if len(self.primitives) >= MAX_PRIMITIVES:
            raise MalformedGltfError(self._gltf.path, f"it has more than {MAX_PRIMITIVES} meshes")
        positions = self._gltf.accessor(attributes["POSITION"])
        count = len(positions)
        triangles = self._triangles(entry, count)
        if not len(triangles):
            return
        used, compact = np.unique(triangles, return_inverse=True)  # exporters share one vertex buffer
        triangles = np.ascontiguousarray(compact.reshape(-1, 3).astype(np.int32))
        self._vertices += len(used)
        if self._vertices > MAX_VERTICES:
            raise MalformedGltfError(self._gltf.path, f"it has more than {MAX_VERTICES} vertices")
        self._gltf.budget.charge(_VERTEX_BYTES * len(used), "its vertices")
        material = self._material(entry)
        positions = positions[used].astype(np.float64)
        if "NORMAL" in attributes:
            normals = self._attribute(attributes["NORMAL"], count, 3)[used].astype(np.float64)
        else:
            normals = vertex_normals(positions, triangles)
        numbers, weights = self._influences(attributes, count, used, skinned, len(binding.nodes))
        linear = binding.to_bind[:3, :3]
        self.primitives.append(
            Primitive(
                *names,
                positions=(positions @ linear.T + binding.to_bind[:3, 3]).astype(np.float32),
                normals=_unit(normals @ linear.T).astype(np.float32),
                uv=self._texture_coordinates(attributes, count, used, material),
                joints=binding.nodes[numbers].astype(np.int32),
                slots=(numbers + binding.first_slot).astype(np.int32),
                weights=weights,
                triangles=triangles,
                material=material,
                targets=self._targets(entry, count, used, linear, names[1]),
            )
        )

    def _attribute(self, accessor: int, count: int, width: int) -> Array:
        values = self._gltf.accessor(accessor)
        if values.shape != (count, width):
            raise MalformedGltfError(self._gltf.path, "a mesh's arrays have different lengths")
        return values

    def _triangles(self, entry: dict[str, Any], count: int) -> IntArray:
        if "indices" in entry:
            stored = self._gltf.accessor(entry["indices"])
            self._gltf.budget.charge(_INDEX_BYTES * len(stored), "its triangles")
            indices = stored[:, 0].astype(np.int64)
        else:
            indices = np.arange(count, dtype=np.int64)
        indices = indices[: len(indices) // 3 * 3]
        if len(indices) and (indices.min() < 0 or indices.max() >= count):
            raise MalformedGltfError(self._gltf.path, "a triangle refers to a vertex that does not exist")
        return indices.reshape(-1, 3).astype(np.int32)

    def _material(self, entry: dict[str, Any]) -> Material:
        index = entry.get("material", len(self._materials) - 1)
        if not 0 <= index < len(self._materials):
            raise MalformedGltfError(self._gltf.path, f"it refers to materials[{index}]")
        return self._materials[index]

    def _texture_coordinates(
        self, attributes: dict[str, int], count: int, used: Array, material: Material
    ) -> FloatArray:
        key = f"TEXCOORD_{material.uv_set}"
        if key not in attributes:
            return np.zeros((len(used), 2), np.float32)
        uv = self._attribute(attributes[key], count, 2)[used].astype(np.float32)
        return np.ascontiguousarray(uv @ material.uv_matrix[:, :2].T + material.uv_matrix[:, 2])

    def _influences(
        self, attributes: dict[str, int], count: int, used: Array, skinned: bool, joint_count: int
    ) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Joint numbers (V, 4) and weights (V, 4) of the four strongest influences, summing to 1."""
        if not skinned:
            weights = np.zeros((len(used), 4), np.float32)
            weights[:, 0] = 1
            return np.zeros((len(used), 4), np.int64), weights
        sets = [number for number in range(8) if f"JOINTS_{number}" in attributes]
        joints = [self._attribute(attributes[f"JOINTS_{number}"], count, 4)[used] for number in sets]
        shares = [self._attribute(attributes[f"WEIGHTS_{number}"], count, 4)[used] for number in sets]
        numbers, weights = np.concatenate(joints, axis=1).astype(np.int64), np.concatenate(shares, axis=1)
        weights = np.maximum(weights.astype(np.float32), 0)
        if len(sets) > 1:
            strongest = np.argsort(-weights, axis=1, kind="stable")[:, :4]
            numbers = np.take_along_axis(numbers, strongest, axis=1)
            weights = np.take_along_axis(weights, strongest, axis=1)
        numbers[weights <= 0] = 0  # exporters leave garbage there
        if numbers.max() >= joint_count:
            raise MalformedGltfError(self._gltf.path, "a vertex refers to a joint that does not exist")
        total = weights.sum(axis=1, keepdims=True)
        weights[:, 0] = np.where(total[:, 0] > 0, weights[:, 0], 1)
        return numbers, np.ascontiguousarray(weights / np.where(total > 0, total, 1))

    def _targets(
        self, entry: dict[str, Any], count: int, used: Array, linear: Matrices, mesh_name: str
    ) -> tuple[MorphTarget | None, ...]:
        targets = entry.get("targets", [])
        if len(targets) > MAX_TARGETS:
            raise MalformedGltfError(self._gltf.path, f"a mesh has more than {MAX_TARGETS} morph targets")
        found = []
        for number, target in enumerate(targets):
            try:
                found.append(self._target(target, count, used, linear))
            except MalformedGltfError as error:
                raise MalformedGltfError(
                    self._gltf.path,
                    f"morph target {number} of mesh {mesh_name[:60]!r} is damaged ({error.reason})",
                ) from error
        return tuple(found)

    def _target(
        self, target: dict[str, int], count: int, used: Array, linear: Matrices
    ) -> MorphTarget | None:
        if "POSITION" not in target:
            return None
        offsets = self._attribute(target["POSITION"], count, 3)[used]
        moved = np.flatnonzero(np.abs(offsets).max(axis=1) > 1e-7)
        if not len(moved):
            return None
        self._gltf.budget.charge(_MOVED_BYTES * len(moved), "its morph targets")
        normal_offsets = np.zeros((len(moved), 3))
        if "NORMAL" in target:
            scale = np.cbrt(abs(np.linalg.det(linear))) or 1.0
            normal_offsets = self._attribute(target["NORMAL"], count, 3)[used[moved]] @ (linear.T / scale)
        return MorphTarget(
            moved.astype(np.int32),
            (offsets[moved] @ linear.T).astype(np.float32),
            normal_offsets.astype(np.float32),
        )


def _unit(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def vertex_normals(positions: npt.NDArray[np.float64], triangles: IntArray) -> npt.NDArray[np.float64]:
    """Vertex normals (V, 3), area-weighted, unit length, of (V, 3) positions and (T, 3) triangles."""
    a, b, c = (positions[triangles[:, corner]] for corner in range(3))
    face = np.cross(b - a, c - a)
    normals = np.zeros_like(positions)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], face)
    return _unit(normals)

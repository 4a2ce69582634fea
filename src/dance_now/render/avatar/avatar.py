"""Avatar: a humanoid read from VRM 0.x, VRM 1.0 or GLB, with forward kinematics and skinning.

All coordinates are in the character frame (x = the character's left, y up, z front; metres), whichever way
the file's character faces. Sources: vrm-c/vrm-specification (0.0 and 1.0), glTF 2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.gltf import MALFORMED_ERRORS, Gltf, MalformedGltfError, read_gltf
from dance_now.formats3d.humanoid.bone_names import REQUIRED_BONES
from dance_now.formats3d.humanoid.morph_expressions import Expression
from dance_now.formats3d.humanoid.skeleton_search import missing_bones_message
from dance_now.formats3d.humanoid.upright_rest import stature
from dance_now.formats3d.materials import read_materials
from dance_now.formats3d.meshes import FloatArray, MeshReader, Primitive
from dance_now.formats3d.node_tree import Matrices, read_node_tree
from dance_now.formats3d.spring_rig import SpringRig, read_spring_rig
from dance_now.formats3d.vrm import read_humanoid
from dance_now.render.avatar.gaze import eye_bones, with_gaze_expressions
from dance_now.render.avatar.rest_frame import check_limbs, format_turn, to_character_frame
from dance_now.render.skinning import apply_morphs, skin_vertices

_FARTHEST = 1e9  # metres, or a scale


@dataclass(frozen=True, eq=False)
class Avatar:
    """Humanoid avatar at rest: skeleton, skinned primitives, expressions and licence.

    Attributes:
        name: its title, else the file's name.
        version: the file's format: "VRM 0.x", "VRM 1.0" or "GLB".
        licence: name or URL of its licence and conditions as in the file; "unknown" without one.
        credits: authors as in the file; "unknown" without them.
        prohibitions: clauses of its licence that forbid making a character of it; mostly empty.
        bones: VRM bone name -> node index (thumbs: Proximal, Intermediate, Distal in every version).
        expressions: VRM 1.0 expression name -> the morph targets it moves.
        primitives: mesh primitives.
        node_names: N names.
        parents: (N,) parent node, -1 for roots.
        rest_world: (N, 4, 4) rest transform of each node in the character frame.
        palette_nodes: (K,) node of each row of the skinning palette.
        palette_inverse_bind: (K, 4, 4) character frame in bind pose -> that node.
        spring_rig: its spring bones, or None.
        skeleton: how its bones were found: the VRM extension, a family of names, or the structure.
        expression_families: naming families of its morph targets; empty for VRM.
        remarks: what is unusual about the file, a line each.

    Example:
        >>> avatar = load_avatar(Path("godette.vrm"))  # doctest: +SKIP
        >>> world = avatar.pose({"head": np.eye(3)})  # doctest: +SKIP
    """

    name: str
    version: str
    licence: str
    credits: str
    prohibitions: tuple[str, ...]
    bones: dict[str, int]
    expressions: dict[str, Expression]
    primitives: tuple[Primitive, ...]
    node_names: tuple[str, ...]
    parents: npt.NDArray[np.int64]
    rest_world: Matrices
    palette_nodes: npt.NDArray[np.int64]
    palette_inverse_bind: Matrices
    spring_rig: SpringRig | None = None
    skeleton: str = ""
    expression_families: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    bone_parents: dict[str, str | None] = field(init=False)
    _bone_order: tuple[str, ...] = field(init=False)
    _owners: tuple[str | None, ...] = field(init=False)

    def __post_init__(self) -> None:
        owners = _nearest_bones(self.bones, self.parents)
        parents: dict[str, str | None] = {}
        for bone, node in self.bones.items():
            above = int(self.parents[node])
            parents[bone] = owners[above] if above >= 0 else None
        object.__setattr__(self, "bone_parents", parents)
        object.__setattr__(self, "_bone_order", _parents_first(parents))
        object.__setattr__(self, "_owners", owners)

    def rest_position(self, bone: str) -> npt.NDArray[np.float64]:
        """Rest position (3,) of a humanoid bone. Raises KeyError for a bone the avatar lacks."""
        return self.rest_world[self.bones[bone], :3, 3].copy()

    def humanoid_owner(self, node: int) -> str | None:
        """Humanoid bone that a node is or descends from; None outside the humanoid."""
        return self._owners[node]

    def pose(
        self, rotations: Mapping[str, npt.ArrayLike], root_offset: npt.ArrayLike = (0.0, 0.0, 0.0)
    ) -> Matrices:
        """Poses the skeleton by forward kinematics.

        Args:
            rotations: humanoid bone -> (3, 3) rotation of the bone away from rest, as seen in the character
                frame: orientation = rotation @ rest orientation. A bone that is not named follows its
                parent; bones the avatar lacks are ignored. Other nodes follow their parents.
            root_offset: (3,) metres by which the hips leave their rest position.

        Returns:
            (N, 4, 4) float64 world transforms of all nodes, in the character frame.
        """
        moves: dict[str | None, Matrices] = {None: np.eye(4)}
        for bone in self._bone_order:
            parent = self.bone_parents[bone]
            above = moves[parent]
            rest = self.rest_world[self.bones[bone], :3, 3]
            turn = np.asarray(rotations[bone], np.float64) if bone in rotations else above[:3, :3]
            place = above[:3, :3] @ rest + above[:3, 3]
            if parent is None:
                place = place + np.asarray(root_offset, np.float64)
            move = np.eye(4)
            move[:3, :3] = turn
            move[:3, 3] = place - turn @ rest
            moves[bone] = move
        return np.stack([moves[owner] for owner in self._owners]) @ self.rest_world

    def palette(self, world: Matrices) -> FloatArray:
        """Skinning palette (K, 3, 4) of world transforms (N, 4, 4)."""
        matrices = world[self.palette_nodes] @ self.palette_inverse_bind
        return np.ascontiguousarray(matrices[:, :3], np.float32)

    def morph_weights(self, expressions: Mapping[str, float] | None) -> dict[tuple[int, int], float]:
        """Morph target weights by (mesh, target) from expression weights in [0, 1].

        Expressions the avatar lacks are ignored, so that one animation fits every avatar.
        """
        total: dict[tuple[int, int], float] = {}
        for name, weight in (expressions or {}).items():
            for bind in self.expressions.get(name, ()):
                key = (bind.mesh, bind.target)
                total[key] = total.get(key, 0.0) + bind.weight * min(max(float(weight), 0.0), 1.0)
        return {key: weight for key, weight in total.items() if weight != 0}

    def mesh_points(
        self, world: Matrices, expressions: Mapping[str, float] | None = None
    ) -> list[tuple[FloatArray, FloatArray]]:
        """Skins every primitive: (V, 3) positions in metres and (V, 3) unit normals, character frame.

        Args:
            world: (N, 4, 4) from :meth:`pose`.
            expressions: expression name -> weight in [0, 1].
        """
        palette, morphs = self.palette(world), self.morph_weights(expressions)
        result = []
        for primitive in self.primitives:
            positions, normals = apply_morphs(primitive, morphs)
            moved, turned = np.empty_like(positions), np.empty_like(normals)
            skin_vertices(positions, normals, primitive.slots, primitive.weights, palette, moved, turned)
            result.append((moved, turned))
        return result

    def shown_primitives(self, hide: tuple[str, ...] = ()) -> list[int]:
        """Indices of visible primitives, without those whose node, mesh or material is in ``hide``.

        Raises:
            DanceNowError: a name in ``hide`` that no node, mesh or material has.
        """
        hidden = {name.lower() for name in hide}
        names = [
            {item.name.lower(), item.mesh_name.lower(), item.material.name.lower()}
            for item in self.primitives
        ]
        unknown = hidden - set().union(*names)
        if unknown:
            known = ", ".join(sorted({item.name for item in self.primitives}))
            raise DanceNowError(
                f"{self.name} has nothing named {', '.join(sorted(unknown))}. It has: {known}."
            )
        return [
            index
            for index, item in enumerate(self.primitives)
            if not names[index] & hidden and not item.material.invisible
        ]

    def bounds(self, hide: tuple[str, ...] = ()) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Bounding box of the mesh at rest: lowest and highest corner, (3,) each."""
        points = self.mesh_points(self.rest_world)
        shown = np.concatenate([points[index][0] for index in self.shown_primitives(hide)])
        return shown.min(axis=0).astype(np.float64), shown.max(axis=0).astype(np.float64)


def _nearest_bones(bones: Mapping[str, int], parents: npt.NDArray[np.int64]) -> tuple[str | None, ...]:
    by_node = {node: bone for bone, node in bones.items()}
    owners: dict[int, str | None] = {-1: None}

    def owner(node: int) -> str | None:
        path = []
        while node not in owners and node not in by_node:
            path.append(node)
            node = int(parents[node])
        found = by_node[node] if node in by_node else owners[node]
        owners.update(dict.fromkeys(path, found))
        return found

    return tuple(owner(node) for node in range(len(parents)))


def _parents_first(parents: Mapping[str, str | None]) -> tuple[str, ...]:
    order: list[str] = [bone for bone, parent in parents.items() if parent is None]
    for bone in order:  # breadth first: the list grows during the iteration
        order.extend(child for child, parent in parents.items() if parent == bone)
    return tuple(order)


def load_avatar(path: Path, bone_nodes: Mapping[str, str] | None = None) -> Avatar:
    """Loads an avatar from .vrm (0.x or 1.0) or .glb (Mixamo, VRoid, KayKit or similar bone names).

    Args:
        path: the file.
        bone_nodes: humanoid bone -> node name, for skeletons with non-standard names.

    Raises:
        DanceNowError: no such file, not a GLB, truncated or malformed, larger than 256 MB, images larger
            than 8192 x 8192, an unsupported required extension, no mesh, or no humanoid skeleton.
    """
    gltf = read_gltf(path)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # the results are checked below
            return _build(gltf, bone_nodes)
    except MALFORMED_ERRORS as error:
        raise MalformedGltfError(path, f"{type(error).__name__} {error}") from error


def _build(gltf: Gltf, bone_nodes: Mapping[str, str] | None) -> Avatar:
    tree = read_node_tree(gltf)
    humanoid = read_humanoid(gltf, tree, bone_nodes)
    missing = [bone for bone in REQUIRED_BONES if bone not in humanoid.bones]
    if missing:
        raise DanceNowError(missing_bones_message(gltf, tree, missing))
    if len(set(humanoid.bones.values())) < len(humanoid.bones):
        raise MalformedGltfError(gltf.path, "two humanoid bones share a node")
    turn, remarks = to_character_frame(humanoid, tree.world)
    world = turn @ tree.world
    check_limbs(gltf, humanoid.bones, world[:, :3, 3])
    reader = MeshReader(
        gltf, read_materials(gltf, stature(humanoid.bones, world)), world, humanoid.bones["hips"]
    )
    for node in tree.order:
        if "mesh" in gltf.items("nodes")[node]:
            reader.read(node)
    if not any(not primitive.material.invisible for primitive in reader.primitives):
        raise DanceNowError(f"{gltf.path.name} has no mesh to draw.")
    inverse_bind = np.stack(reader.palette_inverse_bind)
    palette = world[reader.palette_nodes] @ inverse_bind
    everything: list[npt.NDArray[np.float64] | FloatArray] = [
        *(world, inverse_bind, palette),
        *(primitive.positions for primitive in reader.primitives),
    ]
    if not all((np.abs(values) < _FARTHEST).all() for values in everything):  # false for NaN too
        raise MalformedGltfError(gltf.path, "its transforms are out of range")
    eyes = eye_bones(humanoid.bones, _nearest_bones(humanoid.bones, tree.parents), world)
    primitives, gazes = with_gaze_expressions(gltf.extensions, reader.primitives, eyes, palette)
    return Avatar(
        name=humanoid.name,
        version=humanoid.version,
        licence=humanoid.licence.text,
        credits=humanoid.licence.credits,
        prohibitions=humanoid.licence.prohibitions,
        bones=humanoid.bones,
        expressions=humanoid.expressions | gazes,
        primitives=tuple(primitives),
        node_names=tree.names,
        parents=tree.parents,
        rest_world=world,
        palette_nodes=np.array(reader.palette_nodes, np.int64),
        palette_inverse_bind=inverse_bind,
        spring_rig=read_spring_rig(gltf, tree, format_turn(humanoid)[:3, :3]),
        skeleton=humanoid.skeleton,
        expression_families=humanoid.expression_families,
        remarks=(*humanoid.remarks, *remarks),
    )

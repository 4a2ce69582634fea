"""A small humanoid file, made from scratch, in each of the formats that avatars come in."""

import json
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

# Bone: parent, world position in the character frame (x = the character's left, z front), metres.
SKELETON: dict[str, tuple[str | None, tuple[float, float, float]]] = {
    "hips": (None, (0, 1.0, 0)),
    "spine": ("hips", (0, 1.2, 0)),
    "head": ("spine", (0, 1.6, 0)),
    **{
        side + bone: (side + parent if sided else parent, (sign * x, y, 0.0))
        for side, sign in (("left", 1), ("right", -1))
        for bone, parent, sided, x, y in (
            ("UpperArm", "spine", False, 0.2, 1.5),
            ("LowerArm", "UpperArm", True, 0.5, 1.5),
            ("Hand", "LowerArm", True, 0.8, 1.5),
            ("ThumbProximal", "Hand", True, 0.85, 1.5),
            ("UpperLeg", "hips", False, 0.1, 0.9),
            ("LowerLeg", "UpperLeg", True, 0.1, 0.5),
            ("Foot", "LowerLeg", True, 0.1, 0.1),
        )
    },
}
MIXAMO = {
    "UpperArm": "Arm",
    "LowerArm": "ForeArm",
    "ThumbProximal": "HandThumb1",
    "UpperLeg": "UpLeg",
    "LowerLeg": "Leg",
}
_COMPONENT = {"float32": 5126, "uint16": 5123, "uint8": 5121, "uint32": 5125, "int16": 5122}
_KIND = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}


class GlbBuilder:
    """Collects arrays and writes a GLB."""

    def __init__(self) -> None:
        self.binary = b""
        self.document: dict[str, Any] = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": []}

    def view(self, data: bytes, stride: int = 0) -> int:
        self.binary += b"\0" * (-len(self.binary) % 4)
        entry = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data)}
        self.document["bufferViews"].append(entry | ({"byteStride": stride} if stride else {}))
        self.binary += data
        return len(self.document["bufferViews"]) - 1

    def accessor(self, values: npt.ArrayLike, **extra: Any) -> int:
        array = np.asarray(values)
        array = array.reshape(len(array), -1)
        entry = {
            "bufferView": self.view(array.tobytes()),
            "componentType": _COMPONENT[array.dtype.name],
            "count": len(array),
            "type": _KIND[array.shape[1]],
        }
        self.document["accessors"].append(entry | extra)
        return len(self.document["accessors"]) - 1

    def to_bytes(self) -> bytes:
        self.document["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(self.document).encode()
        text += b" " * (-len(text) % 4)
        binary = self.binary + b"\0" * (-len(self.binary) % 4)
        body = (
            struct.pack("<I4s", len(text), b"JSON")
            + text
            + struct.pack("<I4s", len(binary), b"BIN\0")
            + binary
        )
        return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def _name(bone: str) -> str:
    side = "Left" if bone.startswith("left") else "Right" if bone.startswith("right") else ""
    part = bone.removeprefix(side.lower()) if side else bone.capitalize()
    return f"mixamorig:{side}{MIXAMO.get(part, part)}"


def _add_squares(
    builder: GlbBuilder, turn: npt.NDArray[np.float64], names: list[str], mesh: dict[str, Any]
) -> None:
    """A square of 0.1 m, facing front, on every bone; a morph target that lifts the head's by 0.1 m."""
    square = np.array([[-0.05, -0.05, 0], [0.05, -0.05, 0], [0.05, 0.05, 0], [-0.05, 0.05, 0]])
    positions = np.concatenate([square + SKELETON[name][1] for name in names]) @ turn.T
    lift = np.zeros_like(positions)
    lift[4 * names.index("head") : 4 * names.index("head") + 4, 1] = 0.1
    joints = np.zeros((len(positions), 4), np.uint8)
    joints[:, 0] = np.repeat(np.arange(len(names)), 4)
    weights = np.zeros((len(positions), 4), np.float32)
    weights[:, 0] = 1
    corners = np.concatenate([np.array([0, 1, 2, 0, 2, 3]) + 4 * i for i in range(len(names))])
    primitive = {
        "attributes": {
            "POSITION": builder.accessor(positions.astype(np.float32)),
            "NORMAL": builder.accessor(np.tile((turn @ [0, 0, 1]).astype(np.float32), (len(positions), 1))),
            "TEXCOORD_0": builder.accessor(
                np.tile(np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32), (len(names), 1))
            ),
            "JOINTS_0": builder.accessor(joints),
            "WEIGHTS_0": builder.accessor(weights),
        },
        "indices": builder.accessor(corners.astype(np.uint16)),
        "material": 0,
        "targets": [{"POSITION": builder.accessor(lift.astype(np.float32))}],
    }
    mesh.update(name="Squares", primitives=[primitive], extras={"targetNames": ["Fcl_EYE_Close"]})


def _vrm_extension(kind: str, index: dict[str, int], mesh_node: int, hair: int, tip: int) -> dict[str, Any]:
    if kind == "vrm0":
        bind = {"mesh": 0, "index": 0, "weight": 100}
        spring = {"bones": [hair], "stiffiness": 0.0, "gravityPower": 1.0, "dragForce": 0.4, "hitRadius": 0.0}
        return {
            "VRM": {
                "meta": {"title": "Square", "author": "Somebody", "licenseName": "CC0"},
                "humanoid": {"humanBones": [{"bone": name, "node": node} for name, node in index.items()]},
                "blendShapeMaster": {
                    "blendShapeGroups": [{"presetName": "blink", "name": "B", "binds": [bind]}]
                },
                "secondaryAnimation": {"boneGroups": [spring | {"gravityDir": {"x": 0, "y": -1, "z": 0}}]},
            }
        }
    joint = {"node": hair, "stiffness": 0.0, "gravityPower": 1.0, "dragForce": 0.4}
    return {
        "VRMC_vrm": {
            "meta": {
                "name": "Square",
                "authors": ["Somebody"],
                "licenseUrl": "https://creativecommons.org/publicdomain/zero/1.0/",
            },
            "humanoid": {
                "humanBones": {
                    name.replace("ThumbProximal", "ThumbMetacarpal"): {"node": node}
                    for name, node in index.items()
                }
            },
            "expressions": {
                "preset": {"blink": {"morphTargetBinds": [{"node": mesh_node, "index": 0, "weight": 1.0}]}}
            },
        },
        "VRMC_springBone": {"springs": [{"joints": [joint, {"node": tip}]}]},
    }


def build_humanoid(kind: str) -> GlbBuilder:
    """``kind``: "glb" (Mixamo names, turned rest axes), "vrm0" (looks along -z) or "vrm1"."""
    builder, names = GlbBuilder(), list(SKELETON)
    turn = np.diag([-1.0, 1.0, -1.0]) if kind == "vrm0" else np.eye(3)
    index = {name: place for place, name in enumerate(names)}
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # about z
    rest = {name: quarter if kind != "vrm0" and "Arm" in name else np.eye(3) for name in names}
    nodes: list[dict[str, Any]] = []
    for name in names:
        parent, position = SKELETON[name]
        origin = np.zeros(3) if parent is None else np.array(SKELETON[parent][1])
        frame = np.eye(3) if parent is None else rest[parent]
        local = np.eye(4)
        local[:3, :3] = frame.T @ rest[name]
        local[:3, 3] = frame.T @ turn @ (np.array(position) - origin)
        children = [index[child] for child in names if SKELETON[child][0] == name]
        nodes.append({"name": _name(name), "matrix": local.T.ravel().tolist(), "children": children})
    hair, tip, mesh_node = len(nodes), len(nodes) + 1, len(nodes) + 2
    nodes[index["head"]]["children"].append(hair)
    nodes.append({"name": "hair", "translation": (turn @ [0, 0.1, 0]).tolist(), "children": [tip]})
    nodes.append({"name": "hair_end", "translation": (turn @ [0, 0, 0.2]).tolist()})
    nodes.append({"name": "Body", "mesh": 0, "skin": 0})
    bind = []
    for name in names:
        world = np.eye(4)
        world[:3, :3], world[:3, 3] = rest[name], turn @ np.array(SKELETON[name][1])
        bind.append(np.linalg.inv(world).T.ravel())
    mesh: dict[str, Any] = {}
    _add_squares(builder, turn, names, mesh)
    skin = {
        "joints": list(range(len(names))),
        "inverseBindMatrices": builder.accessor(np.array(bind, np.float32)),
    }
    encoded = BytesIO()
    Image.new("RGB", (4, 4), (255, 0, 0)).save(encoded, "PNG")
    builder.document.update(
        nodes=nodes,
        meshes=[mesh],
        skins=[skin],
        images=[{"bufferView": builder.view(encoded.getvalue()), "mimeType": "image/png"}],
        textures=[{"source": 0}],
        materials=[
            {
                "name": "Red",
                "extensions": {"KHR_materials_unlit": {}},
                "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}},
            }
        ],
    )
    if kind != "glb":
        builder.document["extensions"] = _vrm_extension(kind, index, mesh_node, hair, tip)
    return builder


@pytest.fixture(scope="session")
def humanoid_builder() -> Callable[[str], GlbBuilder]:
    """Makes a fresh builder of the small humanoid, to be altered before it is written."""
    return build_humanoid


@pytest.fixture(scope="session")
def humanoid_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Path of the small humanoid in the format "glb", "vrm0" or "vrm1"."""
    folder = tmp_path_factory.mktemp("humanoids")
    paths: dict[str, Path] = {}

    def write(kind: str) -> Path:
        if kind not in paths:
            paths[kind] = folder / f"{kind}.glb"
            paths[kind].write_bytes(build_humanoid(kind).to_bytes())
        return paths[kind]

    return write

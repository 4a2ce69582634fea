"""The mascot in the layouts of other programs: VRoid Studio, Ready Player Me, and everything in one mesh."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.formats3d.gltf import Gltf, read_gltf
from dance_now.render.avatar.mascot import MASCOT, avatar_file

Array = npt.NDArray[Any]
_COMPONENT = {"float32": 5126, "uint16": 5123, "uint8": 5121, "uint32": 5125}
_KIND = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
_VROID_MORPHS = {
    **{
        name: f"Fcl_MTH_{letter}"
        for name, letter in zip(("aa", "ih", "ou", "ee", "oh"), "AIUEO", strict=True)
    },
    "blink": "Fcl_EYE_Close",
    "blinkLeft": "Fcl_EYE_Close_L",
    "blinkRight": "Fcl_EYE_Close_R",
    "happy": "Fcl_ALL_Joy",
    "angry": "Fcl_ALL_Angry",
    "sad": "Fcl_ALL_Sorrow",
    "relaxed": "Fcl_ALL_Fun",
    "surprised": "Fcl_ALL_Surprised",
}
_ARKIT_MORPHS = {
    **{f"viseme_{letter}": name for name, letter in zip(("ih", "ou", "ee", "oh"), "IUEO", strict=True)},
    "viseme_aa": "aa",
    "jawOpen": "aa",
    "mouthOpen": "aa",
    "eyeBlinkLeft": "blinkLeft",
    "eyeBlinkRight": "blinkRight",
    "mouthSmile": "happy",
}
_HUMAN_IK = {
    "spine": "Spine",
    "chest": "Spine1",
    "upperChest": "Spine2",
    "UpperArm": "Arm",
    "LowerArm": "ForeArm",
    "UpperLeg": "UpLeg",
    "LowerLeg": "Leg",
    "Toes": "ToeBase",
}


class AvatarEditor:
    """A GLB whose meshes are rebuilt."""

    def __init__(self, path: Path | None = None) -> None:
        gltf = read_gltf(path or avatar_file(Path(MASCOT)))
        self.document: dict[str, Any] = json.loads(json.dumps(gltf.document))
        self.binary = gltf.binary
        self.gltf = Gltf(gltf.path, gltf.document, gltf.binary)

    def add(self, values: Array) -> int:
        """Appends an accessor."""
        array = np.ascontiguousarray(values.reshape(len(values), -1))
        self.binary += b"\0" * (-len(self.binary) % 4)
        views, accessors = self.document["bufferViews"], self.document["accessors"]
        views.append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": array.nbytes})
        self.binary += array.tobytes()
        entry = {
            "bufferView": len(views) - 1,
            "componentType": _COMPONENT[array.dtype.name],
            "count": len(array),
            "type": _KIND[array.shape[1]],
        }
        if array.dtype == np.float32:
            entry |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        accessors.append(entry)
        return len(accessors) - 1

    def joined(self, primitives: list[dict[str, Any]], targets: int, subdivisions: int = 0) -> dict[str, Any]:
        """One primitive of several, with as many targets, its triangles split into four again and again."""
        read = self.gltf.accessor
        names = ("POSITION", "NORMAL", "TEXCOORD_0", "JOINTS_0", "WEIGHTS_0")
        columns = {name: [] for name in names} | {number: [] for number in range(targets)}  # type: ignore[var-annotated]
        corners, start = [], 0
        for primitive in primitives:
            count = len(read(primitive["attributes"]["POSITION"]))
            for name in names:
                columns[name].append(read(primitive["attributes"][name]).astype(np.float32))
            shapes = primitive.get("targets", [])
            for number in range(targets):
                has = number < len(shapes) and "POSITION" in shapes[number]
                shape = read(shapes[number]["POSITION"]) if has else np.zeros((count, 3))
                columns[number].append(shape.astype(np.float32))
            corners.append(read(primitive["indices"])[:, 0].astype(np.int64).reshape(-1, 3) + start)
            start += count
        arrays = {key: np.concatenate(parts) for key, parts in columns.items()}
        triangles = np.concatenate(corners)
        for _ in range(subdivisions):
            arrays, triangles = _subdivided(arrays, triangles)
        types = {"JOINTS_0": np.uint16}
        return {
            "attributes": {
                name: self.add(arrays[name].astype(types.get(name, np.float32))) for name in names
            },
            "indices": self.add(triangles.astype(np.uint32).ravel()),
            "material": primitives[0]["material"],
            "targets": [{"POSITION": self.add(arrays[number])} for number in range(targets)],
        }

    def plain(self, rename: Callable[[str], str]) -> None:
        """Takes out the VRM extensions and renames the bones' nodes."""
        bones = self.document["extensions"]["VRMC_vrm"]["humanoid"]["humanBones"]
        for bone, entry in bones.items():
            self.document["nodes"][entry["node"]]["name"] = rename(bone)
        for key in ("extensions", "extensionsUsed", "extensionsRequired"):
            self.document.pop(key, None)
        for material in self.document["materials"]:
            material.pop("extensions", None)

    def to_bytes(self) -> bytes:
        """The file."""
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


def _subdivided(arrays: dict[Any, Array], triangles: Array) -> tuple[dict[Any, Array], Array]:
    edges = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1
    )
    unique, place = np.unique(edges, axis=0, return_inverse=True)
    count = len(arrays["POSITION"])
    middle = (place.reshape(3, -1) + count).T
    grown = {
        key: np.concatenate(
            [values, values[unique[:, 0]] if key == "JOINTS_0" else values[unique].mean(axis=1)]
        )
        for key, values in arrays.items()
    }
    grown["WEIGHTS_0"][count:] = arrays["WEIGHTS_0"][unique[:, 0]]
    a, b, c = triangles.T
    ab, bc, ca = middle.T
    split = [np.stack(corners, axis=1) for corners in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
    return grown, np.concatenate(split)


def human_ik_name(bone: str) -> str:
    """Name of Mixamo and Ready Player Me, without a prefix."""
    side = "Left" if bone.startswith("left") else "Right" if bone.startswith("right") else ""
    part = bone.removeprefix(side.lower())
    if "Thumb" in part or any(finger in part for finger in ("Index", "Middle", "Ring", "Little")):
        order = {"Metacarpal": "1", "Proximal": "2" if "Thumb" in part else "1"}
        order |= {"Intermediate": "2", "Distal": "3"}
        word = next(word for word in order if part.endswith(word))
        return f"{side}Hand{part.removesuffix(word).replace('Little', 'Pinky')}{order[word]}"
    return side + _HUMAN_IK.get(part, part.capitalize() if not side else part)


def vroid_name(bone: str) -> str:
    """Name of VRoid Studio."""
    side = {"l": "L", "r": "R"}[bone[0]] if bone.startswith(("left", "right")) else "C"
    part = bone.removeprefix("left").removeprefix("right")
    if part == "Eye":
        return f"J_Adj_{side}_FaceEye"
    order = {
        "Metacarpal": "1",
        "Proximal": "2" if "Thumb" in part else "1",
        "Intermediate": "2",
        "Distal": "3",
    }
    for word, number in order.items():
        part = part.replace(word, number)
    return f"J_Bip_{side}_{part[0].upper()}{part[1:]}".replace("Toes", "ToeBase")


def vroid_layout() -> AvatarEditor:
    """A FaceMouth part with more moving vertices than the skin, morphs called Fcl_..., bones J_Bip_...

    The morphs are there a second time under ARKit's names, as converters add them.
    """
    editor = AvatarEditor()
    editor.plain(vroid_name)
    face = editor.document["meshes"][0]
    morphs = face["extras"]["targetNames"]
    parts = face["primitives"]
    parts[4] = editor.joined([parts[4]], len(morphs), subdivisions=3)
    face["primitives"] = [parts[4], *parts[1:4], parts[5], parts[0]]
    face["extras"]["targetNames"] = [_VROID_MORPHS[name] for name in morphs]
    for copy, name in (("jawOpen", "aa"), ("viseme_aa", "aa"), ("eyeBlinkLeft", "blinkLeft")):
        face["extras"]["targetNames"].append(copy)
        for primitive in face["primitives"]:
            primitive["targets"].append(dict(primitive["targets"][morphs.index(name)]))
    names = {"Face": "Face_00_SKIN", "Mouth": "FaceMouth_00_FACE", "Brow": "FaceBrow_00_FACE"}
    for material in editor.document["materials"]:
        material["name"] = f"N00_000_00_{names.get(material['name'], material['name'])} (Instance)"
    return editor


def ready_player_me_layout() -> AvatarEditor:
    """ARKit and viseme morphs, the mouth's cavity within the head's skin, Mixamo's bones without prefix."""
    editor = AvatarEditor()
    editor.plain(human_ik_name)
    face = editor.document["meshes"][0]
    morphs = face["extras"]["targetNames"]
    parts = face["primitives"]
    head = editor.joined([parts[0], parts[4]], len(morphs), subdivisions=1)
    for primitive in (head, *parts[1:4], parts[5]):
        primitive["targets"] = [primitive["targets"][morphs.index(name)] for name in _ARKIT_MORPHS.values()]
    face["primitives"] = [parts[1], head, *parts[2:4], parts[5]]
    face["extras"]["targetNames"] = list(_ARKIT_MORPHS)
    editor.document["asset"]["copyright"] = "Ready Player Me"
    return editor


def single_mesh_layout() -> AvatarEditor:
    """One primitive for the face, the clothes, the body and the hair."""
    editor = AvatarEditor()
    editor.plain(human_ik_name)
    meshes = editor.document["meshes"]
    face = meshes[0]
    count = len(face["extras"]["targetNames"])
    everything = [part for index in (0, 2, 3, 4) for part in meshes[index]["primitives"]]
    face["primitives"] = [editor.joined(everything, count)]
    for node in editor.document["nodes"]:
        if node.get("mesh") in (2, 3, 4, 5):
            node.pop("mesh")
            node.pop("skin")
    return editor


LAYOUTS = {
    "vroid": vroid_layout,
    "ready_player_me": ready_player_me_layout,
    "single_mesh": single_mesh_layout,
}

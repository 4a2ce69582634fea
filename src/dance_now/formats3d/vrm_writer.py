"""VRM 1.0 writer: one skinned, textured mesh with expressions.

Sources: VRMC_vrm-1.0, VRMC_materials_mtoon-1.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image
from dance_now.formats3d.glb_writer import ARRAY_BUFFER, ELEMENT_BUFFER, GlbWriter

Points = npt.NDArray[np.float64]

_LINEAR, _LINEAR_MIPMAPS, _CLAMP = 9729, 9987, 33071  # glTF sampler constants
_VRM_LICENCE: Final = "https://vrm.dev/licenses/1.0/"
_CREATIVE_COMMONS: Final = re.compile(r"(?i)creativecommons\.org|\bCC[-_ ]?(0|BY)|\b(MIT|Apache)\b")
_NON_COMMERCIAL: Final = re.compile(r"(?i)(?<![a-z])NC(?![a-z])|non-?commercial")
_THUMBS: Final = {"Proximal": "Metacarpal", "Intermediate": "Proximal", "Distal": "Distal"}
_MOUTH: Final = ("aa", "ih", "ou", "ee", "oh")

# Eyes that turn by expressions: fully at 30 degrees.
_LOOK_AT: Final = {
    "type": "expression",
    "offsetFromHeadBone": [0.0, 0.0, 0.0],
    **{
        f"rangeMap{way}": {"inputMaxValue": 30.0, "outputScale": 1.0}
        for way in ("HorizontalInner", "HorizontalOuter", "VerticalDown", "VerticalUp")
    },
}


@dataclass(frozen=True, eq=False)
class RigBone:
    """Bone of a rig.

    Attributes:
        name: VRM name (thumbs: Proximal, Intermediate, Distal).
        parent: name of the bone above, None for the root. Parents come first.
        position: (3,) at rest, metres: x to the character's left, y up, z to its front.
    """

    name: str
    parent: str | None
    position: Points


@dataclass(frozen=True, eq=False)
class RigMesh:
    """Skinned mesh.

    Attributes:
        positions: (V, 3) metres.
        normals: (V, 3) unit.
        uv: (V, 2) v down.
        triangles: (T, 3) counter-clockwise from outside.
        joints: (V, 4) rows of the bones.
        weights: (V, 4), rows sum to 1.
        morphs: expression -> (V, 3) displacement, metres.
    """

    positions: Points
    normals: Points
    uv: Points
    triangles: npt.NDArray[np.int64]
    joints: npt.NDArray[np.int64]
    weights: Points
    morphs: dict[str, Points] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ToonPaint:
    """Paint of a mesh.

    Attributes:
        texture: (H, W, 3 or 4) uint8.
        shade: (3,) factor of the texture in shade, linear light.
        outline_width: metres; 0 for none.
        outline_color: (3,) linear light.
        outline_mix: 1 multiplies it by the surface's own color, 0 leaves it as it is.
    """

    texture: Image
    shade: Sequence[float] = (0.82, 0.78, 0.82)
    outline_width: float = 0.0
    outline_color: Sequence[float] = (0.0, 0.0, 0.0)
    outline_mix: float = 1.0


def vrm_bytes(
    name: str, bones: Sequence[RigBone], mesh: RigMesh, paint: ToonPaint, licence: str, credits: str
) -> bytes:
    """A VRM 1.0 file.

    Args:
        name: the avatar's title.
        bones: of the rig, parents first.
        mesh: what they carry.
        paint: of the mesh.
        licence: name or URL of the licence, as its owner gives it.
        credits: the author.
    """
    glb = GlbWriter()
    document = glb.document
    document["asset"] |= {"generator": "dance_now", "copyright": credits}
    numbers = {bone.name: number for number, bone in enumerate(bones)}
    document["nodes"] = _nodes(bones, numbers)
    document["nodes"].append({"name": "Body", "mesh": 0, "skin": 0})
    body = len(document["nodes"]) - 1
    document["scene"], document["scenes"] = 0, [{"nodes": [0, body]}]
    document["samplers"] = [
        {"magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAPS, "wrapS": _CLAMP, "wrapT": _CLAMP}
    ]
    document["textures"] = [{"sampler": 0, "source": glb.image("Body", paint.texture)}]
    document["materials"] = [_material(paint)]
    document["skins"] = [_skin(glb, bones)]
    document["meshes"] = [_mesh(glb, mesh)]
    document["extensionsUsed"] = ["KHR_materials_unlit", "VRMC_materials_mtoon", "VRMC_vrm"]
    document["extensions"] = {
        "VRMC_vrm": {
            "specVersion": "1.0",
            "meta": _meta(name, licence, credits),
            "humanoid": {"humanBones": {_vrm_name(bone): {"node": numbers[bone]} for bone in numbers}},
            "expressions": {"preset": _presets(mesh.morphs, body)},
            "firstPerson": {"meshAnnotations": [{"node": body, "type": "auto"}]},
        }
    }
    if "lookLeft" in mesh.morphs:
        document["extensions"]["VRMC_vrm"]["lookAt"] = _LOOK_AT
    return glb.to_bytes()


def _vrm_name(bone: str) -> str:
    """VRM 1.0 calls the bones of a thumb otherwise."""
    if "Thumb" not in bone:
        return bone
    side, _, part = bone.partition("Thumb")
    return f"{side}Thumb{_THUMBS[part]}"


def _nodes(bones: Sequence[RigBone], numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    places = {bone.name: bone.position for bone in bones}
    nodes = []
    for bone in bones:
        offset = bone.position if bone.parent is None else bone.position - places[bone.parent]
        node: dict[str, Any] = {"name": bone.name, "translation": [round(float(v), 6) for v in offset]}
        children = [numbers[other.name] for other in bones if other.parent == bone.name]
        nodes.append(node | ({"children": children} if children else {}))
    return nodes


def _skin(glb: GlbWriter, bones: Sequence[RigBone]) -> dict[str, Any]:
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(bones), 1, 1))
    inverse[:, :3, 3] = -np.stack([bone.position for bone in bones])
    matrices = glb.accessor(inverse.transpose(0, 2, 1).reshape(-1, 16))
    return {"joints": list(range(len(bones))), "inverseBindMatrices": matrices, "skeleton": 0}


def _mesh(glb: GlbWriter, mesh: RigMesh) -> dict[str, Any]:
    count = len(mesh.positions)
    index_type = np.uint16 if count < 65535 else np.uint32
    primitive: dict[str, Any] = {
        "attributes": {
            "POSITION": glb.accessor(mesh.positions.astype(np.float32), ARRAY_BUFFER, bounds=True),
            "NORMAL": glb.accessor(mesh.normals.astype(np.float32), ARRAY_BUFFER),
            "TEXCOORD_0": glb.accessor(mesh.uv.astype(np.float32), ARRAY_BUFFER),
            "JOINTS_0": glb.accessor(mesh.joints.astype(np.uint8), ARRAY_BUFFER),
            "WEIGHTS_0": glb.accessor(mesh.weights.astype(np.float32), ARRAY_BUFFER),
        },
        "indices": glb.accessor(mesh.triangles.astype(index_type).ravel(), ELEMENT_BUFFER),
        "material": 0,
        "mode": 4,
    }
    entry: dict[str, Any] = {"name": "Body", "primitives": [primitive]}
    if mesh.morphs:
        primitive["targets"] = [{"POSITION": _target(glb, count, moved)} for moved in mesh.morphs.values()]
        entry |= {"weights": [0.0] * len(mesh.morphs), "extras": {"targetNames": list(mesh.morphs)}}
    return entry


def _target(glb: GlbWriter, count: int, moved: Points) -> int:
    rows = np.flatnonzero(np.abs(moved).max(axis=1) > 1e-6)
    return glb.sparse(count, rows.astype(np.uint32), moved[rows].astype(np.float32))


def _presets(morphs: Mapping[str, Points], node: int) -> dict[str, Any]:
    binds = {name: [{"node": node, "index": number, "weight": 1.0}] for number, name in enumerate(morphs)}
    if {"blinkLeft", "blinkRight"} <= set(binds):
        binds["blink"] = binds["blinkLeft"] + binds["blinkRight"]
    return {
        name: {
            "isBinary": False,
            "morphTargetBinds": bind,
            "overrideBlink": "none",
            "overrideLookAt": "none",
            "overrideMouth": "none",
        }
        for name, bind in binds.items()
    }


def _material(paint: ToonPaint) -> dict[str, Any]:
    toon: dict[str, Any] = {
        "specVersion": "1.0",
        "transparentWithZWrite": False,
        "renderQueueOffsetNumber": 0,
        "shadeColorFactor": [float(value) for value in paint.shade],
        "shadeMultiplyTexture": {"index": 0},
        "shadingShiftFactor": 0.1,
        "shadingToonyFactor": 0.6,
        "giEqualizationFactor": 0.9,
        "outlineWidthMode": "worldCoordinates" if paint.outline_width > 0 else "none",
        "outlineWidthFactor": float(paint.outline_width),
        "outlineColorFactor": [float(value) for value in paint.outline_color],
        "outlineLightingMixFactor": paint.outline_mix,
    }
    return {
        "name": "Body",
        "pbrMetallicRoughness": {
            "baseColorFactor": [1.0, 1.0, 1.0, 1.0],
            "baseColorTexture": {"index": 0},
            "metallicFactor": 0.0,
            "roughnessFactor": 0.9,
        },
        "alphaMode": "OPAQUE",
        "doubleSided": False,
        "extensions": {"KHR_materials_unlit": {}, "VRMC_materials_mtoon": toon},
    }


def _meta(name: str, licence: str, credits: str) -> dict[str, Any]:
    """Metadata of the avatar.

    Permissions follow a Creative Commons licence; under another one they are the strictest that let the
    avatar be shown and changed, which its owner asked for.
    """
    is_free = _CREATIVE_COMMONS.search(licence) is not None
    is_commercial = is_free and not _NON_COMMERCIAL.search(licence)
    allowed = {
        f"allow{use}": is_free
        for use in (
            *("ExcessivelyViolentUsage", "ExcessivelySexualUsage", "PoliticalOrReligiousUsage"),
            *("AntisocialOrHateUsage", "Redistribution"),
        )
    }
    return {
        "name": name,
        "version": "1.0",
        "authors": [credits],
        "licenseUrl": _VRM_LICENCE,
        "otherLicenseUrl": licence,
        "avatarPermission": "everyone",
        "commercialUsage": "corporation" if is_commercial else "personalNonProfit",
        "creditNotation": "required",
        "modification": "allowModificationRedistribution" if is_free else "allowModification",
        **allowed,
    }

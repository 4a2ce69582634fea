"""VRM 1.0 writer of the mascot. Source: VRMC_vrm-1.0, VRMC_springBone-1.0."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from dance_now.formats3d.glb_writer import ARRAY_BUFFER, ELEMENT_BUFFER, GlbWriter
from tools.mascot.paint import TEXTURES
from tools.mascot.parts import PARTS, Part
from tools.mascot.skeleton import CHAINS, COLLIDERS, joints
from tools.mascot.surface import Surface, join, strongest_four

NAME: Final = "Tempo"
_EXPRESSIONS: Final = (
    "aa",
    "ih",
    "ou",
    "ee",
    "oh",
    "blink",
    "blinkLeft",
    "blinkRight",
    "happy",
    "angry",
    "sad",
    "relaxed",
    "surprised",
)
_LINEAR, _LINEAR_MIPMAPS, _CLAMP = 9729, 9987, 33071  # glTF sampler constants


class VrmBuilder:
    """VRM builder: bones, materials, meshes, expressions, springs; ``to_bytes`` does all of it, once."""

    def __init__(self) -> None:
        self._glb = GlbWriter()
        skeleton = list(joints())
        self._numbers = {name: number for number, (name, _, _) in enumerate(skeleton)}
        self._places = {name: place for name, _, place in skeleton}
        self._parents = {name: parent for name, parent, _ in skeleton}

    def to_bytes(self) -> bytes:
        """VRM 1.0 file of the mascot."""
        document = self._glb.document
        document["asset"] |= {"generator": "dance_now", "copyright": "CC0"}
        document["scene"], document["scenes"] = 0, [{"nodes": [self._numbers["hips"]]}]
        document["nodes"] = self._bones()
        materials = list({part.material.name: part.material for part in PARTS}.values())
        document["materials"] = [material.document(self._textures()) for material in materials]
        document["skins"] = [self._skin()]
        self._add_meshes({material.name: number for number, material in enumerate(materials)})
        document["extensionsUsed"] = [
            "KHR_materials_unlit",
            "VRMC_materials_mtoon",
            "VRMC_springBone",
            "VRMC_vrm",
        ]
        document["extensions"] = {"VRMC_vrm": self._vrm(), "VRMC_springBone": self._springs()}
        return self._glb.to_bytes()

    def _bones(self) -> list[dict[str, Any]]:
        nodes = []
        for name, place in self._places.items():
            parent = self._parents[name]
            offset = place if parent is None else place - self._places[parent]
            node: dict[str, Any] = {"name": name, "translation": [round(float(v), 6) for v in offset]}
            children = [self._numbers[child] for child, above in self._parents.items() if above == name]
            nodes.append(node | ({"children": children} if children else {}))
        return nodes

    def _textures(self) -> dict[str, int]:
        document = self._glb.document
        if "textures" not in document:
            document["samplers"] = [
                {"magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAPS, "wrapS": _CLAMP, "wrapT": _CLAMP}
            ]
            document["textures"] = [
                {"name": name, "sampler": 0, "source": self._glb.image(name, paint())}
                for name, paint in TEXTURES.items()
            ]
        return {entry["name"]: number for number, entry in enumerate(document["textures"])}

    def _skin(self) -> dict[str, Any]:
        inverse = np.tile(np.eye(4, dtype=np.float32), (len(self._places), 1, 1))
        inverse[:, :3, 3] = -np.array(list(self._places.values()))
        matrices = self._glb.accessor(inverse.transpose(0, 2, 1).reshape(-1, 16))
        return {
            "joints": list(self._numbers.values()),
            "inverseBindMatrices": matrices,
            "skeleton": self._numbers["hips"],
        }

    def _add_meshes(self, materials: dict[str, int]) -> None:
        document = self._glb.document
        document["meshes"] = []
        for name in dict.fromkeys(part.mesh for part in PARTS):
            parts = [part for part in PARTS if part.mesh == name]
            merged = _by_material(parts)
            morphs = any(surface.morphs for surface in merged.values())
            mesh: dict[str, Any] = {
                "name": name,
                "primitives": [
                    self._primitive(surface, materials[material], morphs)
                    for material, surface in merged.items()
                ],
            }
            if morphs:
                mesh |= {"weights": [0.0] * len(_EXPRESSIONS), "extras": {"targetNames": list(_EXPRESSIONS)}}
            document["meshes"].append(mesh)
            document["nodes"].append({"name": name, "mesh": len(document["meshes"]) - 1, "skin": 0})
            document["scenes"][0]["nodes"].append(len(document["nodes"]) - 1)

    def _primitive(self, surface: Surface, material: int, morphs: bool) -> dict[str, Any]:
        glb = self._glb
        numbers, weights = strongest_four(surface.skin, self._numbers)
        index_type = np.uint16 if len(surface.positions) < 65535 else np.uint32
        entry: dict[str, Any] = {
            "attributes": {
                "POSITION": glb.accessor(surface.positions.astype(np.float32), ARRAY_BUFFER, bounds=True),
                "NORMAL": glb.accessor(surface.normals.astype(np.float32), ARRAY_BUFFER),
                "TEXCOORD_0": glb.accessor(surface.uv.astype(np.float32), ARRAY_BUFFER),
                "JOINTS_0": glb.accessor(numbers.astype(np.uint8), ARRAY_BUFFER),
                "WEIGHTS_0": glb.accessor(weights.astype(np.float32), ARRAY_BUFFER),
            },
            "indices": glb.accessor(surface.triangles.astype(index_type).ravel(), ELEMENT_BUFFER),
            "material": material,
            "mode": 4,
        }
        if morphs:
            entry["targets"] = [{"POSITION": self._target(surface, name)} for name in _EXPRESSIONS]
        return entry

    def _target(self, surface: Surface, name: str) -> int:
        count = len(surface.positions)
        moved = surface.morphs.get(name, np.zeros((count, 3)))
        rows = np.flatnonzero(np.abs(moved).max(axis=1) > 1e-6)
        return self._glb.sparse(count, rows.astype(np.uint32), moved[rows].astype(np.float32))

    def _vrm(self) -> dict[str, Any]:
        chained = {name for chain in CHAINS for name in chain.joints}
        face = next(
            number for number, node in enumerate(self._glb.document["nodes"]) if node["name"] == "Face"
        )
        presets = {
            name: {
                "isBinary": False,
                "morphTargetBinds": [{"node": face, "index": number, "weight": 1.0}],
                "overrideBlink": "block" if name in ("happy", "relaxed") else "none",
                "overrideLookAt": "none",
                "overrideMouth": "none",
            }
            for number, name in enumerate(_EXPRESSIONS)
        }
        aside, up_and_down = ({"inputMaxValue": 90.0, "outputScale": scale} for scale in (8.0, 6.0))
        return {
            "specVersion": "1.0",
            "meta": _META,
            "humanoid": {
                "humanBones": {name: {"node": n} for name, n in self._numbers.items() if name not in chained}
            },
            "expressions": {"preset": presets},
            "lookAt": {
                "type": "bone",
                "offsetFromHeadBone": [0.0, 0.11, 0.06],
                **{f"rangeMapHorizontal{way}": aside for way in ("Inner", "Outer")},
                **{f"rangeMapVertical{way}": up_and_down for way in ("Down", "Up")},
            },
            "firstPerson": {"meshAnnotations": [{"node": face, "type": "thirdPersonOnly"}]},
        }

    def _springs(self) -> dict[str, Any]:
        colliders = [
            {"node": self._numbers[ball.bone], "shape": {"sphere": {"offset": offset, "radius": ball.radius}}}
            for ball in COLLIDERS
            for offset in [[round(float(v), 6) for v in np.array(ball.centre) - self._places[ball.bone]]]
        ]
        springs = []
        for chain in CHAINS:
            settings = {
                "hitRadius": chain.radius,
                "stiffness": chain.stiffness,
                "dragForce": chain.drag,
                "gravityPower": chain.gravity,
                "gravityDir": [0.0, -1.0, 0.0],
            }
            entries = [{"node": self._numbers[name], **settings} for name in chain.joints]
            springs.append({"name": chain.name, "joints": entries, "colliderGroups": [0]})
        return {
            "specVersion": "1.0",
            "colliders": colliders,
            "colliderGroups": [{"name": "body", "colliders": list(range(len(colliders)))}],
            "springs": springs,
        }


def _by_material(parts: list[Part]) -> dict[str, Surface]:
    """Surfaces merged by material, in the parts' order."""
    found: dict[str, list[Surface]] = {}
    for part in parts:
        found.setdefault(part.material.name, []).append(part.surface())
    return {name: join(surfaces) for name, surfaces in found.items()}


_META: Final[dict[str, Any]] = {
    "name": NAME,
    "version": "1.0",
    "authors": ["the dance_now project"],
    "copyrightInformation": "CC0 1.0 Universal: no rights reserved",
    "licenseUrl": "https://vrm.dev/licenses/1.0/",
    "otherLicenseUrl": "https://creativecommons.org/publicdomain/zero/1.0/",
    "avatarPermission": "everyone",
    "allowExcessivelyViolentUsage": True,
    "allowExcessivelySexualUsage": True,
    "commercialUsage": "corporation",
    "allowPoliticalOrReligiousUsage": True,
    "allowAntisocialOrHateUsage": True,
    "creditNotation": "unnecessary",
    "allowRedistribution": True,
    "modification": "allowModificationRedistribution",
}

"""Materials: MToon 0, MToon 1, unlit and PBR converted to one toon-shading model.

Sources: VRM 0.x MToon (Santarh/MToon 3.x shader), VRMC_materials_mtoon-1.0, glTF 2.0 section 3.9,
KHR_materials_unlit, KHR_texture_transform. Not supported: normal maps, textures of rim, emission and outline
width, UV animation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.formats3d.gltf import Gltf, MalformedGltfError
from dance_now.formats3d.srgb import linear_to_srgb, srgb_to_linear
from dance_now.formats3d.textures import Pixels, Texture, TextureReader

ALPHA_MODES = ("OPAQUE", "MASK", "BLEND")
MAX_MATERIALS = 1000
# Toon shading of materials without any, so that every character looks cel-shaded.
_DEFAULT_SHADE = np.array([0.62, 0.52, 0.62], np.float32)
_DEFAULT_RAMP = (-0.12, 0.02)
_OUTLINE_SHARE = 0.0014  # of the stature: width of an outline that the file does not state
_USUAL_STATURE = 1.45  # metres
_DEFAULT_OUTLINE_COLOR = np.array([0.16, 0.1, 0.11], np.float32)


def _black() -> FloatArray:
    return np.zeros(3, np.float32)


@dataclass(frozen=True, eq=False)
class Material:
    """Toon-shaded material. Colors are linear light.

    Attributes:
        name: as in the file.
        base_color: (4,) factor of the texture, with alpha.
        base_texture: color in light, or None for white.
        shade_color: (3,) factor of the color in shade.
        shade_texture: color in shade before the factor, or None for white.
        shade_range: lit fraction = clip((N.L - low) / (high - low), 0, 1).
        unlit: always the lit color.
        alpha_mode: "OPAQUE", "MASK" (opaque where alpha >= cutoff) or "BLEND".
        cutoff: see alpha_mode.
        writes_depth: writes the depth buffer, so that it occludes what is drawn later behind it.
        double_sided: back faces are drawn as well.
        queue: render order within an alpha mode.
        outline_mode: "none", "world" or "screen".
        outline_width: metres ("world"), or a fraction of the canvas height ("screen").
        outline_color: (3,).
        outline_mix: fraction of the surface's own color in the outline's.
        emission: (3,) emissive color, added.
        rim_color: (3,) parametric rim light, added where the surface turns away from the viewer.
        rim_power: exponent of the rim.
        rim_lift: added before the exponent.
        matcap_color: (3,) factor of ``matcap_texture``.
        matcap_texture: matcap, added light by the normal in the view frame, or None.
        uv_matrix: (2, 3) texture transform, applied to the mesh's coordinates when it is read.
        uv_set: index of the mesh's set of texture coordinates.
    """

    name: str
    base_color: FloatArray
    base_texture: Texture | None = None
    shade_color: FloatArray = field(default_factory=lambda: np.ones(3, np.float32))
    shade_texture: Texture | None = None
    shade_range: tuple[float, float] = (-0.1, 0.1)
    unlit: bool = False
    alpha_mode: str = "OPAQUE"
    cutoff: float = 0.5
    writes_depth: bool = True
    double_sided: bool = False
    queue: int = 0
    outline_mode: str = "none"
    outline_width: float = 0.0
    outline_color: FloatArray = field(default_factory=_black)
    outline_mix: float = 1.0
    emission: FloatArray = field(default_factory=_black)
    rim_color: FloatArray = field(default_factory=_black)
    rim_power: float = 5.0
    rim_lift: float = 0.0
    matcap_color: FloatArray = field(default_factory=_black)
    matcap_texture: Texture | None = None
    uv_matrix: FloatArray = field(default_factory=lambda: np.eye(2, 3, dtype=np.float32))
    uv_set: int = 0

    @property
    def texture(self) -> Pixels | None:
        """Base color texture, (H, W, 4) uint8 (sRGB, straight alpha), or None."""
        return None if self.base_texture is None else self.base_texture.pixels

    @property
    def invisible(self) -> bool:
        """Whether it is blended with an alpha of 0: effects that only an animation turns on."""
        return self.alpha_mode == "BLEND" and float(self.base_color[3]) <= 0

    def sample(self, uv: npt.ArrayLike) -> FloatArray:
        """Samples the lit color: (n, 2) texture coordinates -> (n, 4) sRGB, straight alpha, in [0, 1]."""
        coordinates = np.asarray(uv, np.float64).reshape(-1, 2)
        linear = np.ones((len(coordinates), 4), np.float32)
        if self.base_texture is not None:
            linear = self.base_texture.sample(coordinates)
        linear = linear * self.base_color
        linear[:, :3] += self.emission
        alpha = np.clip(linear[:, 3:], 0, 1)
        if self.alpha_mode == "OPAQUE":
            alpha = np.ones_like(alpha)
        elif self.alpha_mode == "MASK":
            alpha = (alpha >= self.cutoff).astype(np.float32)
        return np.concatenate([linear_to_srgb(linear[:, :3]), alpha], axis=1)


def read_materials(gltf: Gltf, stature: float = _USUAL_STATURE) -> tuple[Material, ...]:
    """Reads all materials of a file, followed by glTF's default material.

    Args:
        gltf: the file.
        stature: of the figure, feet to head joint in metres; outlines that the file lacks are a share of it.

    Raises:
        DanceNowError: textures that cannot be read, values outside the specification.
    """
    if len(gltf.items("materials")) > MAX_MATERIALS:
        raise MalformedGltfError(gltf.path, f"it has more than {MAX_MATERIALS} materials")
    textures = TextureReader(gltf)
    toon0 = gltf.extensions.get("VRM", {}).get("materialProperties", [])
    materials = []
    for index, entry in enumerate(gltf.items("materials")):
        properties = toon0[index] if index < len(toon0) else {}
        if properties.get("shader") == "VRM/MToon":
            material = _mtoon0(properties, textures)
        elif "VRMC_materials_mtoon" in entry.get("extensions", {}):
            material = _mtoon1(entry, textures)
        else:
            material = _pbr_material(entry, textures, stature)
        if material.alpha_mode not in ALPHA_MODES:
            raise MalformedGltfError(gltf.path, f"alphaMode {material.alpha_mode}")
        materials.append(material)
    return (*materials, _pbr_material({}, textures, stature))


def _color(values: Any, count: int = 3) -> FloatArray:
    color = np.array(values, np.float64)[:count]
    if color.shape != (count,) or not np.isfinite(color).all():
        raise ValueError("a color has too few numbers")
    return np.clip(color, 0, 64).astype(np.float32)


def _gltf_fields(entry: dict[str, Any], textures: TextureReader) -> dict[str, Any]:
    """Fields common to all glTF materials."""
    surface = entry.get("pbrMetallicRoughness", {})
    link = surface.get("baseColorTexture", {})
    transform = link.get("extensions", {}).get("KHR_texture_transform", {})
    return {
        "name": str(entry.get("name", "")),
        "base_color": _color(surface.get("baseColorFactor", (1, 1, 1, 1)), 4),
        "base_texture": textures.read(link.get("index")),
        "alpha_mode": entry.get("alphaMode", "OPAQUE"),
        "cutoff": float(entry.get("alphaCutoff", 0.5)),
        "double_sided": bool(entry.get("doubleSided", False)),
        "emission": _emission(entry),
        "uv_matrix": _uv_matrix(transform),
        "uv_set": int(transform.get("texCoord", link.get("texCoord", 0))),
    }


def _emission(entry: dict[str, Any]) -> FloatArray:
    # Emission is usually masked by a texture; the factor alone would overexpose the surface.
    return _black() if "emissiveTexture" in entry else _color(entry.get("emissiveFactor", (0, 0, 0)))


def _uv_matrix(transform: dict[str, Any]) -> FloatArray:
    """UV matrix (2, 3) of KHR_texture_transform: translation * rotation * scale."""
    angle = float(transform.get("rotation", 0))
    (scale_u, scale_v), (offset_u, offset_v) = transform.get("scale", (1, 1)), transform.get("offset", (0, 0))
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array(
        [[cos * scale_u, sin * scale_v, offset_u], [-sin * scale_u, cos * scale_v, offset_v]], np.float32
    )


def _pbr_material(entry: dict[str, Any], textures: TextureReader, stature: float) -> Material:
    """PBR or unlit material; PBR gets default toon shading."""
    fields = _gltf_fields(entry, textures)
    unlit = "KHR_materials_unlit" in entry.get("extensions", {})
    if fields["alpha_mode"] == "BLEND" and _is_opaque(fields["base_color"], fields["base_texture"]):
        fields["alpha_mode"] = (
            "OPAQUE"  # converters from FBX mark whole figures as blended, which must occlude themselves
        )
    blended = fields["alpha_mode"] == "BLEND"
    return Material(
        **fields,
        unlit=unlit,
        shade_color=fields["base_color"][:3] * _DEFAULT_SHADE,
        shade_texture=fields["base_texture"],
        shade_range=_DEFAULT_RAMP,
        writes_depth=not blended,
        outline_mode="none" if unlit or blended else "world",
        outline_width=_OUTLINE_SHARE * stature,
        outline_color=_DEFAULT_OUTLINE_COLOR,
    )


def _is_opaque(color: FloatArray, texture: Texture | None) -> bool:
    return bool(color[3] >= 1 and (texture is None or texture.pixels[..., 3].min() == 255))


def _mtoon1(entry: dict[str, Any], textures: TextureReader) -> Material:
    fields = _gltf_fields(entry, textures)
    toon = entry["extensions"]["VRMC_materials_mtoon"]
    softness = 1 - float(toon.get("shadingToonyFactor", 0.9))
    shift = float(toon.get("shadingShiftFactor", 0))
    modes = {"none": "none", "worldCoordinates": "world", "screenCoordinates": "screen"}
    blended = fields["alpha_mode"] == "BLEND"
    shade_link = toon.get("shadeMultiplyTexture", {})
    return Material(
        **fields,
        shade_color=_color(toon.get("shadeColorFactor", (0, 0, 0))),
        # By the specification, a shade without a texture would be one flat color over a
        # patterned cloth; exporters that leave it out mean a tint.
        shade_texture=textures.read(shade_link["index"]) if shade_link else fields["base_texture"],
        shade_range=(-softness - shift, softness - shift),
        writes_depth=not blended or bool(toon.get("transparentWithZWrite", False)),
        queue=int(toon.get("renderQueueOffsetNumber", 0)),
        outline_mode="none" if blended else modes[toon.get("outlineWidthMode", "none")],
        outline_width=float(toon.get("outlineWidthFactor", 0)),
        outline_color=_color(toon.get("outlineColorFactor", (0, 0, 0))),
        outline_mix=float(toon.get("outlineLightingMixFactor", 1)),
        rim_color=_color(toon.get("parametricRimColorFactor", (0, 0, 0))),
        rim_power=float(toon.get("parametricRimFresnelPowerFactor", 5)),
        rim_lift=float(toon.get("parametricRimLiftFactor", 0)),
        matcap_color=_color(toon.get("matcapFactor", (1, 1, 1))),
        matcap_texture=textures.read(toon.get("matcapTexture", {}).get("index")),
    )


def _mtoon0(properties: dict[str, Any], textures: TextureReader) -> Material:
    """MToon of VRM 0: colors are sRGB, widths are in centimetres or half per cent of the canvas."""
    numbers, vectors, links = (properties[key + "Properties"] for key in ("float", "vector", "texture"))
    base = vectors.get("_Color", (1, 1, 1, 1))
    blend_mode = int(numbers.get("_BlendMode", 0))
    shift, toony = float(numbers.get("_ShadeShift", 0)), float(numbers.get("_ShadeToony", 0.9))
    outline_mode = ("none", "world", "screen")[int(numbers.get("_OutlineWidthMode", 0))]
    base_texture = textures.read(links.get("_MainTex"))
    mixed = int(numbers.get("_OutlineColorMode", 0)) == 1

    def linear(key: str, default: tuple[float, ...]) -> FloatArray:
        return srgb_to_linear(_color(vectors.get(key, default)))

    return Material(
        name=str(properties.get("name", "")),
        base_color=np.append(srgb_to_linear(_color(base)), np.float32(base[3])),
        base_texture=base_texture,
        shade_color=linear("_ShadeColor", (0.97, 0.81, 0.86)),
        shade_texture=textures.read(links["_ShadeTexture"]) if "_ShadeTexture" in links else base_texture,
        shade_range=(shift, shift + (1 - shift) * (1 - toony)),
        alpha_mode=("OPAQUE", "MASK", "BLEND", "BLEND")[blend_mode],
        cutoff=float(numbers.get("_Cutoff", 0.5)),
        writes_depth=blend_mode != 2,
        double_sided=int(numbers.get("_CullMode", 2)) == 0,
        queue=int(properties.get("renderQueue", -1)),
        outline_mode="none" if blend_mode >= 2 else outline_mode,
        outline_width=float(numbers.get("_OutlineWidth", 0)) * (0.005 if outline_mode == "screen" else 0.01),
        outline_color=linear("_OutlineColor", (0, 0, 0)),
        outline_mix=float(numbers.get("_OutlineLightingMix", 1)) if mixed else 0.0,
        emission=linear("_EmissionColor", (0, 0, 0)) if "_EmissionMap" not in links else _black(),
        rim_color=linear("_RimColor", (0, 0, 0)) if "_RimTexture" not in links else _black(),
        rim_power=float(numbers.get("_RimFresnelPower", 1)),
        rim_lift=float(numbers.get("_RimLift", 0)),
        matcap_color=np.ones(3, np.float32),
        matcap_texture=textures.read(links.get("_SphereAdd")),
        uv_matrix=_unity_uv_matrix(vectors.get("_MainTex", (0, 0, 1, 1))),
    )


def _unity_uv_matrix(values: Any) -> FloatArray:
    """UV matrix (2, 3) of Unity's offset and scale, whose v runs upward."""
    offset_u, offset_v, scale_u, scale_v = (float(value) for value in values)
    return np.array([[scale_u, 0, offset_u], [0, scale_v, 1 - offset_v - scale_v]], np.float32)

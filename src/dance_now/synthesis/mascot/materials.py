"""The palette, and how MToon shades it. Source: VRMC_materials_mtoon-1.0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dance_now.formats3d.srgb import srgb_to_linear

Colour = tuple[int, int, int]
"""sRGB, 0 to 255."""

WHITE: Final[Colour] = (255, 255, 255)
# Skin and what is drawn on it.
SKIN: Final[Colour] = (255, 230, 215)
SKIN_SHADE: Final[Colour] = (245, 184, 170)
SKIN_TINT: Final[Colour] = (246, 205, 200)
BLUSH: Final[Colour] = (255, 128, 118)
LASH: Final[Colour] = (66, 34, 52)
BROW: Final[Colour] = (176, 70, 72)
LIP: Final[Colour] = (146, 58, 62)
MOUTH: Final[Colour] = (150, 44, 62)
TONGUE: Final[Colour] = (242, 112, 110)
# Eyes.
EYE_WHITE: Final[Colour] = (255, 252, 250)
EYE_WHITE_SHADE: Final[Colour] = (196, 190, 222)
IRIS: Final[Colour] = (38, 190, 196)
IRIS_DARK: Final[Colour] = (14, 86, 124)
IRIS_LIGHT: Final[Colour] = (150, 246, 214)
IRIS_RIM: Final[Colour] = (14, 36, 74)
IRIS_GLINT: Final[Colour] = (196, 255, 240)
# Hair.
HAIR: Final[Colour] = (255, 138, 112)
HAIR_LIGHT: Final[Colour] = (255, 190, 150)
HAIR_DARK: Final[Colour] = (226, 92, 96)
HAIR_TIP: Final[Colour] = (255, 196, 132)
HAIR_INSIDE: Final[Colour] = (188, 74, 84)
HAIR_TINT: Final[Colour] = (226, 150, 168)
# Clothes.
CREAM: Final[Colour] = (255, 247, 236)
CREAM_SHADE: Final[Colour] = (206, 194, 218)
NAVY: Final[Colour] = (52, 60, 112)
NAVY_SHADE: Final[Colour] = (34, 38, 84)
TEAL: Final[Colour] = (44, 196, 190)
TEAL_SHADE: Final[Colour] = (26, 140, 158)
CORAL: Final[Colour] = (255, 120, 98)
CORAL_SHADE: Final[Colour] = (214, 82, 92)
CLOTH_TINT: Final[Colour] = (196, 188, 220)
# Outlines.
INK_WARM: Final[Colour] = (120, 52, 62)
INK_COOL: Final[Colour] = (38, 34, 74)


@dataclass(frozen=True)
class Toon:
    """A toon material.

    Attributes:
        name: its name.
        colour: in light, times the texture.
        shade: in shade, times the texture.
        texture: name of its picture, or None.
        outline: metres.
        ink: the outline's colour.
        shift: MToon's shadingShiftFactor: above 0 there is more light.
        alpha_mode: glTF's.
        double_sided: back faces are drawn as well.
    """

    name: str
    colour: Colour
    shade: Colour
    texture: str | None = None
    outline: float = 0.0013
    ink: Colour = INK_COOL
    shift: float = -0.05
    alpha_mode: str = "OPAQUE"
    double_sided: bool = False

    def document(self, textures: dict[str, int]) -> dict[str, Any]:
        """Its glTF entry; ``textures``: picture name -> texture number."""
        surface: dict[str, Any] = {
            "baseColorFactor": [*_linear(self.colour), 1.0],
            "metallicFactor": 0.0,
            "roughnessFactor": 0.9,
        }
        toon: dict[str, Any] = {
            "specVersion": "1.0",
            "transparentWithZWrite": False,
            "renderQueueOffsetNumber": 0,
            "shadeColorFactor": _linear(self.shade),
            "shadingShiftFactor": self.shift,
            "shadingToonyFactor": 0.95,
            "giEqualizationFactor": 0.9,
            "outlineWidthMode": "worldCoordinates" if self.outline else "none",
            "outlineWidthFactor": self.outline,
            "outlineColorFactor": _linear(self.ink),
            "outlineLightingMixFactor": 0.0,
        }
        if self.texture is not None:
            surface["baseColorTexture"] = {"index": textures[self.texture]}
            toon["shadeMultiplyTexture"] = {"index": textures[self.texture]}
        return {
            "name": self.name,
            "pbrMetallicRoughness": surface,
            "alphaMode": self.alpha_mode,
            "doubleSided": self.double_sided,
            "extensions": {"KHR_materials_unlit": {}, "VRMC_materials_mtoon": toon},
        }


def _linear(colour: Colour) -> list[float]:
    return [round(float(value), 5) for value in srgb_to_linear(np.array(colour) / 255)]

"""Color palette and MToon materials. Source: VRMC_materials_mtoon-1.0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dance_now.formats3d.srgb import srgb_to_linear

Color = tuple[int, int, int]
"""sRGB, 0 to 255."""

WHITE: Final[Color] = (255, 255, 255)
# Skin and what is drawn on it.
SKIN: Final[Color] = (255, 230, 215)
SKIN_SHADE: Final[Color] = (245, 184, 170)
SKIN_TINT: Final[Color] = (246, 205, 200)
BLUSH: Final[Color] = (255, 128, 118)
LASH: Final[Color] = (66, 34, 52)
BROW: Final[Color] = (176, 70, 72)
LIP: Final[Color] = (146, 58, 62)
MOUTH: Final[Color] = (150, 44, 62)
TONGUE: Final[Color] = (242, 112, 110)
# Eyes.
EYE_WHITE: Final[Color] = (255, 252, 250)
EYE_WHITE_SHADE: Final[Color] = (196, 190, 222)
IRIS: Final[Color] = (38, 190, 196)
IRIS_DARK: Final[Color] = (14, 86, 124)
IRIS_LIGHT: Final[Color] = (150, 246, 214)
IRIS_RIM: Final[Color] = (14, 36, 74)
IRIS_GLINT: Final[Color] = (196, 255, 240)
# Hair.
HAIR: Final[Color] = (255, 138, 112)
HAIR_LIGHT: Final[Color] = (255, 190, 150)
HAIR_DARK: Final[Color] = (226, 92, 96)
HAIR_TIP: Final[Color] = (255, 196, 132)
HAIR_INSIDE: Final[Color] = (188, 74, 84)
HAIR_TINT: Final[Color] = (226, 150, 168)
# Clothes.
CREAM: Final[Color] = (255, 247, 236)
CREAM_SHADE: Final[Color] = (206, 194, 218)
NAVY: Final[Color] = (52, 60, 112)
NAVY_SHADE: Final[Color] = (34, 38, 84)
TEAL: Final[Color] = (44, 196, 190)
TEAL_SHADE: Final[Color] = (26, 140, 158)
CORAL: Final[Color] = (255, 120, 98)
CORAL_SHADE: Final[Color] = (214, 82, 92)
CLOTH_TINT: Final[Color] = (196, 188, 220)
# Outlines.
INK_WARM: Final[Color] = (120, 52, 62)
INK_COOL: Final[Color] = (38, 34, 74)


@dataclass(frozen=True)
class Toon:
    """Toon material (MToon).

    Attributes:
        name: its name.
        color: in light, times the texture.
        shade: in shade, times the texture.
        texture: name of its texture, or None.
        outline: metres.
        ink: the outline's color.
        shift: MToon's shadingShiftFactor: above 0 there is more light.
        alpha_mode: glTF's.
        double_sided: back faces are drawn as well.
    """

    name: str
    color: Color
    shade: Color
    texture: str | None = None
    outline: float = 0.0013
    ink: Color = INK_COOL
    shift: float = -0.05
    alpha_mode: str = "OPAQUE"
    double_sided: bool = False

    def document(self, textures: dict[str, int]) -> dict[str, Any]:
        """Material entry of the glTF document; ``textures``: texture name -> index."""
        surface: dict[str, Any] = {
            "baseColorFactor": [*_linear(self.color), 1.0],
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


def _linear(color: Color) -> list[float]:
    return [round(float(value), 5) for value in srgb_to_linear(np.array(color) / 255)]

"""Part list of the mascot: every surface with its mesh and material."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from tools.mascot import body, face_parts, footwear, hair, headphones, outfit
from tools.mascot import materials as tint
from tools.mascot.face_skin import face_skin
from tools.mascot.materials import Toon
from tools.mascot.skeleton import HEAD_SCALE, enlarged
from tools.mascot.surface import Surface


@dataclass(frozen=True)
class Part:
    """Mesh part: a surface and its material.

    Attributes:
        mesh: the mesh it belongs to; those of the face share their morph targets.
        material: how it looks.
        build: makes its surface.
        on_head: whether it grows with the head.
    """

    mesh: str
    material: Toon
    build: Callable[[], Surface]
    on_head: bool = False

    def surface(self) -> Surface:
        """Surface of the part, in the figure's proportions."""
        built = self.build()
        if not self.on_head:
            return built
        morphs = {name: moved * HEAD_SCALE for name, moved in built.morphs.items()}
        return replace(built, positions=enlarged(built.positions), morphs=morphs)


def _plain(name: str, color: tint.Color, shade: tint.Color, ink: tint.Color = tint.INK_COOL) -> Toon:
    return Toon(name, color, shade, ink=ink)


_SKIN: Final = _plain("Skin", tint.SKIN, tint.SKIN_SHADE, tint.INK_WARM)
# The neck lies in the head's shadow whatever the light.
_NECK: Final = _plain("Neck", tint.SKIN_SHADE, tint.SKIN_SHADE, tint.INK_WARM)
_CREAM: Final = _plain("Cream", tint.CREAM, tint.CREAM_SHADE)
_NAVY: Final = _plain("Navy", tint.NAVY, tint.NAVY_SHADE)
_CORAL: Final = _plain("Coral", tint.CORAL, tint.CORAL_SHADE, tint.INK_WARM)
_TEAL: Final = _plain("Teal", tint.TEAL, tint.TEAL_SHADE)


def _flat(name: str, color: tint.Color, texture: str | None = None, alpha_mode: str = "OPAQUE") -> Toon:
    """Unlit material: the same color in light and shade, no outline."""
    return Toon(name, color, color, texture, outline=0.0, alpha_mode=alpha_mode)


PARTS: Final[tuple[Part, ...]] = (
    Part(
        "Face",
        Toon("Face", tint.WHITE, tint.SKIN_TINT, "face", ink=tint.INK_WARM, shift=0.2),
        face_skin,
        on_head=True,
    ),
    Part("Face", _flat("EyeWhite", tint.WHITE, "white"), face_parts.whites, on_head=True),
    Part("Face", _flat("Lash", tint.LASH), face_parts.lashes, on_head=True),
    Part("Face", _flat("Brow", tint.BROW), face_parts.brows, on_head=True),
    Part("Face", _flat("Mouth", tint.WHITE, "mouth"), face_parts.mouth_inside, on_head=True),
    Part("Face", _flat("Lip", tint.LIP), face_parts.lip_lines, on_head=True),
    Part("Drawn", _flat("Blush", tint.WHITE, "blush", "BLEND"), face_parts.blushes, on_head=True),
    Part("Drawn", _flat("Iris", tint.WHITE, "iris", "BLEND"), face_parts.irises, on_head=True),
    Part("Body", _SKIN, body.legs),
    Part("Body", _NECK, body.neck),
    Part("Body", _SKIN, body.hands),
    Part(
        "Hair", Toon("Hair", tint.WHITE, tint.HAIR_TINT, "hair", ink=tint.INK_WARM), hair.hair, on_head=True
    ),
    Part(
        "Hair",
        Toon("HairInside", tint.HAIR_INSIDE, tint.HAIR_INSIDE, ink=tint.INK_WARM),
        hair.hair_inside,
        on_head=True,
    ),
    Part("Outfit", Toon("Jacket", tint.WHITE, tint.CLOTH_TINT, "jacket"), outfit.jacket),
    Part("Outfit", _NAVY, outfit.trims),
    Part("Outfit", _TEAL, outfit.hood),
    Part("Outfit", _CORAL, outfit.strings),
    Part("Outfit", _CORAL, outfit.zip_fastener),
    Part("Outfit", _NAVY, outfit.pockets),
    Part("Outfit", _flat("Badge", tint.CORAL), outfit.badge),
    Part("Outfit", Toon("Skirt", tint.WHITE, tint.CLOTH_TINT, "skirt", double_sided=True), outfit.skirt),
    Part("Outfit", _NAVY, outfit.shorts),
    Part("Outfit", Toon("Sock", tint.WHITE, tint.CLOTH_TINT, "sock"), footwear.socks),
    Part("Outfit", _CORAL, footwear.bands),
    Part("Outfit", Toon("Shoe", tint.WHITE, tint.CLOTH_TINT, "shoe"), footwear.shoes),
    Part("Outfit", _NAVY, footwear.shoe_collars),
    Part("Outfit", _CREAM, footwear.soles),
    Part("Headphones", _CREAM, headphones.headband, on_head=True),
    Part("Headphones", _NAVY, headphones.ear_cups, on_head=True),
    Part("Headphones", _TEAL, headphones.ear_lights, on_head=True),
    Part("Headphones", _TEAL, headphones.hair_ties, on_head=True),
)

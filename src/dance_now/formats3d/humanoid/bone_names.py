"""Humanoid bones with the names of VRM, and which of them an avatar must have."""

from __future__ import annotations

from typing import Final

FINGERS: Final = ("Thumb", "Index", "Middle", "Ring", "Little")
SEGMENTS: Final = ("Proximal", "Intermediate", "Distal")
SIDES: Final = ("left", "right")
CENTRE_BONES: Final = ("hips", "spine", "chest", "upperChest", "neck", "head")
LIMB_BONES: Final = ("Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toes")
REQUIRED_BONES: Final = (
    "hips",
    "spine",
    "head",
    *(
        side + part
        for side in SIDES
        for part in ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
    ),
)
"""Bones that a humanoid must have (VRM specification)."""
CHAINS: Final = tuple(
    tuple(side + part for part in limb)
    for side in SIDES
    for limb in (("UpperArm", "LowerArm", "Hand"), ("UpperLeg", "LowerLeg", "Foot"))
)
"""Limbs: each bone is below the one before it."""
HUMANOID_BONES: Final = frozenset(
    {
        *CENTRE_BONES,
        "jaw",
        *(side + part for side in SIDES for part in (*LIMB_BONES, "Eye")),
        *(side + finger + segment for side in SIDES for finger in FINGERS for segment in SEGMENTS),
    }
)
"""All humanoid bones."""

_VRM1_THUMBS: Final = {
    side + "Thumb" + theirs: side + "Thumb" + ours
    for side in SIDES
    for theirs, ours in (("Metacarpal", "Proximal"), ("Proximal", "Intermediate"), ("Distal", "Distal"))
}


def bone_from_vrm1(name: str) -> str:
    """Maps a VRM 1.0 bone name to this package's, which names thumbs like the other fingers."""
    return _VRM1_THUMBS.get(name, name)

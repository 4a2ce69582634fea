"""Humanoid bone names of VRM, and their aliases in Mixamo, VRoid, KayKit, Unreal and Rigify skeletons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")
SEGMENTS = ("Proximal", "Intermediate", "Distal")
REQUIRED_BONES = (
    "hips",
    "spine",
    "head",
    *(
        side + part
        for side in ("left", "right")
        for part in ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
    ),
)
"""Bones that a humanoid must have (VRM specification)."""

_VRM1_THUMBS = {
    side + "Thumb" + theirs: side + "Thumb" + ours
    for side in ("left", "right")
    for theirs, ours in (("Metacarpal", "Proximal"), ("Proximal", "Intermediate"), ("Distal", "Distal"))
}

# Aliases of centre bones and of one-sided bones, normalised by `normalised_name`.
_CENTRE = {
    "hips": "hips hip pelvis jbipchips",
    "spine": "spine spine01 tummy abdomen jbipcspine",
    "chest": "chest spine1 spine02 jbipcchest",
    "upperChest": "upperchest spine2 spine03 jbipcupperchest",
    "neck": "neck neck01 neck1 jbipcneck",
    "head": "head jbipchead",
    "jaw": "jaw",
}
_SIDED = {
    "Eye": ("eye", "adjfaceeye", "faceeye"),
    "Shoulder": ("shoulder", "clavicle", "collar"),
    "UpperArm": ("upperarm", "arm", "shldr"),
    "LowerArm": ("lowerarm", "forearm"),
    "Hand": ("hand",),
    "UpperLeg": ("upperleg", "upleg", "thigh"),
    "LowerLeg": ("lowerleg", "leg", "shin", "calf"),
    "Foot": ("foot",),
    "Toes": ("toes", "toebase", "toe", "ball"),
}


def normalised_name(name: str) -> str:
    """Normalises a node name: lower case, no name space, separators or exporter prefixes."""
    name = re.sub(r"^.*[:|]", "", name)
    name = re.sub(r"(?i)^mixamorig\d*_?|^cc_base_|^bip0?1[ _]|_armature$|^def[-_]", "", name)
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _sided(side: str, part: str) -> Iterator[str]:
    letter = side[0]
    yield side + part
    yield part + side
    yield part + letter
    yield letter + part
    yield f"jbip{letter}{part}"
    yield f"jadj{letter}{part}"


def _finger_names(side: str, finger: str, number: int) -> Iterator[str]:
    theirs = ("pinky", "little") if finger == "Little" else ("mid", "middle") if finger == "Middle" else ()
    for word in {finger.lower(), *theirs}:
        for digit in (str(number), f"0{number}"):
            yield from (f"{side}hand{word}{digit}", f"{word}{digit}{side[0]}", f"{side[0]}{word}{digit}")
            yield from (f"jbip{side[0]}{word}{digit}", f"f{word}{digit}{side[0]}", f"{side}{word}{digit}")
        yield f"{side}{word}{SEGMENTS[number - 1].lower()}"


def _aliases() -> dict[str, str]:
    table = {alias: bone for bone, words in _CENTRE.items() for alias in words.split()}
    for side in ("left", "right"):
        for part, words in _SIDED.items():
            for word in words:
                for alias in _sided(side, word):
                    table.setdefault(alias, side + part)
        for finger in FINGERS:
            for number, segment in enumerate(SEGMENTS, 1):
                for alias in _finger_names(side, finger, number):
                    table.setdefault(alias, side + finger + segment)
    return table


ALIASES = _aliases()
"""Alias table, normalised node name -> VRM bone name: Mixamo, VRoid, KayKit, Unreal, Rigify, VRM."""

HUMANOID_BONES = frozenset(ALIASES.values())
"""All humanoid bones."""


def find_humanoid_bones(names: Sequence[str]) -> dict[str, int]:
    """Matches node names to VRM bones: bone name -> index in ``names`` (nodes, parents before children).

    The first node with a matching name wins.
    """
    bones: dict[str, int] = {}
    for index, name in enumerate(names):
        bone = ALIASES.get(normalised_name(name))
        if bone is not None:
            bones.setdefault(bone, index)
    return bones


def bone_from_vrm1(name: str) -> str:
    """Maps a VRM 1.0 bone name to this package's, which names thumbs like the other fingers."""
    return _VRM1_THUMBS.get(name, name)


_EXPRESSIONS_VRM0 = {
    "a": "aa",
    "i": "ih",
    "u": "ou",
    "e": "ee",
    "o": "oh",
    "blink_l": "blinkLeft",
    "blink_r": "blinkRight",
    "joy": "happy",
    "sorrow": "sad",
    "fun": "relaxed",
    "lookup": "lookUp",
    "lookdown": "lookDown",
    "lookleft": "lookLeft",
    "lookright": "lookRight",
}
_EXPRESSIONS_MORPH = {
    "fclmtha": "aa",
    "fclmthi": "ih",
    "fclmthu": "ou",
    "fclmthe": "ee",
    "fclmtho": "oh",
    "fcleyeclose": "blink",
    "fcleyeclosel": "blinkLeft",
    "fcleyecloser": "blinkRight",
    "fclalljoy": "happy",
    "fclallangry": "angry",
    "fclallsorrow": "sad",
    "fclallfun": "relaxed",
    "fclallsurprised": "surprised",
    "visemeaa": "aa",
    "visemei": "ih",
    "visemeu": "ou",
    "visemee": "ee",
    "visemeo": "oh",
    "jawopen": "aa",
    "eyeblinkleft": "blinkLeft",
    "eyeblinkright": "blinkRight",
    "eyelookoutleft": "lookLeft",
    "eyelookinright": "lookLeft",
    "eyelookinleft": "lookRight",
    "eyelookoutright": "lookRight",
    "eyelookupleft": "lookUp",
    "eyelookupright": "lookUp",
    "eyelookdownleft": "lookDown",
    "eyelookdownright": "lookDown",
}


def expression_from_vrm0(preset: str, name: str) -> str:
    """Maps a VRM 0 blend-shape group to its VRM 1.0 expression name; its own name if it is not a preset."""
    preset = preset.lower()
    return name if preset in ("", "unknown") else _EXPRESSIONS_VRM0.get(preset, preset)


def expression_from_morph(name: str) -> str:
    """Maps a morph target (VRoid, Oculus visemes, ARKit) to its VRM 1.0 expression; else its own name."""
    return _EXPRESSIONS_MORPH.get(re.sub(r"[^a-z0-9]", "", name.lower()), name)

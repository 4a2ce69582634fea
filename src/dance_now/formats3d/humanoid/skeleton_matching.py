"""Skeleton recognition by names: which family of rigs a list of names belongs to, and its bones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dance_now.formats3d.humanoid.bone_names import FINGERS, REQUIRED_BONES, SEGMENTS, SIDES
from dance_now.formats3d.humanoid.skeleton_families import FAMILIES, bare_name, plain_name

COMMON_NAMES: Final = "common names"
"""Family of rigs whose names mix several conventions."""

CENTRE_ALIASES: Final = {
    "hips": "hips hip pelvis jbipchips",
    "spine": "spine spine01 tummy abdomen jbipcspine",
    "chest": "chest spine1 spine02 jbipcchest",
    "upperChest": "upperchest spine2 spine03 jbipcupperchest",
    "neck": "neck neck01 neck1 jbipcneck",
    "head": "head jbipchead",
    "jaw": "jaw",
}
"""Names of centre bones that are common to many rigs, normalised by ``plain_name``."""
SIDED_ALIASES: Final = {
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
"""The same of bones that there are two of, without the side."""
_SKETCHFAB: Final = re.compile(r"_\d{1,4}$")  # Hips_01
_BLENDER_COPY: Final = re.compile(r"\.\d{3}$")  # Hips.001
_SECOND_SIDE: Final = re.compile(r"[._][lrLR]$")  # J_Bip_L_UpperLeg.L


@dataclass(frozen=True)
class NameMatch:
    """Bones found by name.

    Attributes:
        family: title of the family, or COMMON_NAMES.
        places: bone -> indices of the names that mean it, the best first.
    """

    family: str
    places: dict[str, tuple[int, ...]]

    @property
    def bones(self) -> dict[str, int]:
        """Bone -> index of its first name."""
        return {bone: places[0] for bone, places in self.places.items()}


def find_humanoid_bones(names: Sequence[str]) -> dict[str, int]:
    """Matches names (parents before children) to VRM bones: bone name -> index in ``names``."""
    return match_names(names).bones


def match_names(names: Sequence[str]) -> NameMatch:
    """Finds the family that explains most required bones, and fills gaps from names common to many rigs.

    What programs append is undone: ``_01`` of Sketchfab, ``.001`` of Blender, a second ``.L``, and a prefix
    that all names share.

    Args:
        names: parents before children.
    """
    best, most = NameMatch(COMMON_NAMES, {}), -1
    for undo in _undoings(names):
        plain = [undo(name) for name in names]
        for match in (*_families(plain), _common(plain)):
            count = sum(bone in match.places for bone in REQUIRED_BONES)
            if count > most:
                best, most = match, count
                filled = {**_common(plain).places, **match.places}
    taken = {places[0] for places in best.places.values()}
    extra = {bone: places for bone, places in filled.items() if bone not in best.places}
    extra = {bone: places for bone, places in extra.items() if places[0] not in taken}
    return NameMatch(best.family, _with_spine({**best.places, **extra}))


def _with_spine(places: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """A trunk whose bones are called chest only has a spine all the same."""
    for lower, upper in (("spine", "chest"), ("chest", "upperChest")):
        if lower not in places and upper in places:
            places[lower] = places.pop(upper)
    return places


def _undoings(names: Sequence[str]) -> Iterator[Callable[[str], str]]:
    """Ways to undo what exporters append to names, the mildest first."""
    yield str
    for pattern in (_SKETCHFAB, _BLENDER_COPY, _SECOND_SIDE):
        if sum(pattern.search(name) is not None for name in names) >= len(REQUIRED_BONES) // 2:
            yield lambda name, pattern=pattern: pattern.sub("", name)  # type: ignore[misc]
    first, last = min(names, default=""), max(names, default="")
    same = [one == other for one, other in zip(first, last, strict=False)]
    common = first[: same.index(False) if False in same else 0]
    prefix = re.sub(r"[^_:.\- ]*$", "", common)
    if prefix:
        yield lambda name: name.removeprefix(prefix)


def _families(names: Sequence[str]) -> Iterator[NameMatch]:
    bare = [bare_name(name) for name in names]
    for family in FAMILIES:
        stripped = bare if not family.prefix else [family.strip(name) for name in names]
        ranked: dict[str, list[tuple[int, int]]] = {}
        for index, plain in enumerate(stripped):
            if plain is not None and plain in family.table:
                bone, rank = family.table[plain]
                ranked.setdefault(bone, []).append((rank, index))
        yield NameMatch(
            family.title, {bone: tuple(i for _, i in sorted(found)) for bone, found in ranked.items()}
        )


def _common(names: Sequence[str]) -> NameMatch:
    places: dict[str, tuple[int, ...]] = {}
    for index, name in enumerate(names):
        bone = _ALIASES.get(_common_name(name))
        if bone is not None:
            places[bone] = (*places.get(bone, ()), index)
    return NameMatch(COMMON_NAMES, places)


def _common_name(name: str) -> str:
    """Normalised name without name space or exporter prefixes."""
    name = re.sub(r"^.*[:|]", "", name)
    return plain_name(
        re.sub(r"(?i)^mixamorig\d*_?|^cc_base_|^bip\d*[ _]|_armature$|^def[-_]|^character\d+_", "", name)
    )


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


def _alias_table() -> dict[str, str]:
    table = {alias: bone for bone, words in CENTRE_ALIASES.items() for alias in words.split()}
    for side in SIDES:
        for part, words in SIDED_ALIASES.items():
            for word in words:
                for alias in _sided(side, word):
                    table.setdefault(alias, side + part)
        for finger in FINGERS:
            for number, segment in enumerate(SEGMENTS, 1):
                for alias in _finger_names(side, finger, number):
                    table.setdefault(alias, side + finger + segment)
    return table


_ALIASES: Final = _alias_table()

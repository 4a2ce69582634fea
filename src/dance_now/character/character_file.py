"""Reads and writes character files, version 2: a zip of character.json, weights.safetensors and preview.png.

A character is data: named arrays, drawn by code of this package that the card's *template* names. A file may
come from a stranger, so it is checked before anything in it is used: member names and sizes against fixed
limits, a SHA-256 for each member, plain JSON, no pickle and no code; the template checks its arrays. Nothing
is ever extracted. docs/file-format.md has the format in full.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dance_now.character.figure_bounds import FigureBounds
from dance_now.character.safetensors_file import AnyArray, pack_arrays, unpack_arrays
from dance_now.core.atomic_write import Output
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.skeleton import Skeleton

SCHEMA_VERSION: Final = 2
TEMPLATES: Final = {"surface": 1, "points": 1, "sticks": 1}
"""Name of each template, and the latest version of its arrays that is known."""
CONTENTS: Final = {
    "surface": "the avatar's geometry and textures",
    "points": "a network trained on pictures",
    "sticks": "a network trained on pictures",
}
"""What a file of each template holds of somebody's work: the licence applies to it."""
SUFFIX: Final = ".dance"
CANVAS: Final = 512

_CARD, _WEIGHTS, _PREVIEW = "character.json", "weights.safetensors", "preview.png"
_OLD_NETWORK: Final = "generator.onnx"  # of version 1
_SIZE_LIMITS: Final = {_CARD: 1 << 20, _WEIGHTS: 96 << 20, _PREVIEW: 8 << 20}
_FILE_LIMIT: Final = sum(_SIZE_LIMITS.values()) + (1 << 16)
_TEXT_LIMIT: Final = 10_000
# The record that ends a zip without a comment: signature, then 16-bit counts of members at 8 and 10, and the
# size of the directory at 12 (APPNOTE.TXT 4.3.16); before it, where a zip64 file has its locator, 20 bytes.
_END_RECORD: Final = struct.Struct("<4s4xHHL4xH")
_END_SIGNATURE, _LOCATOR_SIGNATURE, _LOCATOR_SIZE = b"PK\x05\x06", b"PK\x06\x07", 20
_DIRECTORY_LIMIT: Final = 1 << 12
_PNG: Final = b"\x89PNG\r\n\x1a\n"
# Names become parts of file names.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
# What zipfile raises over damaged archives.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,  # encrypted; NotImplementedError is one
    ValueError,
)


@dataclass(frozen=True, eq=False)
class CharacterCard:
    """Metadata of a character: the content of character.json.

    Attributes:
        name: lower-case name of the character.
        version: of the character, not of the format.
        licence: name of the licence of the character's appearance, and so of this file.
        credits: the credit that the licence requires.
        skeleton: the character's body.
        template: what draws it, one of TEMPLATES.
        bounds: how far the figure reaches around its keypoints; None: not known.
        provenance: how it was made: avatar, data-set hash, steps, metrics.
    """

    name: str
    version: str
    licence: str
    credits: str
    skeleton: Skeleton
    template: str = "surface"
    bounds: FigureBounds | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Serialises to the content of character.json, without the checksums."""
        card: dict[str, Any] = {
            "schema": SCHEMA_VERSION,
            "template": self.template,
            "template_version": TEMPLATES[self.template],
            "name": self.name,
            "version": self.version,
            "licence": self.licence,
            "credits": self.credits,
            "contents": CONTENTS[self.template],
            "skeleton": self.skeleton.to_json(),
            "provenance": dict(self.provenance),
        }
        if self.bounds is not None:
            card["bounds"] = self.bounds.to_json()
        return card


@dataclass(frozen=True, eq=False)
class CharacterFile:
    """An opened and checked character file.

    Attributes:
        card: character.json.
        arrays: weights.safetensors; what they should be is for the template to check.
        preview: PNG file of one pose.
    """

    card: CharacterCard
    arrays: Mapping[str, AnyArray]
    preview: bytes


def is_character_name(text: str) -> bool:
    """Tests whether a text is a valid character name: lower-case letters, digits, - and _; 64 at most."""
    return _NAME.fullmatch(text) is not None


def plain_text(text: str) -> str:
    """Sanitises a text for a card: characters that could control a terminal become spaces.

    Raises:
        DanceNowError: it is too long for a card.
    """
    if len(text) >= _TEXT_LIMIT:
        raise DanceNowError(
            f"The licence or credit {text[:40]!r}... has {len(text)} characters. "
            f"Shorten it to less than {_TEXT_LIMIT}."
        )
    return "".join(character if _is_harmless(character) else " " for character in text).strip()


def write_character_file(path: Path, content: CharacterFile) -> None:
    """Writes a character file atomically.

    Raises:
        DanceNowError: a member is larger than ``read_character_file`` would accept, or cannot be written.
    """
    card = content.card.to_json()
    rest = {_WEIGHTS: pack_arrays(content.arrays), _PREVIEW: content.preview}
    card["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in rest.items()}
    members = {_CARD: json.dumps(card, indent=1).encode(), **rest}
    for name, data in members.items():
        if len(data) > _SIZE_LIMITS[name]:
            raise DanceNowError(f"{path.name}: {name} would be larger than {_SIZE_LIMITS[name] >> 20} MB.")
    try:
        with Output(path) as output:
            with zipfile.ZipFile(output.part, "w") as archive:
                for name, data in members.items():
                    # A fixed date: the same content gives the same file.
                    info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
                    archive.writestr(info, data, zipfile.ZIP_DEFLATED, compresslevel=9)
            output.commit()
    except OSError as error:
        raise DanceNowError(f"{path} could not be written: {error.strerror or error}.") from error


def read_character_file(path: Path) -> CharacterFile:
    """Reads and validates a character file.

    Raises:
        DanceNowError: missing, not a character file, too large, damaged, or of a newer format.
    """
    try:
        if not path.is_file():
            raise DanceNowError(f"There is no character file {path}.")
        if path.stat().st_size > _FILE_LIMIT:
            raise DanceNowError(f"{path} is larger than a character file can be.")
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            members = {name: _read_member(archive, name, path) for name in _SIZE_LIMITS}
    except _DAMAGE as error:
        raise DanceNowError(f"{path} is damaged or not a character file ({error}).") from error
    card, checksums = parse_card(members[_CARD], path)
    for name in (_WEIGHTS, _PREVIEW):
        if checksums.get(name) != hashlib.sha256(members[name]).hexdigest():
            raise DanceNowError(f"{path} is damaged: {name} does not match its checksum.")
    if not members[_PREVIEW].startswith(_PNG):
        raise DanceNowError(f"{path} is not a character file: {_PREVIEW} is not a PNG image.")
    try:
        return CharacterFile(card, unpack_arrays(members[_WEIGHTS]), members[_PREVIEW])
    except ValueError as error:
        raise DanceNowError(f"{path} is damaged or not a character file: {_WEIGHTS}: {error}.") from error


def _check_directory(path: Path) -> None:
    """Rejects a long directory before ``zipfile`` makes an object of each of its entries."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _END_RECORD.size - _LOCATOR_SIZE))
        tail = stream.read()
    locator, record = tail[: -_END_RECORD.size], tail[-_END_RECORD.size :]
    signature, here, members, directory, comment = _END_RECORD.unpack(record)
    if signature != _END_SIGNATURE or comment or locator.startswith(_LOCATOR_SIGNATURE):
        raise ValueError("its end is not that of a character file")
    if not here == members == len(_SIZE_LIMITS) or directory > _DIRECTORY_LIMIT:
        raise ValueError(f"it should hold exactly {', '.join(_SIZE_LIMITS)}")


def _read_member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    if _OLD_NETWORK in archive.namelist():
        raise DanceNowError(
            f"{path} was made by an older dance-now. Run: dance-now convert {path.name} -o NEW{SUFFIX}"
        )
    if archive.namelist().count(name) != 1 or len(archive.namelist()) != len(_SIZE_LIMITS):
        raise DanceNowError(
            f"{path} is not a character file: it should hold exactly {', '.join(_SIZE_LIMITS)}."
        )
    limit = _SIZE_LIMITS[name]
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DanceNowError(f"{path}: {name} has an unsupported zip compression method.")
    with archive.open(name) as member:
        data = member.read(limit + 1)  # not the size in the header, which may lie
    if len(data) > limit:
        raise DanceNowError(f"{path}: {name} is larger than {limit >> 20} MB.")
    return data


def parse_card(data: bytes, path: Path) -> tuple[CharacterCard, dict[str, Any]]:
    """The content of a file's character.json, and the checksums of the file's other members.

    Raises:
        DanceNowError: it is malformed or of a newer format.
    """
    try:
        card = json.loads(data)
        if not isinstance(card["schema"], int):
            raise ValueError("schema should be a number")
        template = card.get("template")
        if card["schema"] != SCHEMA_VERSION or not _is_known(template, card.get("template_version")):
            raise DanceNowError(f"{path} was made by a newer dance-now. Update: pip install -U dance-now")
        texts = [card[key] for key in ("name", "version", "licence", "credits")]
        if not all(_is_plain(text) for text in texts):
            raise ValueError("name, version, licence and credits should be plain texts")
        name, version, licence, credit = texts
        if not is_character_name(name):
            raise ValueError(f"{name[:80]!r} cannot be a name")
        provenance, checksums = card["provenance"], card["sha256"]
        if not isinstance(provenance, dict) or not isinstance(checksums, dict):
            raise ValueError("provenance and sha256 should be objects")
        skeleton = Skeleton.from_json(card["skeleton"])
        if not (skeleton.height > 0 and (skeleton.lengths() > 0).all()):
            raise ValueError("a skeleton without size")
        bounds = FigureBounds.from_json(card["bounds"]) if "bounds" in card else None
        return CharacterCard(
            name, version, licence, credit, skeleton, template, bounds, provenance
        ), checksums
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise DanceNowError(
            f"{path} is not a character file: character.json is malformed ({error})."
        ) from error


def _is_known(template: object, version: object) -> bool:
    """Whether this version of the package draws a version of a template."""
    return isinstance(template, str) and type(version) is int and 1 <= version <= TEMPLATES.get(template, 0)


def _is_plain(text: object) -> bool:
    """Tests for a text of bounded length without control characters, which could control a terminal."""
    return isinstance(text, str) and len(text) < _TEXT_LIMIT and all(map(_is_harmless, text))


def _is_harmless(character: str) -> bool:
    """Tests for a printable character, a line feed, or a space of another script (unprintable to Python)."""
    return character.isprintable() or character == "\n" or unicodedata.category(character) == "Zs"

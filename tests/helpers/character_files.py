"""Made-up character files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skeletons import chibi_skeleton
from surfaces import surface_arrays

from dance_now.character.character_file import CharacterCard, CharacterFile, write_character_file


def preview() -> bytes:
    """A small PNG."""
    ok, encoded = cv2.imencode(".png", np.full((8, 8, 4), 200, np.uint8))
    assert ok
    return bytes(encoded.tobytes())


def content(arrays: dict[str, Any] | None = None, **card: Any) -> CharacterFile:
    """What a character file holds; ``card`` replaces entries of the card, ``arrays`` those of the arrays."""
    entries: dict[str, Any] = {
        "name": "tester",
        "version": "1",
        "licence": "CC0",
        "credits": "nobody",
        "skeleton": chibi_skeleton(),
    }
    return CharacterFile(
        CharacterCard(**{**entries, **card}), {**surface_arrays(), **(arrays or {})}, preview()
    )


def file_bytes(folder: Path, what: CharacterFile) -> bytes:
    """The bytes of a character file."""
    path = folder / "tester.dance"
    write_character_file(path, what)
    data = path.read_bytes()
    path.unlink()
    return data


def members(data: bytes) -> dict[str, bytes]:
    """The members of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}

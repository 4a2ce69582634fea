"""Player page: which files it is made of, and a copy of it for any static host.

The page (``live/web/player``) opens a character file in a browser without any server: it checks the file,
draws it with the kernel compiled to WebAssembly, and plays motions.
"""

from __future__ import annotations

import json
import re
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from dance_now.character.character import builtin_files
from dance_now.core.errors import DanceNowError

CHARACTERS: Final = "characters"
INDEX: Final = f"{CHARACTERS}/index.json"
_KERNEL: Final = "kernel.wasm"
_SUFFIXES: Final = (".html", ".css", ".js", ".json", ".bin", ".wasm", ".svg")
# Types and comments, indentation and empty lines: no text of the modules looks like them or has line breaks.
_SPARE: Final = re.compile(
    r"/\*\*.*?\*/ ?|^\s*//[^\n]*\n|(?<=[;,{(\[]) //[^\n]*$|^\s+", re.MULTILINE | re.DOTALL
)
# Line breaks that no statement needs, and marks before a closing bracket.
_JOINED: Final = re.compile(r"(?<=[{;,(\[])\n|\n(?=[})\]\n])")
# Spaces around operators and inside brackets, where they are not in a string.
_SPACED: Final = re.compile(
    r"""("(?:\\.|[^"\\\n])*"|`[^`]*`|(?<=[(=,]) ?/(?![*/ ])(?:\\.|[^/\n])+/)"""
    r"""| (=>|[!=]==|[<>]=|[-+*]=|\?\??|&&|\|\||[=:<>*/%]|[-+](?![-+])) """
    r"""|(?<=[,{:;]) |(?<=\b(?:if|or)) (?=\()| (?=})|(?<=\)) (?={)"""
)
_STYLES: Final = re.compile(r"\s*([{:;,])\s+")
_LAST: Final = re.compile(r"[;,](?=[}\]])")
_NOT_SERVED: Final = ("package.json",)  # for node, which tests the modules


def player_files() -> dict[str, Path]:
    """Every file of the page by its address, relative to the page; characters among them.

    Raises:
        DanceNowError: this installation has no WebAssembly.
    """
    with as_file(files("dance_now.live.web").joinpath("player")) as folder:
        found = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.suffix in _SUFFIXES and path.name not in _NOT_SERVED
        }
    if _KERNEL not in found:
        raise DanceNowError(
            "This installation has no player page: it was built without ziglang. "
            "Install a wheel of dance-now, or run in a checkout: make player"
        )
    return found | {f"{CHARACTERS}/{file_name(name)}": path for name, path in builtin_files().items()}


def read_player_file(path: Path) -> bytes:
    """Content of a file of the page as it is served: without comments and indentation, a third smaller."""
    data = path.read_bytes()
    if path.suffix not in (".js", ".css", ".html"):
        return data
    text = _SPARE.sub("", data.decode())
    if path.suffix == ".js":
        text = _SPACED.sub(lambda found: found[1] or found[2] or "", text)
    if path.suffix == ".css":
        text = _STYLES.sub(r"\1", text)
    return (text if path.suffix == ".html" else _LAST.sub("", _JOINED.sub("", text))).encode()


def character_index() -> str:
    """The text of INDEX: names and files of the built-in characters, networks last."""
    names = sorted(builtin_files(), key=lambda name: (":" in name, name))
    return json.dumps([{"name": name, "file": file_name(name)} for name in names])


def file_name(name: str) -> str:
    """Name of a built-in character's file on the site; a network's has no colon."""
    return f"{name.replace(':', '-')}.dance"


def write_player_site(folder: Path) -> None:
    """Copies the page with the built-in characters into a folder, which is made.

    Raises:
        DanceNowError: as ``player_files``, or the folder cannot be written.
    """
    found = player_files()
    try:
        for name, path in found.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(read_player_file(path))
        (folder / INDEX).write_text(character_index(), encoding="utf-8")
    except OSError as error:
        raise DanceNowError(f"{folder} could not be written: {error.strerror or error}.") from error

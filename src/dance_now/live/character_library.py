"""Character library of a live performance: the built-in ones and those opened by the user."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from threading import Lock
from typing import Any, Final

from dance_now.character.character import BUILTIN_FOLDER, Character, builtin_names
from dance_now.character.character_file import SUFFIX, CharacterCard, read_character_file
from dance_now.core.errors import DanceNowError

MAX_OPENED: Final = 16  # of the user's own at a time


class CharacterLibrary:
    """Characters by name; each is loaded when it is first drawn. Safe to use from several threads."""

    def __init__(self, threads: int = 1) -> None:
        """Lists the built-in characters; ``threads``: for one drawing."""
        self._threads = threads
        self._lock = Lock()
        self._loaded: dict[str, Character] = {}
        self._cards: dict[str, tuple[CharacterCard, bytes]] = {}
        for name in builtin_names():
            content = read_character_file(BUILTIN_FOLDER / f"{name}{SUFFIX}")
            self._cards[name] = content.card, content.preview
        self._builtin = len(self._cards)

    def open(self, name_or_path: str | Path) -> str:
        """Opens a character file, with all its checks; returns the name it gets here.

        Args:
            name_or_path: as of ``Character.load``.

        Raises:
            DanceNowError: a file that fails its checks, or too many.
            MissingExtraError: it needs a package that is not installed.
        """
        return self._add(Character.load(name_or_path, threads=self._threads))

    def _add(self, character: Character) -> str:
        with self._lock:
            if len(self._cards) - self._builtin >= MAX_OPENED:
                raise DanceNowError(f"{MAX_OPENED} characters are open. Restart to open others.")
            name = self._free_name(character.name)
            self._loaded[name] = character
            self._cards[name] = character.card, character.preview
        return name

    def open_bytes(self, data: bytes) -> str:
        """As ``open``, for the content of a file."""
        handle, name = tempfile.mkstemp(suffix=SUFFIX)
        path = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            return self.open(path)
        except DanceNowError as error:
            # The file has a temporary name, which says nothing to the user.
            raise DanceNowError(
                str(error).replace(str(path), "The file").replace(path.name, "The file")
            ) from error
        finally:
            path.unlink(missing_ok=True)

    def __contains__(self, name: object) -> bool:
        return name in self._cards

    def load(self, name: str) -> Character:
        """The character of a name.

        Raises:
            DanceNowError: there is none.
        """
        with self._lock:
            if name not in self._cards:
                raise DanceNowError(f"there is no character {name[:40]!r} here.", option="character")
            if name not in self._loaded:
                self._loaded[name] = Character.load(name, threads=self._threads)
            return self._loaded[name]

    def preview(self, name: str) -> bytes | None:
        """PNG of a character, or None."""
        entry = self._cards.get(name)
        return None if entry is None else entry[1]

    def listing(self) -> list[dict[str, Any]]:
        """Name, licence and credits of each."""
        with self._lock:
            return [
                {"name": name, "licence": card.licence, "credits": card.credits}
                for name, (card, _) in self._cards.items()
            ]

    def _free_name(self, name: str) -> str:
        """The character's name, with a number where another has it."""
        if name not in self._cards:
            return name
        number = 2
        while f"{name}-{number}" in self._cards:
            number += 1
        return f"{name}-{number}"

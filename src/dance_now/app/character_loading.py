"""Loads characters: names, paths and loaded characters, one or several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from dance_now.character.character import Character, Device
from dance_now.core.argument_checks import check_methods
from dance_now.core.errors import DanceNowError

CharacterLike: TypeAlias = str | Path | Character
"""A built-in character's name (several with commas between), the path of a character file, or a character."""


def requested_characters(character: CharacterLike | Sequence[CharacterLike]) -> list[CharacterLike]:
    """Lists the characters asked for, and checks their types.

    Raises:
        DanceNowError: an empty list.
        TypeError: something that is no character.

    Example:
        >>> requested_characters("godette,tempo")
        ['godette', 'tempo']
    """
    if isinstance(character, str):
        return list(character.split(","))
    requested = list(character if isinstance(character, Sequence) else [character])
    if not requested:
        raise DanceNowError(
            "character must be at least one character, not an empty list.", option="character"
        )
    for each in requested:
        if not isinstance(each, str | Path):
            check_methods(
                "character", each, ("draw_figure", "spring_simulation"), "a name, a path or a Character"
            )
    return requested


def load_characters(
    character: CharacterLike | Sequence[CharacterLike],
    device: Device = "auto",
    threads: int = 0,
) -> tuple[Character, ...]:
    """Loads all characters asked for; those that are loaded stay as they are.

    Args:
        character: one or several; of several, each person gets one in turn.
        device: hardware for networks of the ``sticks`` template.
        threads: CPU threads for each image; 0: one per core.

    Raises:
        DanceNowError: an empty list, an unknown name, or a file that fails its checks.
        MissingExtraError: a character needs a package that is not installed.
        TypeError: something that is no character.
    """
    return tuple(
        Character.load(each, device, threads) if isinstance(each, str | Path) else each
        for each in requested_characters(character)
    )

"""``dance-now characters``: who comes with the package."""

from __future__ import annotations

from dance_now.cli.options import say


def characters() -> None:
    """List the characters that come with the package, their licences and credits."""
    from dance_now.character.character import CAST_FOLDER, cast_names
    from dance_now.character.file import SUFFIX, read_character_file

    for name in cast_names():
        card = read_character_file(CAST_FOLDER / f"{name}{SUFFIX}").card
        say(f"{name} (version {card.version}), {card.licence}")
        say(f"    {card.credits}")

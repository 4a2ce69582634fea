"""``dance-now characters``: lists the built-in characters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from dance_now.cli.options import Flag, say

_Preview = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]


def characters(*, preview: _Preview = None, overwrite: Flag = False) -> None:
    """List the built-in characters, with licences and credits.

    Args:
        preview: also write their preview pictures, NAME.png, into this folder.
        overwrite: replace existing pictures.
    """
    from dance_now.character.character import BUILTIN_FOLDER, builtin_names
    from dance_now.character.character_file import SUFFIX, read_character_file
    from dance_now.core.atomic_write import make_folder, write_file

    if preview is not None:
        make_folder(preview)
    for name in builtin_names():
        content = read_character_file(BUILTIN_FOLDER / f"{name}{SUFFIX}")
        say(f"{name} (version {content.card.version}), {content.card.licence}")
        say(f"    {content.card.credits}")
        if preview is not None:
            picture = preview / f"{name}.png"
            write_file(picture, content.preview, overwrite)
            say(f"    {picture}")

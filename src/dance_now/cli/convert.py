"""``dance-now convert``: character files of older versions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from dance_now.cli.options import Flag, needs_extra, say

_Old = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OLD.dance")]
_New = Annotated[Path, tyro.conf.arg(aliases=("-o",), metavar="NEW.dance")]


def convert(old: _Old, /, *, output: _New, overwrite: Flag = False) -> None:
    """Convert a character file of version 1, which carried an ONNX program, to version 2.

    Args:
        old: the file to convert; only the characters that came with dance-now are known.
        output: the file to write.
        overwrite: replace an existing file.
    """
    with needs_extra("train"):
        from dance_now.training.convert_v1 import convert as convert_file
    card = convert_file(old, output, overwrite=overwrite)
    say(f"{output}: {card.name}, template {card.template}")

"""``dance-now export``: a character's network for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from dance_now.cli.options import Flag, needs_extra, say

_CharacterName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CHARACTER")]
_Graph = Annotated[Path, tyro.conf.arg(aliases=("-o",), metavar="NAME.onnx")]


def export(character: _CharacterName, /, *, output: _Graph, overwrite: Flag = False) -> None:
    """Write the network of a points character as one ONNX graph: keypoints in, picture out.

    Args:
        character: a name that dance-now characters lists, or the path of a .dance file.
        output: the .onnx file to write.
        overwrite: replace an existing file.
    """
    with needs_extra("train"):
        from dance_now.training.points_export import export_onnx
    export_onnx(character, output, overwrite=overwrite)
    say(str(output))

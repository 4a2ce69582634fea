"""Build the built-in characters: their surfaces from avatars, their networks from data sets.

DANCE_NOW_DATA names the folder with characters/. The networks in ``builtin/networks`` were trained by
``dance-now train --template points`` and are left alone.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from dance_now.character.character import BUILTIN_FOLDER
from dance_now.character.character_file import read_character_file, write_character_file
from dance_now.cli.progress import ProgressBars
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.training.character_card import Rights
from dance_now.training.train_character import train
from dance_now.training.train_config import PRESETS

AVATARS: Final = {"godette": "godette.vrm", "uka": "uka_flat.vrm", "tempo": MASCOT}
VERSION: Final = "2"


OF_A_NETWORK = "drawn by a network trained on renders of her"
OF_A_SURFACE = "geometry and textures converted"


def main() -> int:
    """Command line: writes the three files."""
    folder = Path(os.environ["DANCE_NOW_DATA"]) / "characters"
    for name, avatar in AVATARS.items():
        source = avatar_file(Path(avatar)) if avatar == MASCOT else folder / avatar
        card = read_character_file(BUILTIN_FOLDER / "networks" / f"{name}.dance").card
        rights = Rights(card.licence, card.credits.replace(OF_A_NETWORK, OF_A_SURFACE))
        with tempfile.TemporaryDirectory() as run, ProgressBars() as bars:
            output = Path(run) / f"{name}.dance"
            result = train(source, output, PRESETS["quick"], rights=rights, report=bars.update)
            content = read_character_file(output)
        content = replace(content, card=replace(content.card, version=VERSION))
        write_character_file(BUILTIN_FOLDER / f"{name}.dance", content)
        assert result is not None
        sys.stdout.write(f"{name}: PSNR {result.psnr:.2f} dB, silhouette IoU {result.iou:.4f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

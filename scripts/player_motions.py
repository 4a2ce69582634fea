"""Writes the motions that come with the player page: a few of the motion library, packed for its JavaScript.

    python scripts/player_motions.py

``motions.bin`` is a safetensors file, gzipped: for each motion NAME.differences (54 values a frame, as in the
library, from frame to frame, modulo 2^16), NAME.forearms and NAME.numbers (seconds a frame, whether there are
toes, foot pitch). ``motions.json`` has their titles and credits.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from dance_now.character.safetensors_file import pack_arrays
from dance_now.synthesis.poses.motion_library import LIBRARY_FILE

PLAYER: Final = Path(__file__).parents[1] / "src" / "dance_now" / "live" / "web" / "player"
TITLES: Final = {
    "Dance": "humanoid3d_dance_b",
    "Walk": "AnimationLibrary_Godot_Standard_Walk_Loop",
    "Spin kick": "humanoid3d_spinkick",
}


def packed_motions(names: Iterable[str] | None = None, path: Path = LIBRARY_FILE) -> bytes:
    """The content of ``motions.bin`` for some motions of a library, by default for all."""
    with np.load(path, allow_pickle=False) as data:
        library = {name: data[name] for name in data.files}
    places = {str(name): place for place, name in enumerate(library["names"])}
    ends = np.cumsum(library["lengths"])
    arrays = {}
    for name in places if names is None else names:
        place = places[name]
        end = int(ends[place])
        first = end - int(library["lengths"][place])
        differences = library["differences"][:, first:end].copy()
        # The first frame counts from nothing, not from the last frame of the motion before.
        differences[:, 0] = library["differences"][:, : first + 1].sum(axis=1, dtype=np.int16)
        arrays[f"{name}.differences"] = differences.view(np.uint16)
        arrays[f"{name}.forearms"] = library["forearms"][place].astype(np.float32)
        numbers = (library[key][place] for key in ("frame_times", "has_toes", "foot_pitches"))
        arrays[f"{name}.numbers"] = np.array([*numbers], np.float32)
    return gzip.compress(pack_arrays(arrays), 9, mtime=0)


def motion_list(path: Path = LIBRARY_FILE) -> list[dict[str, str]]:
    """The content of ``motions.json``."""
    with np.load(path, allow_pickle=False) as data:
        lines = [str(line) for line in data["credits"]]
        sources = {
            str(name): lines[source] for name, source in zip(data["names"], data["sources"], strict=True)
        }
    return [{"title": title, "name": name, "credit": sources[name]} for title, name in TITLES.items()]


def main() -> None:
    """Writes both files."""
    (PLAYER / "motions.bin").write_bytes(packed_motions(TITLES.values()))
    (PLAYER / "motions.json").write_text(json.dumps(motion_list(), indent=1) + "\n")


if __name__ == "__main__":
    main()

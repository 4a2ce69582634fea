"""Writes the bone names that the player page knows: those of the Python package, for its JavaScript.

python scripts/player_skeletons.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from dance_now.formats3d.humanoid.bone_names import CENTRE_BONES, LIMB_BONES, REQUIRED_BONES
from dance_now.formats3d.humanoid.skeleton_families import FAMILIES
from dance_now.formats3d.humanoid.skeleton_matching import CENTRE_ALIASES, SIDED_ALIASES

MODULE: Final = Path(__file__).parents[1] / "src/dance_now/live/web/player/motion/skeleton_families.js"


def skeleton_module() -> str:
    """The text of MODULE. Motions have no fingers, eyes and jaws, so that their names are left out."""
    sided = {part: " ".join(words) for part, words in SIDED_ALIASES.items() if part in LIMB_BONES}
    tables: dict[str, tuple[str, str, Any]] = {
        "CENTRE_BONES": ("", "string[]", CENTRE_BONES),
        "LIMB_BONES": ("without the side", "string[]", LIMB_BONES),
        "REQUIRED_BONES": ("", "string[]", REQUIRED_BONES),
        "CENTRE_ALIASES": (
            "names that many rigs share",
            "Record<string, string>",
            {bone: words for bone, words in CENTRE_ALIASES.items() if bone in CENTRE_BONES},
        ),
        "SIDED_ALIASES": ("", "Record<string, string>", sided),
        "FAMILIES": (
            "prefix, words for the sides, names of CENTRE_BONES and of LIMB_BONES",
            "string[][]",
            [[each.prefix, " ".join(each.sides), each.centre, each.limbs] for each in FAMILIES],
        ),
    }
    lines = [
        "/** Bone names of common rigs. Written by scripts/player_skeletons.py from formats3d/humanoid. */"
    ]
    for name, (remark, kind, table) in tables.items():
        lines += ["", f"/** {remark + ' ' if remark else ''}@type {{{kind}}} */"]
        lines.append(f"export const {name} = {json.dumps(table, indent=2, ensure_ascii=False)};")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    MODULE.write_text(skeleton_module(), encoding="utf-8")

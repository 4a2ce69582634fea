"""The player finds joints by the names that Python knows."""

import json
import re

import pytest
from rig_names import RIGS

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.humanoid.skeleton_families import FAMILIES
from dance_now.formats3d.motion.motion_joints import match_joint_names
from scripts.player_skeletons import MODULE, skeleton_module


def family_names(family, choice):
    """Names of a rig of a family: of each bone its first name, or its last."""
    names = []
    for bone, (plain, rank) in sorted(
        {bone: (name, rank) for name, (bone, rank) in family.table.items()}.items()
    ):
        options = [name for name, (other, _) in family.table.items() if other == bone]
        names.append(options[choice] if rank else plain)
    prefix = re.sub(
        r"\(\?:([^)]*)\)\?|\\d\*|\[([^\]])[^\]]*\][?+]?|\\", lambda found: found[2] or "", family.prefix
    )
    return [prefix + name for name in names]


CASES = {
    **RIGS,
    **{f"{family.title} {choice}": family_names(family, choice) for family in FAMILIES for choice in (0, -1)},
    "nothing known": ["a", "b"],
    "empty": [],
    "no hand": [name for name in RIGS["Unreal"] if name != "hand_r"],
    "names of objects": ["constructor", "__proto__", *RIGS["Unreal"]],
}


def test_the_names_are_those_of_python():
    assert MODULE.read_text(encoding="utf-8") == skeleton_module(), "run: python scripts/player_skeletons.py"


def test_every_rig_is_read_as_python_reads_it(node, tmp_path):
    (tmp_path / "names.json").write_text(json.dumps(list(CASES.values())))
    found = dict(zip(CASES, node("match_names.mjs", tmp_path / "names.json"), strict=True))
    known = 0
    for title, names in CASES.items():
        try:
            own = match_joint_names(names)
            known += 1
        except DanceNowError:
            own = None
        assert found[title] == own, title
    assert known > len(RIGS) + 40


@pytest.mark.parametrize("title", ["MMD", "Auto-Rig Pro", "Maya", "CATS"])
def test_rigs_of_other_families_have_all_joints(title):
    assert {"hips", "head", "leftHand", "rightFoot"} <= match_joint_names(RIGS[title]).keys()

"""What Python refuses the player refuses, with one line."""

import random

import pytest
from bvh_files import write_bvh
from character_files import content, file_bytes, members
from spoiled_characters import (
    packed,
    sealed,
    spoil_archive,
    spoil_arrays,
    spoil_member,
    trick_archive,
)

from dance_now.character.character import Character
from dance_now.character.character_file import read_character_file
from dance_now.core.errors import DanceNowError

MUTATIONS = {
    "card": spoil_member("character.json"),
    "weights": spoil_member("weights.safetensors"),
    "arrays": spoil_arrays,
    "archive": spoil_archive,
    "trick": trick_archive,
}


@pytest.fixture
def judge(node, tmp_path):
    """What the player says of some files' bytes, by name."""

    def judge(**files):
        paths = [tmp_path / name.replace("__", ".") for name in files]
        for path, data in zip(paths, files.values(), strict=True):
            path.write_bytes(data)
        said = node("judge_files.mjs", *paths)
        assert not [line for line in said if line and ("not foreseen" in line or "\n" in line)]
        return said

    return judge


def accepted(path):
    """Whether Python draws it."""
    try:
        Character(read_character_file(path))
    except DanceNowError:
        return False
    return True


@pytest.mark.parametrize("kind", MUTATIONS)
def test_spoiled_files_are_refused_as_python_does(judge, tmp_path, kind):
    base = file_bytes(tmp_path, content())
    spoiled = {f"{seed}__dance": MUTATIONS[kind](random.Random(seed), base) for seed in range(30)}
    for name, said in zip(spoiled, judge(**spoiled), strict=True):
        mine = accepted(tmp_path / name.replace("__", "."))
        # Python's zipfile reads some damaged archives that the player refuses; never the other way round.
        assert (said is None) == mine or (kind == "archive" and mine)


def test_each_wrong_character_gets_its_own_line(judge, tmp_path):
    base = file_bytes(tmp_path, content())
    parts = members(base)
    old = [("character.json", b"{}"), ("generator.onnx", b"x"), ("preview.png", b"x")]
    newer = sealed(
        {**parts, "character.json": parts["character.json"].replace(b'"schema": 2', b'"schema": 3')}
    )
    sticks = parts["character.json"].replace(b'"template": "surface"', b'"template": "sticks"')
    damaged = bytearray(base)
    damaged[len(base) // 2] ^= 1
    said = judge(
        sound__dance=base,
        none__dance=b"hello",
        old__dance=packed(old),
        newer__dance=newer,
        sticks__dance=sealed({**parts, "character.json": sticks}),
        damaged__dance=bytes(damaged),
    )
    assert said[0] is None
    assert said[1] == "none.dance is damaged or not a character file: it is too short."
    assert "older dance-now. Run: dance-now convert" in said[2]
    assert "newer dance-now. Update: pip install -U dance-now" in said[3]
    assert "only dance-now itself draws" in said[4]
    assert said[5].startswith("damaged.dance is damaged or not a character file: ")


def test_a_character_that_is_too_large(judge, tmp_path):
    large = b"\0" * ((105 << 20) + (1 << 16) + 1)
    assert judge(large__dance=large) == ["large.dance is larger than a character file can be."]


def test_each_wrong_motion_gets_its_own_line(judge):
    good = write_bvh([{}, {"LeftArm": (0, 0, 60)}, {"LeftArm": (0, 0, 70)}])
    armless = write_bvh([{}, {}], rename={"LeftArm": "Wing", "LeftForeArm": "Feather", "LeftHand": "Tip"})
    said = judge(
        good__bvh=good.encode(),
        armless__bvh=armless.encode(),
        cut__bvh=good.rstrip().rsplit("\n", 1)[0][:-40].encode(),
        still__bvh=write_bvh([{}, {}]).encode(),
        nan__bvh=good.replace("60", "nan").encode(),
        other__bvh=b"not a motion",
        short__vrma=b"glTF",
        picture__png=b"x",
    )
    assert said[0] is None
    assert said[1] == "armless.bvh: this skeleton has no leftUpperArm, leftLowerArm, leftHand."
    assert "values expected" in said[2]
    assert said[3] == "still.bvh: it holds only a T-pose."
    assert "not finite" in said[4]
    assert "not a BVH motion" in said[5]
    assert "GLB" in said[6]
    assert "drop a .dance, .bvh, .vrma or .glb file" in said[7]

"""The player draws the same pixels as Python, to the bit."""

import hashlib

import pytest
from player_poses import library_poses

from dance_now.character.character import Character, builtin_files

SIDE = 512


def compare(node, tmp_path, name, count, side=SIDE):
    """Draws poses here and with the player's modules under node."""
    character = Character.load(name)
    poses = library_poses(character.skeleton, count, side)
    poses.tofile(tmp_path / "poses.f32")
    drawn = node("draw_poses.mjs", builtin_files()[name], tmp_path / "poses.f32", side)
    own = [character._template.draw(pose, (side, side)) for pose in poses]
    assert all(picture[..., 3].any() for picture in own)
    assert drawn["digests"] == [hashlib.sha256(picture.tobytes()).hexdigest() for picture in own]


@pytest.mark.parametrize("name", ["godette", "godette:network"])
def test_a_few_pixels_are_those_of_python(node, tmp_path, name):
    compare(node, tmp_path, name, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", builtin_files())
def test_pixels_are_those_of_python(node, tmp_path, name):
    compare(node, tmp_path, name, 20)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "side"), [("tempo", 300), ("uka", 1024), ("tempo:network", 768)])
def test_other_sizes_are_the_same_as_well(node, tmp_path, name, side):
    compare(node, tmp_path, name, 4, side)

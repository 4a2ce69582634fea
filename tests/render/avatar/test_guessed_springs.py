"""Springs of avatars that bring none: what hangs or is called hair swings, limbs and helpers do not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.render.avatar.guessed_springs import with_guessed_springs
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.render.springs import Springs


def chains(avatar: Avatar) -> set[str]:
    assert avatar.spring_rig is not None
    joints = [joint.node for joint in avatar.spring_rig.joints]
    return {avatar.node_names[node] for node in joints if int(avatar.parents[node]) not in joints}


@pytest.fixture(scope="module")
def mascot() -> Avatar:
    return load_avatar(avatar_file(Path(MASCOT)))


def test_an_avatars_own_springs_stay(mascot: Avatar) -> None:
    assert with_guessed_springs(mascot) is mascot


def test_nothing_is_found_on_bare_limbs(humanoid_file: Callable[[str], Path]) -> None:
    avatar = load_avatar(humanoid_file("glb"))  # its hair carries no skin
    assert with_guessed_springs(avatar) is avatar


def test_the_mascots_own_chains_are_found(mascot: Avatar) -> None:
    guessed = with_guessed_springs(replace(mascot, spring_rig=None))
    assert chains(guessed) == chains(mascot)


def test_nothing_moves_before_the_figure_does(mascot: Avatar) -> None:
    guessed = with_guessed_springs(replace(mascot, spring_rig=None))
    posed = guessed.pose({})
    settled = Springs(guessed).settle(posed, 60)
    assert np.abs(settled[:, :3, 3] - posed[:, :3, 3]).max() < 0.05


def test_auto_is_part_of_what_a_run_is_made_with() -> None:
    assert AvatarOptions(springs="auto").to_json() == {"springs": "auto"}
    assert AvatarOptions().to_json() == {}


@pytest.mark.parametrize(("file", "chain"), [("kaykit_knight.glb", "Knight_Cape"), ("gene.vrm", "前髪1_1")])
def test_avatars_of_the_data_folder(data_dir: Path, file: str, chain: str) -> None:
    guessed = with_guessed_springs(load_avatar(data_dir / "characters" / file))
    assert chain in chains(guessed)
    assert "右肩連" not in chains(guessed)

"""Thousands of spoiled character files: each is loaded or refused, none does harm."""

import os
import random
import sys
from pathlib import Path

import pytest
from character_files import content, file_bytes
from mutations import Mutation
from skeletons import chibi_skeleton, posed, posture
from spoiled_characters import spoil_archive, spoil_arrays, spoil_member, trick_archive

from dance_now.character.character import Character
from dance_now.core.errors import DanceNowError


@pytest.fixture(scope="session")
def character_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound character file."""
    return file_bytes(tmp_path_factory.mktemp("character"), content())


@pytest.mark.parametrize(
    ("mutation", "count"),
    [
        (spoil_archive, 800),
        (trick_archive, 200),
        (spoil_member("weights.safetensors"), 1600),
        (spoil_arrays, 2400),
        (spoil_member("character.json"), 400),
    ],
    ids=["zip", "members", "weights", "arrays", "card"],
)
def test_spoiled_files_are_loaded_or_refused(
    mutation: Mutation, count: int, character_bytes: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    pose = posed(chibi_skeleton(), posture(chibi_skeleton()), scale=250, mid_hip=(256, 330))
    path = inner / "stranger.dance"
    memory = peak_memory()
    loaded = 0
    for seed in range(count):
        path.write_bytes(mutation(random.Random(seed), character_bytes))
        try:
            character = Character.load(path)
            loaded += 1
            if loaded % 3 == 0:
                character.draw(pose)
        except DanceNowError:
            continue
    assert loaded < count
    assert peak_memory() - memory < 300 << 20
    assert sorted(str(found.relative_to(tmp_path)) for found in tmp_path.rglob("*")) == sorted(
        ["a", os.path.join("a", "b"), os.path.join("a", "b", "stranger.dance")]
    )


def peak_memory() -> int:
    """Bytes this process has held at most; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

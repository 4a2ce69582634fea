"""What ``dance-now characters`` prints and writes."""

import numpy as np
import pytest
from skeletons import chibi_skeleton

import dance_now.character.character
from dance_now.character.character_file import CharacterCard, CharacterFile, write_character_file
from dance_now.media.image.photo_sink import encode_image

PICTURE = encode_image(np.full((8, 8, 4), 200, np.uint8), ".png")


@pytest.fixture
def cast(tmp_path, monkeypatch):
    """A cast of two."""
    folder = tmp_path / "cast"
    folder.mkdir()
    for name, licence in (("ann", "CC0-1.0"), ("bob", "CC-BY-4.0")):
        card = CharacterCard(name, "1.2", licence, f"{name} by somebody", chibi_skeleton())
        write_character_file(
            folder / f"{name}.dance", CharacterFile(card, {"no": np.zeros(1, np.float32)}, PICTURE)
        )
    monkeypatch.setattr(dance_now.character.character, "BUILTIN_FOLDER", folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_names_versions_licences_and_credits(run, cast):
    assert run("characters").out.splitlines() == [
        "ann (version 1.2), CC0-1.0",
        "    ann by somebody",
        "bob (version 1.2), CC-BY-4.0",
        "    bob by somebody",
    ]
    assert [path.name for path in cast.iterdir()] == ["cast"]


def test_previews_are_written_into_a_folder(run, cast):
    outcome = run("characters", "--preview", "looks")
    assert outcome.code == 0
    assert outcome.out.splitlines()[2].split() == ["looks/ann.png"]
    written = sorted((cast / "looks").iterdir())
    assert [path.name for path in written] == ["ann.png", "bob.png"]
    assert all(path.read_bytes() == PICTURE for path in written)


def test_existing_previews_are_kept_unless_told_otherwise(run, cast):
    (cast / "ann.png").write_bytes(b"mine")
    outcome = run("characters", "--preview", ".")
    assert outcome.code == 1
    assert "--overwrite" in outcome.err
    assert (cast / "ann.png").read_bytes() == b"mine"
    assert run("characters", "--preview", ".", "--overwrite").code == 0
    assert (cast / "ann.png").read_bytes() == PICTURE


def test_a_folder_that_cannot_be_made_is_one_line(run, cast):
    for folder in ("no/where", "cast/ann.dance"):
        outcome = run("characters", "--preview", folder)
        assert outcome.code == 1
        assert outcome.err.startswith(f"error: the folder {folder} cannot be created")
        assert outcome.err.count("\n") == 1

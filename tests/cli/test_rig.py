"""``dance-now rig`` and ``dance-now train PICTURE``."""

import PIL.Image
import pytest
from drawn_figure import drawn_figure
from fakes import BlindEstimator

import dance_now.picture_rig.rig_picture
from dance_now.character.character import Character
from dance_now.cli import main


@pytest.fixture
def picture(tmp_path, monkeypatch):
    """A picture in a working folder, and an estimator that finds nobody."""
    monkeypatch.setattr(dance_now.picture_rig.rig_picture, "open_estimator", lambda **_: BlindEstimator())
    monkeypatch.chdir(tmp_path)
    PIL.Image.fromarray(drawn_figure()).save("drawn.png")
    return "drawn.png"


def test_rig_writes_the_avatar_and_what_was_found(picture, tmp_path, capsys):
    assert main(["rig", picture, "-o", "drawn.vrm", "--licence", "CC0", "--credits", "me"]) == 0
    assert "drawn.vrm: an avatar; drawn_joints.png shows what was found" in capsys.readouterr().out
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {"drawn.png", "drawn.vrm", "drawn_joints.png", "drawn_joints.json"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--licence", "CC0"), "credits is needed"),
        (("--credits", "me"), "licence is needed"),
        (("--licence", "CC0", "--credits", "me", "--joints", "none.json"), "none.json"),
        (("--licence", "CC0", "--credits", "me", "--mask", "none.png"), "none.png"),
    ],
)
def test_one_line_says_what_is_missing(picture, tmp_path, capsys, words, message):
    assert main(["rig", picture, "-o", "drawn.vrm", *words]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "drawn.vrm").exists()


@pytest.mark.slow
def test_train_makes_a_character_of_a_picture(picture):
    assert main(["train", picture, "-o", "drawn.dance", "--licence", "CC0", "--credits", "me"]) == 0
    character = Character.load("drawn.dance", threads=1)
    assert (
        character.card.licence.startswith("https://vrm.dev/licenses/1.0/") or "CC0" in character.card.licence
    )

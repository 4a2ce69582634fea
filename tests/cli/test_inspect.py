"""``dance-now inspect``: what it prints and draws."""

from pathlib import Path

import cv2
import pytest
from avatar_layouts import ready_player_me_layout, vroid_layout

from dance_now.core.errors import DanceNowError
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.training.sources.training_source import TrainingSource


@pytest.fixture(scope="module")
def vroid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inspect") / "girl.glb"
    path.write_bytes(vroid_layout().to_bytes())
    return path


def test_it_tells_what_was_found_and_what_is_missing(run, vroid):
    outcome = run("inspect", vroid)
    assert outcome.code == 0
    lines = dict(line.split(": ", 1) for line in outcome.out.splitlines() if not line.startswith("missing"))
    assert "m tall" in lines["girl"]
    assert "triangles" in lines["girl"]
    assert lines["skeleton"] == "names of VRoid, 54 bones"
    assert "aa, ih, ou, ee, oh, happy" in lines["expressions"]
    assert lines["expressions"].endswith("(morph targets of VRoid)")
    assert lines["face"] == "70 of 70 points found"
    assert lines["springs"] == "none"
    assert "missing: no springs: train --springs auto" in outcome.out
    assert "--licence" not in outcome.out  # asset.copyright says CC0


def test_a_copyright_notice_is_no_licence(run, tmp_path):
    path = tmp_path / "me.glb"
    path.write_bytes(ready_player_me_layout().to_bytes())
    outcome = run("inspect", path)
    assert "licence: unknown; by Ready Player Me" in outcome.out
    assert "missing: licence or authors unknown: give train --licence TEXT" in outcome.out


def test_the_sheet_shows_six_views(run, vroid, tmp_path):
    outcome = run("inspect", vroid, "-o", tmp_path / "sheet.png")
    assert outcome.code == 0
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (768, 1152, 3)
    tiles = [sheet[y : y + 384, x : x + 384].astype(int) for y in (0, 384) for x in (0, 384, 768)]
    ground = sheet[200, 380].astype(int)
    for tile in tiles:
        assert (abs(tile - ground).max(axis=2) > 20).mean() > 0.03  # a figure is there
    assert abs(tiles[4] - tiles[5]).mean() > 0.3  # a blink is no vowel
    assert run("inspect", vroid, "-o", tmp_path / "sheet.png").code == 1  # it exists
    assert run("inspect", vroid, "-o", tmp_path / "sheet.png", "--overwrite").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("inspect", "nowhere.vrm"), "nowhere.vrm"),
        (("inspect", "mascot", "-o", "sheet.txt"), "-o must be a picture"),
        (("inspect", "mascot", "-o", "nowhere/sheet.png"), "does not exist"),
        (("inspect", "mascot", "--hide", "sword"), "nothing named sword"),
    ],
)
def test_wrong_words_are_refused_in_one_line(run, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    outcome = run(*words)
    assert outcome.code in (1, 2)
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_folder_without_the_layout_gets_it_explained(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(DanceNowError, match=r"1 pictures and 1 labels lie in it.*NAME_keypoints\.json"):
        TrainingSource.of(tmp_path, None, AvatarOptions())

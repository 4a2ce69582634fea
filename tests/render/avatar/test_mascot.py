"""The avatar that ships: ``mascot`` names it wherever an avatar's file is asked for."""

import json
from pathlib import Path

import pytest

from dance_now.cli import main
from dance_now.render.avatar.mascot import MASCOT, avatar_file


def test_mascot_is_the_file_that_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert avatar_file(Path(MASCOT)).read_bytes()[:4] == b"glTF"


def test_a_file_of_that_name_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mascot").write_bytes(b"mine")
    assert avatar_file(Path("mascot")).read_bytes() == b"mine"


def test_other_files_are_themselves() -> None:
    assert avatar_file(Path("nobody.vrm")) == Path("nobody.vrm")


@pytest.mark.slow
def test_the_command_renders_her(tmp_path: Path) -> None:
    assert main(["render", "mascot", "-o", str(tmp_path / "data"), "--images", "4", "--workers", "1"]) == 0
    assert len(list((tmp_path / "data").glob("*_img/*.png"))) == 4
    description = json.loads((tmp_path / "data" / "dataset.json").read_text())
    assert "publicdomain/zero/1.0/" in description["avatar"]["licence"]

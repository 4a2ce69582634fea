"""The player page's files: small, complete, of this version; and its modules' own tests and types."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dance_now.character.character import builtin_files
from dance_now.character.kernel.kernel_source import source_hash
from dance_now.character.kernel.library import FOLDER
from dance_now.core.errors import DanceNowError
from dance_now.live import player_site
from scripts.player_motions import motion_list

HERE = Path(__file__).parent
LARGEST = 200_000  # bytes, without characters


def test_the_site_is_small_and_complete(site):
    files = [path for path in site.rglob("*") if path.is_file() and path.name != "package.json"]
    pages = [path for path in files if path.parent.name != "characters"]
    assert sum(path.stat().st_size for path in pages) < LARGEST
    listed = json.loads((site / "characters" / "index.json").read_text())
    assert {each["name"] for each in listed} == builtin_files().keys()
    assert all((site / "characters" / each["file"]).is_file() for each in listed)
    for path in pages:
        text = path.read_text(encoding="utf-8") if path.suffix in (".html", ".js") else ""
        for name in re.findall(r'(?:from|src=|href=) ?"([^":]+)"|new URL\("([^"]+)"', text):
            assert (path.parent / "".join(name)).is_file(), f"{path.name} names {name}"
        assert "/**" not in text
        assert not re.search(r"https?://", text)  # nothing comes from elsewhere


def test_its_kernel_is_of_this_source(site):
    assert source_hash(FOLDER).encode() in (site / "kernel.wasm").read_bytes()


def test_its_motions_are_credited(site):
    assert json.loads((site / "motions.json").read_text()) == motion_list()
    assert all(motion["credit"] for motion in motion_list())


def test_an_installation_without_webassembly_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(player_site, "_KERNEL", "absent.wasm")
    with pytest.raises(DanceNowError, match="make player"):
        player_site.write_player_site(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_folder_that_cannot_be_written(site, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(DanceNowError, match="could not be written"):
        player_site.write_player_site(tmp_path / "taken")


def test_the_modules_pass_their_own_tests(site):
    program = shutil.which("node")
    if program is None:
        pytest.skip("needs node")
    done = subprocess.run(
        [program, "--test", *map(str, sorted(HERE.glob("*.test.mjs")))],
        env={"PLAYER": str(site), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("pages", ["player", "web"])
def test_types_are_right(pages):
    """Of the player and of the control page; ``npm install`` in this folder installs TypeScript."""
    program = HERE / "node_modules" / ".bin" / "tsc"
    if not program.exists():
        pytest.skip(f"run npm install in {HERE}")
    done = subprocess.run([program, "-p", HERE.parent / pages], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

"""What a user gets: the wheel, alone in an empty environment, makes the character dance."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

import dance_now
from dance_now.assets import registry as assets
from dance_now.media.open_media import open_source

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "dance_now"
NOT_FOR_USERS = {"torch", "numba", "scipy", "pillow", "onnx", "onnxscript", "mediapipe", "pytest"}
LARGEST_INSTALL = 522e6  # bytes
LAST = 0.15  # seconds of the clip
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")

pytestmark = pytest.mark.slow


def run(*command: object, folder: Path) -> str:
    """Runs a command without this environment's paths; returns what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    fetched = subprocess.run(
        [*PIP, "download", "--quiet", "--no-deps", "-d", str(folder / "reached"), "hatchling"],
        capture_output=True,
        check=False,
    )
    if fetched.returncode:
        pytest.skip("needs the network")
    run(*PIP, "wheel", "--quiet", "--no-deps", "-w", folder, ROOT, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the wheel with [cpu] and nothing else."""
    home = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(home)  # without pip: its size is not ours
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    run(*PIP, "--python", programs / "python", "install", "--quiet", f"{wheel}[cpu]", folder=home)
    return programs


def test_the_wheel_holds_the_package_and_its_characters(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {f"dance_now/{path.relative_to(PACKAGE).as_posix()}" for path in PACKAGE.rglob("*.py")}
    cast = {f"dance_now/character/builtin/{path.name}" for path in PACKAGE.glob("character/builtin/*.dance")}
    assert "dance_now/character/builtin/godette.dance" in cast
    assert expected | cast | {"dance_now/py.typed", "dance_now/render/avatar/mascot.vrm"} <= names
    assert not [name for name in names if not name.startswith(("dance_now/", "dance_now-"))]
    assert {"LICENSE", "NOTICE"} <= {name.rpartition("/")[2] for name in names}


def test_the_install_is_small_and_holds_nothing_for_training(installed: Path) -> None:
    listed = run(*PIP, "--python", installed / "python", "list", "--format", "json", folder=installed)
    packages = json.loads(listed)
    assert not {package["name"].lower() for package in packages} & NOT_FOR_USERS
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run(installed / "python", "-c", where, folder=installed).strip())
    size = sum(path.lstat().st_size for path in site.rglob("*") if path.is_file())
    assert size <= LARGEST_INSTALL, f"{size / 1e6:.0f} MB"


def test_the_command_answers(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "dance-now", "--version", folder=tmp_path).split()[1] == dance_now.__version__
    assert "godette" in run(installed / "dance-now", "characters", folder=tmp_path)


def test_the_installed_wheel_dances(installed: Path, tmp_path: Path) -> None:
    clip = assets.local_sample_clip()
    if clip is None or any(assets.local_pose_model(name) is None for name in assets.POSE_MODELS):
        pytest.skip("needs the sample clip and the pose networks in the cache")
    said = run(installed / "dance-now", "dance", clip, "--end", LAST, "-o", "out.mp4", folder=tmp_path)
    with open_source(clip, end=LAST) as source, open_source(tmp_path / "out.mp4") as result:
        before, after = ([frame.image for frame in opened.frames()] for opened in (source, result))
        assert result.size == source.size
    assert f"out.mp4: {len(before)} frames" in said
    assert len(after) == len(before) >= 4
    for old, new in zip(before, after, strict=True):
        changed = (np.abs(old.astype(int) - new).max(axis=-1) > 40).mean()
        assert 0.01 < changed < 0.6  # somebody else stands there, in the same place

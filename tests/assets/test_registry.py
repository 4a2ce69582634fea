"""Fetching the pose networks: where they are looked for, and what can go wrong."""

import hashlib
import logging
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from dance_now.assets import package_download, wheels
from dance_now.assets import registry as assets
from dance_now.core import atomic_write
from dance_now.core.errors import DanceNowError

NAME, OTHER = "pose_detection.tflite", "pose_landmark_full.tflite"
CONTENT = {NAME: b"detector" * 100, OTHER: b"landmarks" * 100}


def member(name: str) -> wheels.WheelMember:
    content = CONTENT[name]
    return wheels.WheelMember(f"mediapipe/{name}", len(content), hashlib.sha256(content).hexdigest())


class Pip:
    """Stands for pip: writes a wheel with the given files where it is asked to, or fails."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.files = {f"mediapipe/{name}": content for name, content in CONTENT.items()}
        self.returncode = 0
        self.stderr = ""
        self.raises: Exception | None = None
        self.without: tuple[str, ...] = ()  # words of commands that find no pip

    def run(self, command: list[str], **_: object) -> SimpleNamespace:
        self.calls.append(command)
        if self.raises is not None:
            raise self.raises
        if set(self.without) & set(command):
            return SimpleNamespace(returncode=1, stderr="python: No module named pip", stdout="")
        if self.returncode == 0 and "--target" in command:
            folder = Path(command[command.index("--target") + 1])
            for path, content in self.files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
        elif self.returncode == 0:
            folder = Path(command[command.index("-d") + 1])
            with zipfile.ZipFile(folder / "mediapipe-0.10.21-cp311.whl", "w", zipfile.ZIP_DEFLATED) as zipped:
                for path, content in self.files.items():
                    zipped.writestr(path, content)
        return SimpleNamespace(returncode=self.returncode, stderr=self.stderr, stdout="")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(assets.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(assets.MODELS_VARIABLE, raising=False)
    monkeypatch.setattr(assets.importlib.util, "find_spec", lambda name: None)
    return tmp_path / "cache"


@pytest.fixture
def pip(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Pip:
    stand_in = Pip()
    wheel = wheels.Wheel("mediapipe==0.10.21", 36, {name: member(name) for name in CONTENT})
    monkeypatch.setattr(assets, "_MEDIAPIPE", wheel)
    monkeypatch.setattr(package_download.subprocess, "run", stand_in.run)
    monkeypatch.setattr(package_download, "_bundled_pip", lambda: None)
    monkeypatch.setattr(package_download.shutil, "which", lambda name: None)
    return stand_in


def test_fetches_once_and_keeps_every_network(
    pip: Pip, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert assets.pose_model(NAME).read_bytes() == CONTENT[NAME]
        assert assets.pose_model(OTHER).read_bytes() == CONTENT[OTHER]
        assert assets.pose_model(NAME) == cache / NAME
    assert len(pip.calls) == 1
    assert [record.getMessage() for record in caplog.records if "36 MB, once" in record.getMessage()] != []
    assert sorted(path.name for path in cache.iterdir()) == sorted(CONTENT)


def test_asks_this_pythons_pip_for_one_pinned_wheel_without_dependencies(pip: Pip) -> None:
    assets.pose_model(NAME)
    command = pip.calls[0]
    assert command[:5] == [sys.executable, "-P", "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "mediapipe==0.10.21"} <= set(command)


def test_the_pip_that_python_brings_is_next(pip: Pip, monkeypatch: pytest.MonkeyPatch) -> None:
    pip.without = ("-m",)
    monkeypatch.setattr(package_download, "_bundled_pip", lambda: Path("pip-1.whl"))
    assert assets.pose_model(NAME).read_bytes() == CONTENT[NAME]
    assert pip.calls[-1][:3] == [sys.executable, "-P", "-c"]
    assert pip.calls[-1][4:6] == ["pip-1.whl", "download"]


def test_uv_is_last(pip: Pip, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip.without = ("-P",)
    monkeypatch.setattr(package_download.shutil, "which", lambda name: f"/bin/{name}")
    assert assets.pose_model(NAME).read_bytes() == CONTENT[NAME]
    assert pip.calls[-1][:3] == ["/bin/uv", "pip", "install"]
    assert sorted(path.name for path in cache.iterdir()) == sorted(CONTENT)


def test_fetch_into_a_folder_keeps_what_is_there(pip: Pip, tmp_path: Path) -> None:
    target = tmp_path / "image" / "networks"
    assert assets.fetch_all(target) == [target / NAME, target / OTHER]
    assert assets.fetch_all(target) == [target / NAME, target / OTHER]
    assert len(pip.calls) == 1
    (target / OTHER).write_bytes(b"half")
    assets.fetch_all(target)
    assert (target / OTHER).read_bytes() == CONTENT[OTHER]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_files_of_a_shared_cache_can_be_read_by_others(pip: Pip) -> None:
    before = os.umask(0o022)
    try:
        assert assets.pose_model(NAME).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_damaged_cache_is_replaced(pip: Pip, cache: Path) -> None:
    cache.mkdir()
    (cache / NAME).write_bytes(b"x" * len(CONTENT[NAME]))
    assert assets.pose_model(NAME).read_bytes() == CONTENT[NAME]


def test_folder_of_models_comes_first(pip: Pip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NAME).write_bytes(b"my own")
    monkeypatch.setenv(assets.MODELS_VARIABLE, str(tmp_path))
    assert assets.pose_model(NAME) == tmp_path / NAME
    monkeypatch.setattr(assets, "POSE_MODELS", (NAME, OTHER, "third.tflite"))
    with pytest.raises(DanceNowError, match=f"lacks {OTHER}, third.tflite"):
        assets.pose_model(OTHER)
    assert pip.calls == []


def test_installed_mediapipe_is_used_but_not_imported(
    pip: Pip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "mediapipe"
    package.mkdir(parents=True)
    (package / NAME).write_bytes(CONTENT[NAME])
    (package / OTHER).write_bytes(b"of another version")
    spec = SimpleNamespace(submodule_search_locations=[str(package)])
    monkeypatch.setattr(assets.importlib.util, "find_spec", lambda name: spec)
    assert assets.pose_model(NAME) == package / NAME
    assert pip.calls == []
    assert "mediapipe" not in sys.modules
    assert assets.pose_model(OTHER).read_bytes() == CONTENT[OTHER]
    assert len(pip.calls) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"returncode": 1, "stderr": "ERROR: no network\nERROR: hint\n[notice] new pip"}, "ERROR: hint"),
        ({"returncode": 1, "stderr": "python: No module named pip"}, "neither pip nor uv is installed"),
        ({"returncode": 1, "stderr": ""}, "without a message"),
        ({"raises": OSError("no such program")}, "could not be started"),
        ({"raises": subprocess.TimeoutExpired("pip", 1)}, "minutes"),
    ],
)
def test_no_pip_or_network_says_what_to_do_by_hand(pip: Pip, cache: Path, change: dict, reason: str) -> None:
    vars(pip).update(change)
    with pytest.raises(DanceNowError) as failure:
        assets.pose_model(NAME)
    message = str(failure.value)
    assert "\n" not in message
    for part in (reason, "mediapipe==0.10.21", f"mediapipe/{NAME}", f"mediapipe/{OTHER}", str(cache)):
        assert part in message
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    "files",
    [
        {},
        {f"mediapipe/{NAME}": b"short"},
        {f"mediapipe/{NAME}": b"x" * len(CONTENT[NAME])},
        {f"mediapipe/{NAME}": CONTENT[NAME] + bytes(50_000_000)},
    ],
    ids=["absent", "short", "changed", "bomb"],
)
def test_wrong_wheel_leaves_nothing_behind(pip: Pip, cache: Path, files: dict[str, bytes]) -> None:
    pip.files = files
    with pytest.raises(DanceNowError, match=NAME):
        assets.pose_model(NAME)
    assert list(cache.iterdir()) == []


def test_failed_write_leaves_nothing_behind(pip: Pip, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: str, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_write.os, "replace", full)
    with pytest.raises(DanceNowError, match="No space left"):
        assets.pose_model(NAME)
    assert list(cache.iterdir()) == []


def test_cache_that_cannot_be_made(pip: Pip, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(DanceNowError, match=assets.CACHE_VARIABLE):
        assets.pose_model(NAME)


def test_unknown_name() -> None:
    with pytest.raises(ValueError, match="unknown"):
        assets.pose_model("../secret")


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x/cache"}, "/x/cache/dance_now"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/me/.cache/dance_now"),
        ("linux", {}, "/home/me/.cache/dance_now"),
        ("darwin", {"XDG_CACHE_HOME": "/x/cache"}, "/home/me/Library/Caches/dance_now"),
        ("win32", {"LOCALAPPDATA": "/users/me/Local"}, "/users/me/Local/dance_now"),
        ("win32", {}, "/home/me/AppData/Local/dance_now"),
        ("linux", {"DANCE_NOW_CACHE": "/mine", "XDG_CACHE_HOME": "/x/cache"}, "/mine"),
    ],
)
def test_cache_dir(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], expected: str
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "DANCE_NOW_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(assets.Path, "home", lambda: Path("/home/me"))
    assert assets.cache_dir() == Path(expected)


def test_table_is_well_formed() -> None:
    for wheel in (assets._MEDIAPIPE, assets._POSE2SIM):
        for name, wanted in wheel.members.items():
            assert Path(name).name == name
            assert len(bytes.fromhex(wanted.sha256)) == 32
            assert 0 < wanted.size < 10_000_000
    assert NAME in assets.POSE_MODELS
    assert "face_landmark.tflite" in assets.POSE_MODELS


@pytest.mark.slow
def test_real_fetch(cache: Path) -> None:
    for name in assets.POSE_MODELS:
        assert assets.pose_model(name).parent == cache
    assert assets.sample_clip().stat().st_size > 100_000
    assert len(list(cache.iterdir())) == len(assets.POSE_MODELS) + 1


def test_a_pip_in_the_working_folder_is_not_run(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("open('hijacked', 'w')\nraise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(assets, "_MEDIAPIPE", wheels.Wheel("no-such-name==0", 1, {NAME: member(NAME)}))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(DanceNowError, match="No matching distribution"):
        assets.pose_model(NAME)
    assert not (tmp_path / "hijacked").exists()


def test_the_heavy_network_is_used_only_where_it_lies(monkeypatch, tmp_path):
    for variable in (assets.MODELS_VARIABLE, assets.CACHE_VARIABLE):
        monkeypatch.delenv(assets.MODELS_VARIABLE, raising=False)
        monkeypatch.setenv(variable, str(tmp_path / variable))
        assert assets.heavy_pose_model() is None
        (tmp_path / variable).mkdir()
        (tmp_path / variable / assets.HEAVY_MODEL).write_bytes(b"network")
        assert assets.heavy_pose_model() == tmp_path / variable / assets.HEAVY_MODEL

"""What the report says about this installation and about worse ones."""

import re
import tomllib
from pathlib import Path

import pytest
from fakes import RedCharacter

from dance_now.app import diagnostics as doctor
from dance_now.app.diagnostics import BASE, EXTRAS, examine
from dance_now.assets import registry as assets
from dance_now.core.errors import DanceNowError

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


@pytest.fixture
def world(monkeypatch, tmp_path):
    """An empty cache, one character, and a table of installed distributions."""
    versions = dict.fromkeys(BASE, "1.0")
    monkeypatch.setenv(assets.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(assets.MODELS_VARIABLE, raising=False)
    monkeypatch.setattr(assets, "_installed_mediapipe", lambda member: None)
    monkeypatch.setattr(doctor, "installed", versions.get)
    monkeypatch.setattr(doctor, "builtin_names", lambda: ["red"])
    monkeypatch.setattr(doctor.Character, "load", lambda name: RedCharacter())
    return versions


def report():
    """Findings by part and subject."""
    return {(finding.part, finding.subject): finding for finding in examine()}


def test_the_extras_are_those_of_the_project():
    listed = {
        extra: {re.split(r"[>\[]", name)[0] for name in names if not name.startswith("dance-now")}
        for extra, names in PROJECT["optional-dependencies"].items()
    }
    listed["train"] |= listed["studio"]
    assert {extra: set(names) for extra, names in EXTRAS.items()} == listed
    assert set(BASE) == {re.split(r"[>\[]", name)[0] for name in PROJECT["dependencies"]}


def test_a_bare_installation_names_the_commands(world):
    found = report()
    assert found["extras", "onnx"].advice == 'pip install "dance-now[onnx]"'
    assert found["extras", "train"].advice == 'pip install "dance-now[train]"'
    assert "not installed" in found["extras", "studio"].text


def test_what_is_missing_of_an_extra_is_named(world):
    world.update({"numba": "0.61"})
    finding = report()["extras", "studio"]
    assert finding.text == "renders avatars: numba 0.61, without scipy"
    assert finding.advice == 'pip install "dance-now[studio]"'


def test_the_runtime_for_gpus_is_one(world):
    world["onnxruntime-gpu"] = "1.20"
    assert report()["extras", "onnx"].advice == ""


def test_two_runtimes_overwrite_each_other(world):
    world.update({"onnxruntime": "1.20", "onnxruntime-gpu": "1.20"})
    assert "overwrite each other" in report()["extras", "onnx"].advice


def test_a_broken_base_is_told(world):
    del world["av"]
    finding = report()["versions", "av"]
    assert finding.text == "missing"
    assert "pip install" in finding.advice


def test_an_empty_cache_fetches_nothing(world, tmp_path):
    found = report()
    assert f"{tmp_path / 'cache'}: 0 files" in found["files", "cache"].text
    assert found["files", "pose networks"].text.startswith("0 of 5 are here")
    assert not (tmp_path / "cache").exists()


def test_a_character_is_timed(world):
    finding = report()["speed", "red"]
    assert finding.text.endswith("ms per image of 512x512")
    assert finding.advice == ""


def test_what_does_not_run_is_a_line_and_no_error(world, monkeypatch, tmp_path):
    def fail(name):
        raise DanceNowError("The kernel is missing.")

    monkeypatch.setattr(doctor.Character, "load", fail)
    monkeypatch.setenv(assets.MODELS_VARIABLE, str(tmp_path))
    (tmp_path / "pose_detection.tflite").write_bytes(b"no network")
    found = report()
    assert found["speed", "red"].advice == "The kernel is missing."
    assert found["speed", "pose_detection"].text == "does not run"

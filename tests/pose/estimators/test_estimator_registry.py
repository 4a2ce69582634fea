"""Estimators by name: those that ship, and those of plug-ins that an entry point names."""

import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import cv2
import numpy as np
import pytest

from dance_now import DanceNowError, DanceOptions
from dance_now.pose.estimators import estimator_registry
from dance_now.pose.estimators.estimator_registry import ENTRY_POINTS, estimator_names, open_estimator

PLUGIN = Path(__file__).parents[2] / "plugins" / "red_shirt"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs entry points as pip does: a folder with metadata, on the path."""

    def install(**entries: str) -> Path:
        metadata = tmp_path / "site" / "dance_now_red_shirt-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: dance-now-red-shirt\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in entries.items()]
        (metadata / "entry_points.txt").write_text("\n".join([f"[{ENTRY_POINTS}]", *lines, ""]))
        monkeypatch.syspath_prepend(metadata.parent)
        monkeypatch.syspath_prepend(PLUGIN / "src")
        return metadata.parent

    return install


def shirt():
    """A red rectangle on grey: 40 wide, 60 tall, its corner at (50, 30)."""
    image = np.full((144, 192, 3), 128, np.uint8)
    image[30:90, 50:90] = (230, 20, 20)
    return image


def test_a_plugin_is_known_by_its_name(installed):
    installed(**{"red-shirt": "red_shirt:build"})
    assert estimator_names() == ("mediapipe", "rtmw", "red-shirt")
    (person,) = open_estimator(name="red-shirt")(shirt())
    assert person.identity == 1
    assert person.detection.pose.body[8].tolist() == [70, 90, 1]  # mid hip
    assert DanceOptions(estimator="red-shirt").estimator == "red-shirt"


def test_nothing_of_a_plugin_is_imported_before_it_is_used(installed):
    sys.modules.pop("red_shirt", None)
    installed(**{"red-shirt": "red_shirt:build"})
    assert "red-shirt" in estimator_names()
    assert "red_shirt" not in sys.modules


def test_a_plugin_replaces_nothing_that_ships(installed):
    installed(rtmw="red_shirt:build")
    assert estimator_names() == ("mediapipe", "rtmw")
    with pytest.raises(DanceNowError, match="needs model"):
        open_estimator(name="rtmw")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nowhere_at_all:build", "does not start: No module named 'nowhere_at_all'"),
        ("red_shirt:nothing", "does not start: module 'red_shirt' has no attribute 'nothing'"),
        ("red_shirt:CORNERS", "does not start: 'dict' object is not callable"),
        ("builtins:str", "is none: it returns str, without __call__ and reset"),
    ],
)
def test_a_broken_plugin_is_one_line_that_names_it(installed, value, message):
    installed(broken=value)
    with pytest.raises(DanceNowError) as caught:
        open_estimator(name="broken")
    assert str(caught.value).startswith("Estimator 'broken' of the package dance-now-red-shirt")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plugins_own_error_is_shown_as_it_is(monkeypatch):
    def build(options):
        raise DanceNowError("no shirt today")

    monkeypatch.setattr(EntryPoint, "load", lambda self: build)
    entry = EntryPoint("shirt", "red_shirt:build", ENTRY_POINTS)
    monkeypatch.setattr(estimator_registry, "entry_points", lambda group: [entry])
    with pytest.raises(DanceNowError, match=r"^no shirt today$"):
        open_estimator(name="shirt")


@pytest.mark.slow
def test_the_plugin_package_works_once_it_is_installed(tmp_path):
    """Pip install, then --estimator."""
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(PLUGIN)], check=True)
    assert cv2.imwrite(str(tmp_path / "shirt.png"), shirt()[..., ::-1])
    program = f"import sys; sys.path.insert(0, {str(target)!r}); from dance_now.cli import main; main()"
    words = ["pose", "shirt.png", "-o", "found", "--estimator", "red-shirt"]
    subprocess.run([sys.executable, "-c", program, *words], cwd=tmp_path, check=True)
    (label,) = (tmp_path / "found").glob("*.json")
    keypoints = json.loads(label.read_text())["people"][0]["pose_keypoints_2d"]
    assert keypoints[24:27] == [70, 90, 1]

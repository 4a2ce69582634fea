"""``--quality best`` reads bodies with the larger network where the user has it."""

from pathlib import Path

import pytest

from dance_now.assets import registry
from dance_now.pose.estimators import blazepose
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import EstimatorOptions


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Names of the networks that BlazePose opens, out of a folder with all of them."""
    names: list[str] = []
    for name in (*registry.POSE_MODELS, registry.HEAVY_MODEL):
        (tmp_path / name).write_bytes(b"")
    monkeypatch.setenv(registry.MODELS_VARIABLE, str(tmp_path))
    monkeypatch.setattr(blazepose, "PersonDetector", lambda path, threads: None)
    monkeypatch.setattr(blazepose, "LiteRTNetwork", lambda path, *_, **__: names.append(path.name))
    return names


@pytest.mark.parametrize("heavy", [False, True])
def test_best_opens_the_heavy_network(
    opened: list[str], heavy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("HandNetwork", "FaceNetworks"):
        monkeypatch.setattr(f"dance_now.pose.estimators.holistic.{part}", lambda *_: None)
    PeopleFinder(options=EstimatorOptions(heavy=heavy)).open()
    assert opened == [registry.HEAVY_MODEL if heavy else "pose_landmark_full.tflite"]


def test_without_it_best_opens_the_usual_one(opened: list[str], tmp_path: Path) -> None:
    (tmp_path / registry.HEAVY_MODEL).unlink()
    blazepose.BlazePose(1, heavy=True)
    assert opened == ["pose_landmark_full.tflite"]

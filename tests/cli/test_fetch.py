"""``dance-now fetch``."""

from __future__ import annotations

from pathlib import Path

import pytest

from dance_now import cli
from dance_now.assets import registry
from dance_now.core.errors import DanceNowError


def test_prints_the_files_and_how_to_use_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "fetch_all", lambda folder, clip: [folder / "a.tflite"])
    assert cli.main(["fetch", "--to", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / "a.tflite"),
        f"to use them: DANCE_NOW_CACHE={tmp_path}",
    ]


def test_failures_are_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path | None, clip: bool) -> list[Path]:
        raise DanceNowError("could not fetch a, b (no network).")

    monkeypatch.setattr(registry, "fetch_all", fail)
    assert cli.main(["fetch"]) == 1
    assert capsys.readouterr().err == "error: could not fetch a, b (no network).\n"

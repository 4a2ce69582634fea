"""What ``dance-now convert`` and ``dance-now export`` hand on, print and refuse."""

import pytest
from skeletons import chibi_skeleton

import dance_now.training.convert_v1
import dance_now.training.points_export
from dance_now.character.character_file import CharacterCard


@pytest.fixture
def calls(monkeypatch):
    """Arguments of every call of the library."""
    seen = []

    def convert(old, new, *, overwrite):
        seen.append((old.name, new.name, overwrite))
        return CharacterCard("uka", "1", "CC BY 4.0", "somebody", chibi_skeleton(), template="points")

    def export_onnx(character, output, *, overwrite):
        seen.append((character, output.name, overwrite))

    monkeypatch.setattr(dance_now.training.convert_v1, "convert", convert)
    monkeypatch.setattr(dance_now.training.points_export, "export_onnx", export_onnx)
    return seen


def test_convert_names_the_new_file(run, calls):
    outcome = run("convert", "old.dance", "-o", "new.dance")
    assert (outcome.code, outcome.out) == (0, "new.dance: uka, template points\n")
    run("convert", "old.dance", "--output", "new.dance", "--overwrite")
    assert calls == [("old.dance", "new.dance", False), ("old.dance", "new.dance", True)]


def test_export_names_the_graph(run, calls):
    outcome = run("export", "uka", "-o", "uka.onnx")
    assert (outcome.code, outcome.out) == (0, "uka.onnx\n")
    assert calls == [("uka", "uka.onnx", False)]


@pytest.mark.parametrize(
    "words", [("convert", "none.dance", "-o", "new.dance"), ("export", "none.dance", "-o", "none.onnx")]
)
def test_a_file_that_is_not_there_is_one_line(run, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    outcome = run(*words)
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert "none.dance" in outcome.err

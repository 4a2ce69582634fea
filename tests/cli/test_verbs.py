"""What each verb hands to the library and what it prints."""

import sys
from pathlib import Path

import pytest

import dance_now.dancer
from dance_now.dancer import DanceResult


@pytest.fixture
def calls(monkeypatch):
    """Arguments of every call of ``dance``, which does nothing but count frames."""
    seen = []

    def dance(source, character, output, *, progress, **options):
        seen.append({"source": source, "character": character, "output": output, **options})
        progress("dance", 3, 3)
        return DanceResult(Path("clip_godette.mp4"), 3, 1, 2, 0.5, {"pose": 10.0, "draw": 20.25})

    monkeypatch.setattr(dance_now.dancer, "dance", dance)
    return seen


def test_dance_has_defaults(run, calls):
    outcome = run("dance", "clip.mp4")
    assert outcome.code == 0
    assert calls == [
        {
            "source": "clip.mp4",
            "character": "godette",
            "output": None,
            "scene": "replace",
            "start": None,
            "end": None,
            "overwrite": False,
            "device": "auto",
        }
    ]


def test_dance_passes_its_options_on(run, calls):
    run(
        *("dance", "clip.mp4", "-c", "my.dance", "-o", "out.mov", "--scene", "alpha"),
        *("--start", "1.5", "--end", "3", "--overwrite", "--device", "cpu"),
    )
    assert calls == [
        {
            "source": "clip.mp4",
            "character": "my.dance",
            "output": Path("out.mov"),
            "scene": "alpha",
            "start": 1.5,
            "end": 3.0,
            "overwrite": True,
            "device": "cpu",
        }
    ]


def test_dance_says_what_it_did(run, calls):
    assert run("dance", "clip.mp4").out == (
        "clip_godette.mp4: 3 frames in 0.5 s (ms a frame: pose 10.0, draw 20.2)\n"
        "nobody was seen in 2 of them\n"
        "1 broken frames of the source were left out (--verbose says which)\n"
    )


@pytest.mark.parametrize(
    ("words", "module", "command"),
    [
        (("train", "a.vrm", "-o", "a.dance"), "torch", 'pip install "dance-now[train]"'),
        (("evaluate", "godette", "data"), "torch", 'pip install "dance-now[train]"'),
        (("render", "a.vrm", "-o", "data", "--images", "4"), "numba", 'pip install "dance-now[studio]"'),
    ],
)
def test_a_missing_extra_names_the_command(run, monkeypatch, words, module, command):
    for name in list(sys.modules):
        if name.startswith(("dance_now.training", "dance_now.studio")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    outcome = run(*words)
    assert outcome.code == 1
    assert command in outcome.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "a.vrm", "-o", "a.dance", "--steps", "0"), "--steps must be at least 1"),
        (("train", "a.vrm", "-o", "a.dance", "--images", "-3"), "--images must be at least 1"),
        (
            ("render", "a.vrm", "-o", "data", "--images", "4", "--workers", "0"),
            "--workers must be at least 1",
        ),
        (("evaluate", "godette", "data", "--sheet", "sheet.tiff"), "--sheet writes a .png"),
        (("evaluate", "godette", "data", "--sheet", "nowhere/sheet.png"), "does not exist"),
    ],
)
def test_impossible_options_fail_before_any_work(run, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    outcome = run(*words)
    assert outcome.code == 1
    assert message in outcome.err
    assert not list(tmp_path.iterdir())


def test_characters_lists_names_and_licences(run):
    from dance_now.character.character import cast_names

    outcome = run("characters")
    assert outcome.code == 0
    names = [line.split()[0] for line in outcome.out.splitlines() if not line.startswith(" ")]
    assert names == cast_names()

"""Exit codes, messages, and what the help promises."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import dance_now.app.dance
from dance_now.core.errors import DanceNowError

VERBS = ("dance", "pose", "render", "train", "evaluate", "characters", "doctor")


def test_version_is_that_of_the_project(run):
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    outcome = run("--version")
    assert (outcome.code, outcome.out) == (0, f"dance-now {project['version']}\n")


def test_version_answers_without_heavy_imports():
    program = (
        "import sys; from dance_now.cli import main; main(['--version']); "
        "sys.exit(', '.join({'numpy', 'cv2', 'av', 'tyro', 'rich'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_python_dash_m_is_the_command():
    command = [sys.executable, "-m", "dance_now", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("dance-now ")


def test_help_names_every_verb(run):
    outcome = run("--help")
    assert outcome.code == 0
    assert all(verb in outcome.out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(run, verb):
    outcome = run(verb, "--help")
    assert outcome.code == 0
    assert f"usage: dance-now {verb}" in outcome.out


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("sing",),
        ("dance",),
        ("dance", "a.mp4", "--scene", "moon"),
        ("dance", "a.mp4", "--start", "soon"),
        ("dance", "keys", "--size", "large"),
        ("dance", "keys", "--size", "640x"),
        ("dance", "a.mp4", "--device", "toaster"),
        ("dance", "a.mp4", "--nonsense"),
        ("render", "a.vrm"),
        ("train", "a.vrm"),
        ("train", "a.vrm", "-o", "a.dance", "--preset", "huge"),
        ("evaluate", "godette"),
        ("pose",),
    ],
)
def test_wrong_usage_is_2(run, words):
    outcome = run(*words)
    assert outcome.code == 2
    assert "Traceback" not in outcome.err


def failing(error):
    def dance(*_args, **_options):
        raise error

    return dance


def test_a_failure_is_one_line_and_1(run, monkeypatch):
    monkeypatch.setattr(dance_now.app.dance, "dance", failing(DanceNowError("There is no such\nclip.")))
    outcome = run("dance", "clip.mp4")
    assert (outcome.code, outcome.err, outcome.out) == (1, "error: There is no such clip.\n", "")


def test_a_fault_of_the_program_is_one_line_and_1(run, monkeypatch):
    monkeypatch.setattr(dance_now.app.dance, "dance", failing(RuntimeError("boom")))
    outcome = run("dance", "clip.mp4")
    assert outcome.code == 1
    assert outcome.err.startswith("error: unexpected RuntimeError (boom)")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("words", [("--verbose", "dance", "clip.mp4"), ("dance", "clip.mp4", "--verbose")])
def test_verbose_shows_the_traceback(run, monkeypatch, words):
    monkeypatch.setattr(dance_now.app.dance, "dance", failing(RuntimeError("boom")))
    with pytest.raises(RuntimeError, match="boom"):
        run(*words)


def test_ctrl_c_is_130_and_one_line(run, monkeypatch):
    monkeypatch.setattr(dance_now.app.dance, "dance", failing(KeyboardInterrupt()))
    outcome = run("dance", "clip.mp4")
    assert (outcome.code, outcome.err) == (130, "interrupted\n")

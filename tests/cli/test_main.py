"""Exit codes, messages, and what the help promises."""

import os
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest

import dance_now
import dance_now.app.dance
from dance_now.core.errors import DanceNowError

COMMANDS = ("dance", "pose", "render", "train", "evaluate", "characters", "doctor")


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_version_is_that_of_the_project(run, word):
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    outcome = run(word)
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


def test_without_a_command_the_help_is_on_stderr(run):
    outcome = run()
    assert (outcome.code, outcome.out) == (2, "")
    assert all(command in outcome.err for command in COMMANDS)


def test_help_names_every_command(run):
    outcome = run("--help")
    assert outcome.code == 0
    assert all(command in outcome.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run, command):
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert f"usage: dance-now {command}" in outcome.out


@pytest.mark.parametrize(
    "words",
    [
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


@pytest.mark.parametrize(
    ("message", "option", "printed"),
    [
        ("match must be between 0 and 1, not 2.", "match", "--match must be between 0 and 1, not 2."),
        ("frame_rate must be at least 1.", "frame_rate", "--fps must be at least 1."),
        ("output a.mp4 is the background itself.", "output", "-o a.mp4 is the background itself."),
        ("There is no such bone.", "bones", "--bones: There is no such bone."),
        ("background needs scene replace.", "background", "--background needs --scene replace."),
        ("start, end and frame_rate apply to clips.", None, "--start, --end and --fps apply to clips."),
        ("a.mp4 already exists. Set overwrite to replace it.", None, "Set --overwrite to replace it."),
        ("estimator rtmw needs model, a file.", None, "--estimator rtmw needs --model, a file."),
        ("poses does not exist.", None, "error: poses does not exist."),
        ("poses is being written by another.", None, "error: poses is being written by another."),
        ("size.png is damaged.", None, "error: size.png is damaged."),
        ("a/match/start.mp4 is empty.", None, "error: a/match/start.mp4 is empty."),
    ],
)
def test_arguments_are_called_by_their_flags(run, monkeypatch, message, option, printed):
    monkeypatch.setattr(dance_now.app.dance, "dance", failing(DanceNowError(message, option=option)))
    outcome = run("dance", "clip.mp4")
    assert outcome.code == 1
    assert outcome.err.endswith(f"{printed}\n")
    assert outcome.err.count("\n") == 1


def on_a_terminal(words, environment):
    """What a command prints on a terminal of its own."""
    pty = pytest.importorskip("pty", reason="POSIX only")
    outside, inside = pty.openpty()
    command = [sys.executable, "-m", "dance_now", *words]
    source = str(Path(dance_now.__file__).parents[1])
    ours = ("NO_COLOR", "FORCE_COLOR", "PYTHON_TYRO_ANSI_CODES")  # a run in this process sets the last
    base = {key: value for key, value in os.environ.items() if key not in ours}
    variables = {**base, "TERM": "xterm-256color", "PYTHONPATH": source, **environment}
    with subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, env=variables) as process:
        os.close(inside)
        printed = b""
        with suppress(OSError):  # EIO: the other end is closed
            while part := os.read(outside, 1 << 16):
                printed += part
    os.close(outside)
    assert process.returncode in (0, 2)
    return printed


@pytest.mark.parametrize("words", [("dance", "--help"), ("sing",), ()])
def test_no_color_is_obeyed(words):
    assert b"\x1b[" in on_a_terminal(words, {})
    plain = on_a_terminal(words, {"NO_COLOR": "1"})
    assert b"dance-now" in plain
    assert b"\x1b[" not in plain

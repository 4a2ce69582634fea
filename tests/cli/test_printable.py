"""Escape codes in the names of files never reach the terminal, whatever prints them."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dance_now.cli.options import remark, say
from dance_now.cli.terminal.printable import printable
from dance_now.core.errors import DanceNowError

NAME = "clip\x1b[2J\x1b]0;title\x07\u202e.mp4"


def test_printable() -> None:
    assert printable("día 1, 猫.mp4") == "día 1, 猫.mp4"
    assert printable(NAME) == "clip?[2J?]0;title??.mp4"
    assert printable("a\nb\x1bc", keep="\n") == "a\nb?c"


def test_results_remarks_and_the_log(capsys: pytest.CaptureFixture[str], run) -> None:
    say(NAME)
    remark(NAME)
    logging.getLogger("dance_now.assets.wheels").info("fetching %s", NAME)
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err


@pytest.mark.parametrize(
    "words",
    [
        ("dance", NAME),
        ("dance", NAME, "--bogus", NAME),
        ("dance", "a.mp4", "--scene", NAME),
        ("dance", "a.mp4", "--fps", NAME),
        (NAME,),
        ("pose", NAME),
        ("render", NAME, "-o", "x"),
        ("train", NAME, "-o", f"{NAME}.dance"),
    ],
    ids=range(8),
)
def test_words_that_are_refused(run, words: tuple[str, ...]) -> None:
    outcome = run(*words)
    assert outcome.code in (1, 2)
    assert outcome.err
    assert not {"\x1b", "\x07", "\u202e"} & set(outcome.out + outcome.err)


def test_long_texts_are_cut(run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DanceNowError("x" * 5_000_000)

    monkeypatch.setattr("dance_now.app.dance.dance", fail)
    assert len(run("dance", "a.mp4").err) < 3000


def test_the_traceback_of_verbose(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dance_now", "--verbose", "pose", NAME]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_termination_is_an_interrupt(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """Nothing half-written is left, no traceback, and the exit code of shells."""
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom dance_now import cli\n"
        "from dance_now.core.atomic_write import Output\n"
        "def work(*_):\n"
        "    with Output(Path('out.mp4')) as output:\n"
        "        print(output.part.exists(), flush=True)\n        time.sleep(60)\n"
        "cli._run = work\nsys.exit(cli.main(['doctor']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (code, "interrupted\n")
    assert list(tmp_path.iterdir()) == []

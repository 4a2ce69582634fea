"""``dance -o -``: pixels on standard output, everything else on standard error."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import HEIGHT, WIDTH, MagentaEstimator, RedCharacter, red, write_video

import dance_now
import dance_now.app.network_cache
from dance_now.character.character import Character
from dance_now.cli import main


@pytest.fixture
def video(tmp_path, monkeypatch):
    """A clip of four frames in the working folder, and fakes that dance it."""
    monkeypatch.setattr(Character, "load", lambda *_, **__: RedCharacter())
    monkeypatch.setattr(dance_now.app.network_cache, "open_estimator", lambda **_: MagentaEstimator())
    monkeypatch.chdir(tmp_path)
    return write_video(tmp_path / "clip.mp4", [40, 60, 80, 100])


@pytest.mark.usefixtures("_logging_as_it_was")
@pytest.mark.parametrize("scene", ["green", "alpha"])
def test_pixels_and_nothing_else(video, capfdbinary, scene):
    assert main(["dance", str(video), "-c", "red", "--scene", scene, "-o", "-"]) == 0
    printed = capfdbinary.readouterr()
    images = np.frombuffer(printed.out, np.uint8).reshape(4, HEIGHT, WIDTH, 4)
    assert all(red(image).any() for image in images)
    assert (images[..., 3].min() == 0) == (scene == "alpha")
    told = printed.err.decode()
    assert f"-video_size {WIDTH}x{HEIGHT} -framerate 25" in told
    assert "4 frames" in told
    assert [path.name for path in video.parent.iterdir()] == ["clip.mp4"]


LEAVING = """
import sys
from pathlib import Path
import numpy as np
from dance_now import cli
from dance_now.media.blank_source import BlankSource
from dance_now.media.open_media import open_sink

def write(words, verbose):
    with open_sink("-", BlankSource(Path("x"), "x", (640, 480), 9), alpha=True) as sink:
        for step in range(9):
            sink.write(np.zeros((480, 640, 4), np.uint8), step / 30)

cli._run = write
sys.exit(cli.main(["dance"]))
"""


def test_a_reader_that_leaves_gets_one_line():
    environment = {**os.environ, "PYTHONPATH": str(Path(dance_now.__file__).parents[1])}
    command = [sys.executable, "-c", LEAVING]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(100)
        process.stdout.close()
        told = process.stderr.read().decode()
    assert process.returncode == 1
    assert told == "error: standard output could not be written: Broken pipe.\n"

"""Raw frames on standard output."""

import io
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import open_sink, open_source

MakeVideo = Callable[..., Path]


def pictures(channels: int) -> list[np.ndarray]:
    return [np.random.default_rng(seed).integers(0, 256, (48, 64, channels), np.uint8) for seed in range(3)]


@pytest.mark.parametrize("channels", [3, 4])
def test_only_pixels_are_written(
    make_video: MakeVideo,
    capfdbinary: pytest.CaptureFixture[bytes],
    caplog: pytest.LogCaptureFixture,
    channels: int,
) -> None:
    sent = pictures(channels)
    with (
        caplog.at_level(logging.INFO),
        open_source(make_video()) as source,
        open_sink("-", source, alpha=channels == 4) as sink,
    ):
        for place, picture in enumerate(sent):
            sink.write(picture, place / 25)
    received = np.frombuffer(capfdbinary.readouterr().out, np.uint8).reshape(3, 48, 64, 4)
    np.testing.assert_array_equal(received[..., :channels], sent)
    assert channels == 4 or (received[..., 3] == 255).all()
    (told,) = [record.getMessage() for record in caplog.records if "raw" in record.getMessage()]
    assert "-pixel_format rgba -video_size 64x48 -framerate 25" in told
    assert [path.name for path in source.path.parent.iterdir()] == ["clip.mp4"]


def written_to(stream: io.TextIOWrapper, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    with open_source(clip) as source, open_sink("-", source, alpha=True) as sink:
        for place, picture in enumerate(pictures(4)):
            sink.write(picture, place / 25)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_a_full_disk_is_said(make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        open("/dev/full", "w") as full,
        pytest.raises(DanceNowError, match="standard output could not be written: No space left"),
    ):
        written_to(full, make_video(), monkeypatch)


def test_a_reader_that_has_gone_is_said(make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream, pytest.raises(DanceNowError, match="could not be written"):
        written_to(stream, make_video(), monkeypatch)


def test_a_terminal_gets_nothing(make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    screen = io.BytesIO()
    with pytest.raises(DanceNowError, match="terminal"):
        written_to(Terminal(screen), make_video(), monkeypatch)
    assert screen.getvalue() == b""


def test_frames_of_another_size_are_refused(
    make_video: MakeVideo, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with open_source(make_video()) as source, open_sink("-", source, alpha=True) as sink:
        sink.write(np.zeros((4, 4, 4), np.uint8), 0.0)
        with pytest.raises(DanceNowError, match="another size"):
            sink.write(np.zeros((4, 5, 4), np.uint8), 0.04)
    assert len(capfdbinary.readouterr().out) == 64

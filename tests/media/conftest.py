"""Small videos that the tests write themselves."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

WIDTH, HEIGHT = 64, 48
COLORS = ((200, 40, 60), (30, 180, 90), (50, 70, 210), (240, 240, 240))

MakeVideo = Callable[..., Path]


def four_colors(width: int = WIDTH, height: int = HEIGHT, step: int = 0) -> np.ndarray:
    """Four flat quarters: top left red, top right green, bottom left blue, bottom right bright."""
    image = np.zeros((height, width, 3), np.uint8)
    for place, color in enumerate(COLORS):
        rows = slice(0, height // 2) if place < 2 else slice(height // 2, height)
        columns = slice(0, width // 2) if place % 2 == 0 else slice(width // 2, width)
        image[rows, columns] = color
    image[:4, :4] = 10 * step % 256
    return image


def write_video(
    path: Path,
    *,
    frames: int = 10,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    rate: Fraction = Fraction(25),
    times: Sequence[float] | None = None,
    turn: int = 0,
    sounds: Sequence[str] = (),
    sound_seconds: float | None = None,
    pictures: bool = True,
) -> Path:
    """Writes a video of four colors, BT.601 as FFmpeg defaults to, with sine tones as sound."""
    options = {"crf": "4"} if codec in ("libx264", "libvpx-vp9") else {}
    with av.open(str(path), "w") as output:
        video = None
        if pictures:
            video = output.add_stream(codec, rate=rate, options=options)
            assert isinstance(video, av.VideoStream)
            video.width, video.height, video.pix_fmt = *size, pixel_format
            if times is not None:
                video.codec_context.time_base = Fraction(1, 1000)
            if turn:
                video.set_display_rotation(turn)
        tracks = [_add_sound(output, name) for name in sounds]
        for index in range(frames):
            if not isinstance(video, av.VideoStream):
                break
            frame = av.VideoFrame.from_ndarray(four_colors(*size, index), format="rgb24")
            frame = frame.reformat(format=pixel_format)
            if times is not None:
                frame.pts, frame.time_base = round(times[index] * 1000), Fraction(1, 1000)
            output.mux(video.encode(frame))
        if isinstance(video, av.VideoStream):
            output.mux(video.encode(None))
        for track in tracks:
            _write_tone(output, track, sound_seconds or frames / float(rate))
    return path


def _add_sound(output: av.container.OutputContainer, codec: str) -> av.AudioStream:
    track = output.add_stream(codec, rate=48000, layout="stereo")
    assert isinstance(track, av.AudioStream)
    return track


def _write_tone(output: av.container.OutputContainer, track: av.AudioStream, seconds: float) -> None:
    count = int(48000 * seconds)
    wave = 0.3 * np.sin(np.arange(count) * 2 * np.pi * 440 / 48000)
    frame = av.AudioFrame.from_ndarray(
        np.stack([wave, wave]).astype(np.float32), format="fltp", layout="stereo"
    )
    frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
    output.mux(track.encode(frame))
    output.mux(track.encode(None))


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Writes ``tmp_path/NAME`` with the keyword arguments of ``write_video``."""

    def make(name: str = "clip.mp4", **options: object) -> Path:
        return write_video(tmp_path / name, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def colors() -> Callable[..., np.ndarray]:
    """The image that the videos show."""
    return four_colors

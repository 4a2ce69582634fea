"""Animated WebP and AVIF files as sources."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import open_sink, open_source

MakeVideo = Callable[..., Path]
TIMES = [0.0, 0.04, 0.3, 0.35, 1.0]


@pytest.fixture
def sticker(tmp_path: Path, make_video: MakeVideo) -> Path:
    """A red square that wanders over nothing: frames that hold only what has changed."""
    path = tmp_path / "sticker.webp"
    with open_source(make_video()) as source, open_sink(path, source, alpha=True) as sink:
        for step, time in enumerate(TIMES):
            picture = np.zeros((48, 64, 4), np.uint8)
            picture[10:30, 10 * step : 10 * step + 20] = (220, 30, 30, 255)
            picture[35:45, 5:15] = (30, 30, 220, 128)
            sink.write(picture, time)
    return path


def over_white(rgba: np.ndarray) -> np.ndarray:
    color, alpha = rgba[..., :3].astype(int), rgba[..., 3:].astype(int)
    return (color * alpha + 255 * (255 - alpha) + 127) // 255


def test_frames_are_what_other_readers_see(sticker: Path) -> None:
    done, animation = cv2.imreadanimation(str(sticker))
    assert done
    with open_source(sticker) as source:
        frames = list(source.frames())
        assert (source.kind, source.size, source.frame_count, source.skipped) == ("video", (64, 48), 5, 0)
    assert [frame.time for frame in frames] == pytest.approx(TIMES, abs=2e-3)
    for frame, stored in zip(frames, animation.frames, strict=True):
        expected = over_white(cv2.cvtColor(stored, cv2.COLOR_BGRA2RGBA))
        assert np.abs(frame.image - expected).max() <= 2


def test_it_can_be_read_twice_and_cut(sticker: Path) -> None:
    with open_source(sticker, 0.2, 0.9) as source:
        first = list(source.frames())
        again = list(source.frames())
    with open_source(sticker) as source:
        whole = list(source.frames())
    assert [frame.time for frame in first] == pytest.approx([0.1, 0.15])
    for one, other, uncut in zip(first, again, whole[2:], strict=False):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.image, uncut.image)
    with open_source(sticker, 9.0) as source, pytest.raises(DanceNowError, match="between start and end"):
        list(source.frames())


def test_an_animated_avif_is_read(tmp_path: Path, colors: Callable[..., np.ndarray]) -> None:
    pictures = [PIL.Image.fromarray(colors(64, 48, step)) for step in range(4)]
    path = tmp_path / "moving.avif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=80, quality=95)
    with open_source(path) as source:
        assert (source.kind, source.size, source.frame_rate, source.frame_count) == (
            "video",
            (64, 48),
            Fraction(25, 2),
            4,
        )
        frames = list(source.frames())
    assert [frame.time for frame in frames] == pytest.approx([0, 0.08, 0.16, 0.24])
    for step, frame in enumerate(frames):
        assert np.abs(frame.image[6:].astype(int) - colors(64, 48, step)[6:]).mean() < 4


def test_what_is_behind_a_broken_frame_is_counted(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pictures = [PIL.Image.fromarray(random.integers(0, 255, (48, 64, 3), np.uint8)) for _ in range(5)]
    path = tmp_path / "noise.avif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=80, quality=95)
    data = bytearray(path.read_bytes())
    data[-len(data) // 3 :] = bytes(len(data) // 3 + 1)
    path.write_bytes(data)
    with open_source(path) as source:
        count = len(list(source.frames()))
        assert 0 < count < 5
        assert count + source.skipped == 5


@pytest.mark.parametrize("length", [21, 30, 44, 60, 200])
def test_a_file_cut_short_is_one_line(sticker: Path, length: int) -> None:
    sticker.write_bytes(sticker.read_bytes()[:length])
    with pytest.raises(DanceNowError) as caught, open_source(sticker) as source:
        list(source.frames())
    assert "\n" not in str(caught.value)


def test_no_mutation_crashes_or_makes_frames_of_another_size(sticker: Path) -> None:
    data = sticker.read_bytes()
    random = np.random.default_rng(4)
    for _ in range(150):
        changed = bytearray(data)
        for place in random.integers(20, len(data), 3):
            changed[place] = random.integers(256)
        sticker.write_bytes(changed)
        try:
            with open_source(sticker) as source:
                if source.size[0] * source.size[1] < 10**6:
                    assert {frame.image.shape[1::-1] for frame in source.frames()} == {source.size}
        except DanceNowError:
            continue

"""Animated WebP files as sources."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
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
        assert source.frame_count == 2
    with open_source(sticker) as source:
        whole = list(source.frames())
    assert [frame.time for frame in first] == pytest.approx([0.1, 0.15])
    for one, other, uncut in zip(first, again, whole[2:], strict=False):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.image, uncut.image)
    with pytest.raises(DanceNowError, match="leave none of the 5 frames"):
        open_source(sticker, 9.0)


def test_a_broken_frame_is_skipped_and_counted(sticker: Path) -> None:
    data = bytearray(sticker.read_bytes())
    second = data.index(b"ANMF", data.index(b"ANMF") + 4)
    data[second + 24 : second + 40] = bytes(16)
    sticker.write_bytes(data)
    with open_source(sticker) as source:
        assert len(list(source.frames())) == 4
        assert source.skipped == 1


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

"""Colors survive the way between FFmpeg's formats and RGB."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from dance_now.media.video import color_conversion as color


def picture(height, width):
    """Smooth colors of every kind."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 17 + phase) * np.cos(y / 13 - phase) for phase in (0, 2, 4)]
    return np.rint(127.5 + 127.5 * np.stack(waves, axis=-1)).astype(np.uint8)


@pytest.fixture
def plain(monkeypatch):
    """FFmpeg's own conversion."""

    def convert(frame, size):
        with monkeypatch.context() as patch:
            patch.setattr(color, "_LUMA_WEIGHTS", {})
            return color.to_rgb(frame, size)

    return convert


@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709, None])
@pytest.mark.parametrize("size", [(96, 64), (155, 141), (1024, 600), (2, 2)])
@pytest.mark.parametrize("limits", [ColorRange.MPEG, ColorRange.UNSPECIFIED, ColorRange.JPEG])
def test_the_fast_conversion_is_ffmpegs(plain, matrix, size, limits):
    frame = av.VideoFrame.from_ndarray(picture(size[1], size[0]), format="rgb24").reformat(format="yuv420p")
    frame.colorspace = 2 if matrix is None else int(matrix)
    frame.color_range = int(limits)
    fast = color.to_rgb(frame, size).astype(int)
    assert np.abs(fast - plain(frame, size)).max() <= 3


@pytest.mark.parametrize("size", [(2, 2), (96, 64), (1026, 34)])
def test_the_fast_conversion_to_video_is_ffmpegs(size):
    rgba = np.dstack([picture(size[1], size[0]), np.full(size[::-1], 255, np.uint8)])
    fast, plain = color.from_rgb(rgba[..., :3], "yuv420p"), color.from_rgb(rgba, "yuv420p")
    assert (fast.colorspace, fast.color_range) == (plain.colorspace, plain.color_range)
    for one, other in zip(fast.planes, plain.planes, strict=True):
        levels = [np.frombuffer(plane, np.uint8).reshape(plane.height, -1) for plane in (one, other)]
        difference = np.abs(np.subtract(*(part[:, : one.width].astype(int) for part in levels)))
        assert difference.max() <= 3
        assert difference.mean() <= 1


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "yuva420p"])
def test_there_and_back_changes_little(pixel_format, channels):
    before = picture(128, 160)
    sent = np.dstack([before, np.full((128, 160), 255, np.uint8)])[..., :channels]
    frame = color.from_rgb(sent, pixel_format)
    after = color.to_rgb(frame, (160, 128)).astype(int)
    assert np.abs(after - before).mean() < 1.5
    assert np.abs(after.mean(axis=(0, 1)) - before.mean(axis=(0, 1))).max() < 0.5


def test_another_size_is_scaled():
    frame = color.from_rgb(picture(64, 96), "yuv420p")
    assert color.to_rgb(frame, (128, 64)).shape == (64, 128, 3)

"""What is written is what is read back: colors and transparency, for every kind of output."""

import itertools
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from dance_now.media.open_media import open_sink, open_source

MakeVideo = Callable[..., Path]
CELL, COLUMNS = 32, 6
ALPHAS = (255, 255, 128, 64, 200, 0)
COLORS = [*itertools.product((0, 128, 255), repeat=3), (200, 40, 60), (30, 180, 90), (12, 12, 12)]


def chart(alpha: bool) -> np.ndarray:
    """(160, 192, 3 or 4): thirty flat cells of the cube's corners, edges and faces, a column each alpha."""
    cells = np.array(COLORS, np.uint8).reshape(-1, COLUMNS, 3)
    if alpha:
        cells = np.dstack([cells, np.tile(np.array(ALPHAS, np.uint8), (len(cells), 1))])
    return cells.repeat(CELL, axis=0).repeat(CELL, axis=1)


def cells_of(picture: np.ndarray) -> np.ndarray:
    """The cells' middle colors: (30, channels)."""
    rows = [row[8:-8] for row in np.split(picture, len(COLORS) // COLUMNS)]
    cells = [cell[:, 8:-8] for row in rows for cell in np.split(row, COLUMNS, axis=1)]
    return np.array([np.median(cell, axis=(0, 1)) for cell in cells])


def opaque_picture(path: Path) -> np.ndarray:
    with open_source(path) as result:
        return list(result.frames())[-1].image


def clear_picture(path: Path) -> np.ndarray:
    """The last frame in RGBA, as another program would read it."""
    if path.suffix in (".png", ".webp"):
        done, animation = cv2.imreadanimation(str(path))
        assert done
        stored = animation.frames[-1]
        return cv2.cvtColor(stored, cv2.COLOR_BGRA2RGBA)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        # FFmpeg's own VP9 decoder drops alpha.
        decoder = av.CodecContext.create("libvpx-vp9", "r") if path.suffix == ".webm" else None
        frames = [frame for packet in packets for frame in (decoder or packet.stream).decode(packet)]
        frame = frames[-1] if frames else next(iter(packets[0].stream.decode(None)))
        matrix = {"src_colorspace": frame.colorspace} if frame.format.name.startswith("yuv") else {}
        return frame.reformat(format="rgba", **matrix).to_ndarray()


@pytest.fixture
def write(tmp_path: Path, make_video: MakeVideo) -> Callable[..., Path]:
    """Writes the chart as the last of some frames."""

    def to(extension: str, alpha: bool) -> Path:
        target, picture = tmp_path / f"out{extension}", chart(alpha)
        photo = tmp_path / "photo.png"
        cv2.imwrite(str(photo), picture)
        count = 1 if extension in (".png", ".jpg") else 3
        with (
            open_source(photo if count == 1 else make_video()) as source,
            open_sink(target, source, alpha=alpha) as sink,
        ):
            for step in range(count - 1):
                sink.write(picture ^ np.uint8(step + 1), step / 25)
            sink.write(picture, 1.0)
        return target

    return to


@pytest.mark.parametrize("extension", [".mp4", ".mov", ".mkv", ".avi", ".webm", ".gif", ".png", ".jpg"])
def test_colors_come_back(write: Callable[..., Path], extension: str) -> None:
    result = cells_of(opaque_picture(write(extension, alpha=False)))
    assert np.abs(result - np.array(COLORS)).max() <= 2


@pytest.mark.parametrize("extension", [".mov", ".mkv", ".webm", ".webp", ".gif", ".png"])
def test_colors_and_alpha_come_back(write: Callable[..., Path], extension: str) -> None:
    result = cells_of(clear_picture(write(extension, alpha=True)))
    expected = cells_of(chart(alpha=True))
    if extension == ".gif":  # a pixel is there or not
        expected[:, 3] = 255 * (expected[:, 3] >= 128)
    np.testing.assert_allclose(result[:, 3], expected[:, 3], atol=2)
    seen = expected[:, 3] > 0
    np.testing.assert_allclose(result[seen, :3], expected[seen, :3], atol=2)


def test_an_animated_webp_without_alpha_keeps_colors(write: Callable[..., Path]) -> None:
    result = cells_of(clear_picture(write(".webp", alpha=False))[..., :3])
    assert np.abs(result - np.array(COLORS)).max() <= 2


@pytest.mark.parametrize("extension", [".mp4", ".mov", ".webm"])
@pytest.mark.parametrize("alpha", [False, True])
def test_matrix_and_range_are_said(write: Callable[..., Path], extension: str, alpha: bool) -> None:
    if extension == ".mp4" and alpha:
        pytest.skip("mp4 has no alpha")
    with av.open(str(write(extension, alpha))) as container:
        frame = next(container.decode(video=0))
    bt709, limited = 1, 1
    assert (frame.colorspace, frame.color_range) == (bt709, limited)


def test_transparent_webm_is_laid_over_white(write: Callable[..., Path]) -> None:
    result = cells_of(opaque_picture(write(".webm", alpha=True)))
    weight = np.tile(np.array(ALPHAS) / 255, len(COLORS) // COLUMNS)[:, None]
    np.testing.assert_allclose(result, weight * np.array(COLORS) + (1 - weight) * 255, atol=3)

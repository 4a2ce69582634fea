"""Contact sheet of an output."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.media.contact_sheet import ContactSheet
from dance_now.media.open_media import open_source
from dance_now.media.source import Source

MakeVideo = Callable[..., Path]


@pytest.fixture
def source(make_video: MakeVideo) -> Iterator[Source]:
    with open_source(make_video()) as opened:
        yield opened


def moments(path: Path, columns: int, rows: int) -> np.ndarray:
    """Brightness in the middle of each cell: (rows, columns)."""
    sheet = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert sheet is not None
    height, width = sheet.shape
    y = ((np.arange(rows) + 0.5) * height / rows).astype(int)
    x = ((np.arange(columns) + 0.5) * width / columns).astype(int)
    return sheet[np.ix_(y, x)].astype(int)


@pytest.mark.parametrize(
    ("count", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (12, 4, 3), (25, 4, 3), (240, 4, 3)]
)
def test_moments_are_spread_from_the_first_to_the_end(
    tmp_path: Path, source: Source, count: int, columns: int, rows: int
) -> None:
    sheet = ContactSheet(tmp_path / "out.mp4", source, overwrite=False)
    for step in range(count):
        sheet.add(np.full((72, 128, 3), round(240 * step / count), np.uint8))
    assert sheet.write() == tmp_path / "out_preview.jpg"
    shown = moments(sheet.path, columns, rows).ravel()
    assert shown[0] <= 2
    assert shown[-1] >= 240 * (1 - 1 / count) - 25
    steps = np.diff(shown)
    assert (steps > 0).all()
    assert steps.size == 0 or steps.max() <= 2 * steps.min() + 4


def test_large_upright_and_clear_frames_fit(tmp_path: Path, source: Source) -> None:
    sheet = ContactSheet(tmp_path / "out", source, overwrite=False)
    sheet.add(np.zeros((2000, 1000, 4), np.uint8))
    sheet.add(np.full((100, 200, 3), 9, np.uint8))
    stored = cv2.imread(str(sheet.write()))
    assert stored is not None
    assert max(stored.shape) < 800
    assert stored[180, 90].min() > 250  # clear is white
    assert (stored < 40).any()


def test_nothing_is_replaced_unasked(tmp_path: Path, source: Source) -> None:
    (tmp_path / "out_preview.jpg").write_text("precious")
    with pytest.raises(DanceNowError, match="Set overwrite to replace it"):
        ContactSheet(tmp_path / "out.mp4", source, overwrite=False)
    sheet = ContactSheet(tmp_path / "out.mp4", source, overwrite=True)
    sheet.add(np.zeros((8, 8, 3), np.uint8))
    sheet.write()
    assert cv2.imread(str(sheet.path)) is not None


def test_a_stream_has_no_sheet(source: Source) -> None:
    with pytest.raises(DanceNowError, match="Choose another output"):
        ContactSheet(Path("-"), source, overwrite=False)


def test_a_full_disk_leaves_nothing(tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_bytes(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sheet = ContactSheet(tmp_path / "out.mp4", source, overwrite=False)
    sheet.add(np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(DanceNowError, match="No space left"):
        sheet.write()
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]

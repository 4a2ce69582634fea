import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import open_sink, open_source

MakeVideo = Callable[..., Path]
Colors = Callable[..., np.ndarray]


@pytest.fixture
def photo(tmp_path: Path, colors: Colors) -> Path:
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), colors()[..., ::-1])
    return path


@pytest.mark.parametrize("extension", [".png", ".webp", ".jpg"])
def test_a_photo_keeps_its_colors(tmp_path: Path, photo: Path, colors: Colors, extension: str) -> None:
    target = tmp_path / f"out{extension}"
    with open_source(photo) as source, open_sink(target, source, alpha=False) as sink:
        sink.write(colors(), 0.0)
    with open_source(target) as result:
        image = next(result.frames()).image
    for y, x in ((12, 16), (12, 48), (36, 16), (36, 48)):
        np.testing.assert_allclose(image[y, x].astype(int), colors()[y, x], atol=3)


@pytest.mark.parametrize("extension", [".png", ".webp"])
def test_a_photo_keeps_straight_alpha(tmp_path: Path, photo: Path, extension: str) -> None:
    rgba = np.full((20, 30, 4), (200, 100, 50, 128), np.uint8)
    target = tmp_path / f"out{extension}"
    with open_source(photo) as source, open_sink(target, source, alpha=True) as sink:
        sink.write(rgba, 0.0)
    stored = cv2.imread(str(target), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    np.testing.assert_array_equal(cv2.cvtColor(stored, cv2.COLOR_BGRA2RGBA), rgba)


def test_a_folder_gets_numbered_frames(tmp_path: Path, make_video: MakeVideo) -> None:
    target = tmp_path / "frames"
    with open_source(make_video()) as source, open_sink(f"{target}/", source, alpha=True) as sink:
        for frame in source.frames():
            sink.write(np.dstack([frame.image, np.full(frame.image.shape[:2], 9, np.uint8)]), frame.time)
    assert sorted(path.name for path in target.iterdir()) == [f"{index:06d}.png" for index in range(10)]
    fourth = cv2.imread(str(target / "000003.png"), cv2.IMREAD_UNCHANGED)
    assert fourth is not None
    assert fourth[0, 0, 3] == 9


def test_overwriting_a_folder_replaces_all_frames(tmp_path: Path, photo: Path, colors: Colors) -> None:
    target = tmp_path / "frames"
    target.mkdir()
    for name in ("000000.png", "000007.png"):
        (target / name).write_text("old")
    with open_source(photo) as source, open_sink(target, source, alpha=False, overwrite=True) as sink:
        sink.write(colors(), 0.0)
    assert [path.name for path in target.iterdir()] == ["000000.png"]
    assert cv2.imread(str(target / "000000.png")) is not None


def test_a_folder_of_other_files_is_not_replaced(tmp_path: Path, photo: Path) -> None:
    target = tmp_path / "frames"
    target.mkdir()
    for name in ("000000.png", "notes.txt"):
        (target / name).write_text("old")
    with open_source(photo) as source, pytest.raises(DanceNowError, match=r"notes\.txt"):
        open_sink(target, source, alpha=False, overwrite=True)
    assert sorted(path.name for path in target.iterdir()) == ["000000.png", "notes.txt"]


def test_refusals_name_the_way_out(tmp_path: Path, photo: Path, make_video: MakeVideo) -> None:
    clip = make_video()
    (tmp_path / "there.mp4").write_text("precious")
    cases = [
        (clip, "there.mp4", False, "Set overwrite to replace it"),
        (clip, "clip.mp4", False, "input itself"),
        (clip, "./missing/out.mp4", False, "does not exist"),
        (clip, "out.mp4", True, r"\.mov, \.mkv, \.webm"),
        (photo, "out.jpg", True, r"\.png, .*\.webp"),
        (clip, "out.xyz", False, r"\.xyz files cannot be written"),
        (clip, "out.png", False, "folder"),
    ]
    for source_path, target, alpha, message in cases:
        with open_source(source_path) as source, pytest.raises(DanceNowError, match=message) as caught:
            open_sink(tmp_path / target, source, alpha)
        assert "\n" not in str(caught.value)
    assert (tmp_path / "there.mp4").read_text() == "precious"


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_the_input_is_refused_through_a_link_even_with_overwrite(
    tmp_path: Path, make_video: MakeVideo, link: Callable[[Path, Path], None]
) -> None:
    clip = make_video()
    before = clip.read_bytes()
    link(clip, tmp_path / "link.mp4")
    with open_source(clip) as source, pytest.raises(DanceNowError, match="input itself"):
        open_sink(tmp_path / "link.mp4", source, alpha=False, overwrite=True)
    with open_source(tmp_path / "link.mp4") as source, pytest.raises(DanceNowError, match="input itself"):
        open_sink(clip, source, alpha=False, overwrite=True)
    assert clip.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_refused(tmp_path: Path, photo: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with open_source(photo) as source, pytest.raises(DanceNowError, match="not writable"):
        open_sink(folder / "out.png", source, alpha=False)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "out.gif", "out.png", "frames"])
def test_an_interrupted_output_leaves_nothing(
    tmp_path: Path, photo: Path, colors: Colors, error: type[BaseException], name: str
) -> None:
    with open_source(photo) as source, pytest.raises(error):  # noqa: SIM117, PT012
        with open_sink(tmp_path / name, source, alpha=False) as sink:
            sink.write(colors(), 0.0)
            raise error
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_an_interrupted_overwrite_keeps_the_old_file(tmp_path: Path, photo: Path, colors: Colors) -> None:
    target = tmp_path / "out.mp4"
    target.write_text("precious")
    with open_source(photo) as source, pytest.raises(RuntimeError):  # noqa: SIM117, PT012
        with open_sink(target, source, alpha=False, overwrite=True) as sink:
            sink.write(colors(), 0.0)
            raise RuntimeError
    assert target.read_text() == "precious"


def test_writing_nothing_is_an_error(tmp_path: Path, photo: Path) -> None:
    with open_source(photo) as source, pytest.raises(DanceNowError, match="no frame"):  # noqa: SIM117
        with open_sink(tmp_path / "out.png", source, alpha=False):
            pass
    assert not (tmp_path / "out.png").exists()

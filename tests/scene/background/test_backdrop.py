from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.source import Source
from dance_now.scene.background.backdrop import FileBackdrop, crop_to_fill, open_backdrop

SCENE = np.random.default_rng(0).integers(0, 256, (36, 64, 3), np.uint8)


class Clip(Source):
    """A video of ``count`` frames at 10 a second; each has its own grey level."""

    def __init__(self, count: int, size: tuple[int, int] = (64, 36)) -> None:
        self.size, self.kind, self.path = size, "video", Path("clip.mp4")
        self.frame_rate, self.count, self.passes = Fraction(10), count, 0

    def frames(self) -> Generator[Frame]:
        """Every call begins again."""
        self.passes += 1
        for index in range(self.count):
            yield Frame(np.full((*self.size[::-1], 3), 10 * index, np.uint8), index / 10, index)


@pytest.mark.parametrize(
    ("text", "color"),
    [("white", (255, 255, 255)), ("Navy", (0, 0, 128)), ("#0a141E", (10, 20, 30))],
)
def test_a_color_fills_the_image(text: str, color: tuple[int, int, int]) -> None:
    backdrop = open_backdrop(text)
    picture = backdrop(SCENE, 0.0)
    assert picture.shape == SCENE.shape
    assert (picture == color).all()
    assert not backdrop.needs_scene


@pytest.mark.parametrize("text", ["#12345", "#gggggg", "#", "no_such_file.png", "bleu"])
def test_what_is_neither_color_nor_file_is_refused(text: str) -> None:
    with pytest.raises(DanceNowError, match=text):
        open_backdrop(text)


def test_blur_keeps_brightness_and_loses_detail() -> None:
    backdrop = open_backdrop("blur")
    assert backdrop.needs_scene
    blurred = backdrop(SCENE, 0.0)
    assert blurred.shape == SCENE.shape
    assert blurred.mean() == pytest.approx(SCENE.mean(), abs=2)
    assert blurred.std() < 0.3 * SCENE.std()
    assert not np.shares_memory(blurred, SCENE)


@pytest.mark.parametrize("size", [(64, 36), (100, 20), (20, 100), (7, 5)])
def test_an_image_is_cut_to_fill_around_its_middle(size: tuple[int, int], tmp_path: Path) -> None:
    width, height = size
    rows, columns = np.indices((height, width))
    image = np.dstack([rows * 255 // height, columns * 255 // width, 0 * rows]).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "wall.png"), image[..., ::-1])
    picture = open_backdrop(str(tmp_path / "wall.png"))(SCENE, 3.0)
    assert picture.shape == SCENE.shape
    middle = picture[18, 32, :2].astype(int)
    assert np.abs(middle - 127).max() <= 255 / min(size) + 3


def test_filling_keeps_proportions() -> None:
    image = np.zeros((300, 500, 3), np.uint8)
    cv2.circle(image, (250, 150), 100, (255, 255, 255), -1)
    disc = crop_to_fill(image, 200, 120)[..., 0] > 127
    assert abs(int(disc.any(axis=0).sum()) - min(120, int(disc.any(axis=1).sum()))) <= 2


@pytest.mark.parametrize(
    ("time", "level"), [(0.0, 0), (0.09, 0), (0.11, 10), (0.25, 20), (0.31, 0), (0.45, 10), (0.95, 0)]
)
def test_a_short_video_begins_again(time: float, level: int) -> None:
    backdrop = FileBackdrop(Clip(3))
    assert backdrop(SCENE, 0.0).max() == 0
    assert (backdrop(SCENE, time) == level).all()


def test_a_video_is_read_along_and_not_again_and_again() -> None:
    clip = Clip(21)
    backdrop = FileBackdrop(clip)
    shown = [int(backdrop(SCENE, step / 24)[0, 0, 0]) for step in range(48)]
    assert clip.passes == 1
    assert shown == [10 * int(step / 24 * 10 + 1e-9) for step in range(48)]
    assert (backdrop(SCENE, 0.0) == 0).all()
    assert clip.passes == 2


def test_what_is_drawn_on_a_backdrop_does_not_stay() -> None:
    backdrop = FileBackdrop(Clip(1))
    backdrop(SCENE, 0.0)[:] = 200
    assert (backdrop(SCENE, 0.5) == 0).all()
    assert (backdrop(SCENE, 7.0) == 0).all()

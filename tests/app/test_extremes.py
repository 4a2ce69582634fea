"""People, pictures and backgrounds of unusual sizes: a sensible result or one line; no source is touched."""

import numpy as np
import pytest
from fakes import (
    HEIGHT,
    PERSON,
    WIDTH,
    MagentaEstimator,
    RedCharacter,
    magenta,
    pictures,
    red,
    scenery,
    standing,
    with_person,
    write_photo,
    write_video,
)

from dance_now.app.dance import dance
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.detection import Detection, Person, PersonMask
from dance_now.pose.tracking.limb_hull import hull_mask


class PersonOf(MagentaEstimator):
    """A person of some height in pixels whose hips are at a place, seen where there is any magenta."""

    def __init__(self, height, mid_hip):
        super().__init__()
        self.pose = standing(mid_hip, height)

    def __call__(self, image):
        mask = magenta(image).astype(np.float32)
        if not mask.any():
            return ()
        return (Person(1, Detection(self.pose, PersonMask(mask, np.eye(2, 3, dtype=np.float32)))),)

    def picture(self):
        """The scenery with this person."""
        image = scenery()
        image[hull_mask(self.pose).alpha_in(*image.shape[:2]) > 0.5] = PERSON
        return image


def put(source, output, estimator, **options):
    """``dance`` with the fakes; the source must stay as it is."""
    before = source.read_bytes()
    result = dance(source, RedCharacter(), output, estimator=estimator, **options)
    assert source.read_bytes() == before
    return result


def test_a_person_of_20_pixels_is_replaced_at_that_size(tmp_path):
    small = PersonOf(20, (60, 72))
    photo = write_photo(tmp_path / "far.png", small.picture())
    put(photo, tmp_path / "out.png", small)
    (image,) = pictures(tmp_path / "out.png")
    rows, columns = np.nonzero(red(image))
    assert 10 <= np.ptp(rows) <= 30
    assert abs(columns.mean() - 60) < 8
    assert not magenta(image).any()


@pytest.mark.parametrize("count", [1, 3])
def test_a_person_who_fills_the_picture_is_replaced(tmp_path, count):
    near = PersonOf(900, (WIDTH / 2, HEIGHT / 2))
    folder = tmp_path / "shots"
    folder.mkdir()
    for number in range(count):
        write_photo(folder / f"{number}.png", np.full_like(scenery(), PERSON))
    source = folder if count > 1 else folder / "0.png"
    target = tmp_path / ("out" if count > 1 else "out.png")
    dance(source, RedCharacter(), target, estimator=near)
    assert len(pictures(target)) == count
    for image in pictures(target):
        assert image.shape == (HEIGHT, WIDTH, 3)
        assert red(image).mean() > 0.02


@pytest.mark.parametrize("extension", [".mp4", ".webm", ".mov", ".webp", ".gif"])
def test_odd_sizes_in_every_kind_of_video(tmp_path, extension):
    folder = tmp_path / "shots"
    folder.mkdir()
    for place in (60, 80):
        write_photo(folder / f"{place}.png", with_person(place)[:141, :155])
    target = tmp_path / f"out{extension}"
    dance(folder, RedCharacter(), target, estimator=MagentaEstimator())
    for image in pictures(target):
        assert image.shape[0] - 141 in (0, 1)
        assert image.shape[1] - 155 in (0, 1)
        assert red(image).any()


def test_a_background_photo_of_another_size(tmp_path):
    photo = write_photo(tmp_path / "me.png", with_person(96))
    beach = write_photo(tmp_path / "beach.png", np.full((33, 500, 3), (10, 200, 240), np.uint8))
    put(photo, tmp_path / "out.png", MagentaEstimator(), background=beach)
    (image,) = pictures(tmp_path / "out.png")
    assert image.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(image[5, 5].astype(int), (10, 200, 240), atol=2)
    assert red(image).any()


def test_a_background_video_that_is_shorter(tmp_path):
    video = write_video(tmp_path / "clip.mp4", [40, 60, 80, 100, 120])
    short = write_video(tmp_path / "short.mp4", [None, None])
    assert put(video, tmp_path / "out.mp4", MagentaEstimator(), background=short).frames == 5
    images = pictures(tmp_path / "out.mp4")
    np.testing.assert_allclose(images[4][5, 5].astype(int), scenery()[5, 5], atol=6)
    assert all(red(image).any() for image in images)


@pytest.mark.parametrize("link", ["itself", "symlink_to", "hardlink_to"])
def test_the_background_is_never_the_output(tmp_path, link):
    photo = write_photo(tmp_path / "me.png", with_person(96))
    beach = write_photo(tmp_path / "beach.png", scenery())
    before = beach.read_bytes()
    target = beach if link == "itself" else tmp_path / "other.png"
    if link != "itself":
        getattr(target, link)(beach)
    with pytest.raises(DanceNowError, match="the background itself"):
        put(photo, target, MagentaEstimator(), background=beach, overwrite=True)
    assert beach.read_bytes() == before


def test_a_damaged_background_is_one_line(tmp_path):
    photo = write_photo(tmp_path / "me.png", with_person(96))
    noise = tmp_path / "noise.png"
    noise.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    with pytest.raises(DanceNowError, match=r"noise\.png"):
        put(photo, tmp_path / "out.png", MagentaEstimator(), background=noise)
    assert not (tmp_path / "out.png").exists()

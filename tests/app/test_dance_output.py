"""Default paths of outputs."""

from pathlib import Path

import pytest
from fakes import scenery, with_person, write_photo, write_video

from dance_now.app.dance_output import default_output
from dance_now.media.open_media import open_source
from dance_now.scene.compositing.composition import Scene

MOVING = [40 + 11 * index for index in range(11)]


@pytest.fixture
def photo(tmp_path):
    return write_photo(tmp_path / "me.png", with_person(96))


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "clip.mp4", MOVING[:3])


@pytest.mark.parametrize(
    ("name", "scene", "expected"),
    [
        ("me.jpg", Scene.REPLACE, "me_red.jpg"),
        ("me.jpg", Scene.ALPHA, "me_red.png"),
        ("me.png", Scene.GREEN, "me_red.png"),
    ],
)
def test_outputs_are_named_after_source_and_character(tmp_path, name, scene, expected):
    with open_source(write_photo(tmp_path / name, scenery())) as source:
        assert default_output(source, "red", scene) == Path(expected)


@pytest.mark.parametrize(
    ("name", "scene", "expected"),
    [
        ("clip.mp4", Scene.REPLACE, "clip_red.mp4"),
        ("clip.mkv", Scene.REPLACE, "clip_red.mkv"),
        ("clip.avi", Scene.REPLACE, "clip_red.mp4"),
        ("clip.mkv", Scene.ALPHA, "clip_red.mov"),
        ("clip.jpg", Scene.GREEN, "clip_red.mp4"),  # a video by its content
        ("clip.tar.mp4", Scene.GREEN, "clip.tar_red.mp4"),
    ],
)
def test_outputs_of_videos_are_videos(video, name, scene, expected):
    with open_source(video.rename(video.with_name(name))) as source:
        assert default_output(source, "red", scene) == Path(expected)


def test_outputs_of_folders_and_globs_are_folders(photo, tmp_path):
    folder = tmp_path / "shots.jpg"
    folder.mkdir()
    photo.rename(folder / "1.png")
    for given in (folder, f"{folder}/*.png"):
        with open_source(given) as source:
            assert default_output(source, "red", Scene.REPLACE) == Path("shots.jpg_red")

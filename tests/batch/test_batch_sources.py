"""Which files a batch consists of, and where their results belong."""

import os
from pathlib import Path

import pytest
from fakes import with_person, write_photo, write_video

from dance_now.batch.batch_sources import clip_or_alone, list_sources
from dance_now.core.errors import DanceNowError, UsageError


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """clips/a.mp4, clips/night/b.mp4 and c.mp4, photos of two names, in the working folder."""
    for name in ("clips/a.mp4", "clips/night/b.mp4", "c.mp4", "clips/.hidden.mp4", "clips/night/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "shots").mkdir()
    write_photo(tmp_path / "shots" / "park.png", with_person(60))
    write_photo(tmp_path / "shots" / "gym.png", with_person(80)[:100])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def places(sources, **options):
    return {each.path: str(each.folder / each.name) for each in list_sources(sources, **options)}


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["clips/**/*.mp4"], {"clips/a.mp4": "a.mp4", "clips/night/b.mp4": "night/b.mp4"}),
        (["clips/a.mp4", "clips/night/b.mp4"], {"clips/a.mp4": "a.mp4", "clips/night/b.mp4": "night/b.mp4"}),
        (["c.mp4", "clips/*.mp4"], {"c.mp4": "c.mp4", "clips/a.mp4": "clips/a.mp4"}),
        (["clips/night/*.mp4"], {"clips/night/b.mp4": "b.mp4"}),
        (["c.mp4", "c.mp4", "*.mp4"], {"c.mp4": "c.mp4"}),
        (["c.mp4", "shots"], {"c.mp4": "c.mp4", "shots": "shots"}),
    ],
)
def test_places_below_what_sources_have_in_common(tree, sources, expected):
    assert places(sources) == expected
    absolute = [str(tree / source) for source in sources]
    assert sorted(places(absolute).values()) == sorted(expected.values())


def test_a_folder_of_photos_is_taken_apart_where_a_batch_is_asked_for(tree):
    assert places(["shots"], split_folders=True) == {"shots/gym.png": "gym.png", "shots/park.png": "park.png"}


def test_the_frames_of_a_clip_stay_together(tree):
    for number in range(3):
        write_photo(tree / "shots" / f"f{number}.png", with_person(60))
    (tree / "shots" / "park.png").unlink()
    (tree / "shots" / "gym.png").unlink()
    assert places(["shots"], split_folders=True) == {"shots": "shots"}


def test_a_list_names_files_globs_and_comments(tree):
    (tree / "list.txt").write_text("# two clips\n\n c.mp4 \nclips/night/*.mp4\n", encoding="utf-8-sig")
    assert places(["@list.txt"]) == {"c.mp4": "c.mp4", "clips/night/b.mp4": "clips/night/b.mp4"}


@pytest.mark.parametrize(
    ("content", "source", "message"),
    [
        (b"# nothing\n", "@list.txt", "list.txt lists no files"),
        (b"\xff\xfe\x00", "@list.txt", "not UTF-8"),
        (b"", "*.mov", r"No file matches \*.mov"),
    ],
)
def test_what_holds_no_files_is_refused(tree, content, source, message):
    (tree / "list.txt").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        list_sources([source])


def test_a_folder_without_pictures_is_refused(tree):
    (tree / "empty").mkdir()
    with pytest.raises(DanceNowError, match="empty holds no images"):
        list_sources(["empty"], split_folders=True)


def test_a_missing_list_is_named(tree):
    with pytest.raises(DanceNowError, match=r"nowhere\.txt does not exist"):
        list_sources(["@nowhere.txt"])


def test_urls_keep_their_folders():
    found = list_sources(["s3://bucket/day/a.mp4", "s3://bucket/day/two/b.mp4"])
    assert [str(each.folder / each.name) for each in found] == ["a.mp4", "two/b.mp4"]


@pytest.mark.parametrize("source", ["c.mp4", "shots", "shots/*.png", "nowhere.mp4"])
def test_one_source_needs_no_batch(tree, source):
    assert clip_or_alone([source], None) == source


@pytest.mark.parametrize(
    "sources", [["c.mp4", "clips/a.mp4"], ["clips/*.mp4"], ["@list.txt"], ["s3://b/a.mp4"]]
)
def test_several_sources_are_a_batch(tree, sources):
    assert clip_or_alone(sources, None) is None


def test_frames_that_a_shell_has_listed_are_one_clip(tree):
    frames = [write_photo(tree / f"f{number}.png", with_person(60)) for number in (2, 10, 1)]
    assert [path.name for path in clip_or_alone(frames, None)] == ["f1.png", "f2.png", "f10.png"]
    assert clip_or_alone(frames, False) is None


def test_a_name_that_begins_like_a_list_is_a_file(tree):
    write_video(tree / "@home.mp4", [50])
    assert [each.path for each in list_sources(["@home.mp4", "c.mp4"])] == ["@home.mp4", "c.mp4"]
    assert os.path.exists(Path("@home.mp4"))

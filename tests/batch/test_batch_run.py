"""Several sources, as a shell expands them."""

import shutil

import numpy as np
import pytest
from fakes import (
    MagentaEstimator,
    RedCharacter,
    pictures,
    red,
    scenery,
    with_person,
    write_photo,
    write_video,
)

from dance_now.app.dance import DanceResult
from dance_now.app.dance_jobs import list_jobs, run_jobs
from dance_now.app.dance_options import DanceOptions
from dance_now.core.errors import DanceNowError


@pytest.fixture
def desk(tmp_path):
    """Two photos of one name, another one, and a video."""
    write_photo(tmp_path / "park.png", with_person(60))
    write_photo(tmp_path / "park.jpg", with_person(80))
    write_photo(tmp_path / "gym.png", with_person(140)[:141, 20:])
    write_video(tmp_path / "clip.mp4", [50, 60, 70])
    return tmp_path


def run(sources, output, **options):
    chosen = DanceOptions(estimator=MagentaEstimator(), **options)
    jobs = list_jobs(sources, output, chosen)
    return {job.name: result for job, result in run_jobs(jobs, RedCharacter(), chosen)}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_source_is_a_file_of_its_name(desk):
    results = run([*desk.glob("*.*")], f"{desk}/out/")
    assert names(desk / "out") == ["clip.mp4", "gym.png", "park_jpg.png", "park_png.png"]
    assert all(isinstance(result, DanceResult) for result in results.values())
    (alone,) = pictures(desk / "gym.png")
    (image,) = pictures(desk / "out" / "gym.png")
    assert image.shape == alone.shape
    assert red(image).any()


def test_a_bad_source_stops_nothing(desk):
    write_photo(desk / "empty.png", scenery())
    (desk / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    results = run(
        [desk / name for name in ("broken.png", "empty.png", "gym.png", "nowhere.png")], desk / "out"
    )
    assert names(desk / "out") == ["gym.png"]
    failed = {name: str(result) for name, result in results.items() if isinstance(result, DanceNowError)}
    assert failed.keys() == {"broken", "empty", "nowhere"}
    assert "No person" in failed["empty"]
    assert "does not exist" in failed["nowhere"]


def test_a_folder_that_stays_empty_is_not_left(desk):
    write_photo(desk / "empty.png", scenery())
    run([desk / "empty.png", desk / "nowhere.png"], desk / "out")
    assert not (desk / "out").exists()


def test_frames_of_a_clip_are_one_clip(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, x in enumerate([50, 60, 70]):
        write_photo(folder / f"f{number}.png", with_person(x))
    frames = sorted(folder.iterdir(), reverse=True)
    run(frames, tmp_path / "out.mp4")
    columns = [np.nonzero(red(image))[1].mean() for image in pictures(tmp_path / "out.mp4")]
    assert columns == pytest.approx([50, 60, 70], abs=8)
    run(frames, tmp_path / "single", sequence=False)
    assert names(tmp_path / "single") == ["f0.png", "f1.png", "f2.png"]


def test_one_source_is_as_before(desk):
    run([desk / "gym.png"], desk / "made.jpg")
    assert (desk / "made.jpg").exists()
    with pytest.raises(DanceNowError, match="does not exist"):
        run([desk / "nowhere.png"], desk / "out.png")


def test_globs_that_no_shell_expanded(desk):
    shutil.copy(desk / "clip.mp4", desk / "second.mp4")
    run([f"{desk}/*.mp4"], desk / "out")
    assert names(desk / "out") == ["clip.mp4", "second.mp4"]
    assert len(list_jobs([f"{desk}/*.png"], desk / "out", DanceOptions())) == 1  # a folder of photos


@pytest.mark.parametrize(
    ("output", "options", "message"),
    [
        ("out.mp4", {}, "one file, there are 2 sources. Choose a folder"),
        ("-", {}, "one file"),
        ("out", {"poses": "keys"}, "poses belong to one source"),
    ],
)
def test_what_needs_one_source(desk, output, options, message):
    with pytest.raises(DanceNowError, match=message):
        list_jobs([desk / "gym.png", desk / "clip.mp4"], output, DanceOptions(**options))


def test_existing_files_are_kept_unless_told(desk):
    run([desk / "gym.png", desk / "clip.mp4"], desk / "out")
    (desk / "out" / "diary.txt").write_text("mine")
    results = run([desk / "gym.png", desk / "clip.mp4"], desk / "out")
    assert all("already exists" in str(result) for result in results.values())
    results = run([desk / "gym.png", desk / "clip.mp4"], desk / "out", overwrite=True)
    assert all(isinstance(result, DanceResult) for result in results.values())
    assert names(desk / "out") == ["clip.mp4", "diary.txt", "gym.png"]

"""A video of somebody becomes pictures with labels, and a character."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import BlindEstimator, MagentaEstimator, magenta, write_video

from dance_now.character.character import Character
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import PersonMask
from dance_now.pose.model.packed_mask import PackedMask
from dance_now.pose.model.pose import Pose
from dance_now.training.character_card import Rights, dataset_card
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.sources import video_dataset as video
from dance_now.training.sources.openpose_layout import read_openpose_layout
from dance_now.training.sources.video_dataset import extract_frames
from dance_now.training.train_character import train
from dance_now.training.train_config import PRESETS

PLACES = [50.0, 55, 60, 65, None, 75, 80, 85, 90, 95, 100, 105, None, 115]


def ignore(*told: object) -> None:
    """No report."""


@pytest.fixture
def finds_magenta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poses without networks."""
    monkeypatch.setattr(video, "PeopleFinder", lambda options: PeopleFinder(MagentaEstimator()))


@pytest.fixture
def frames(finds_magenta: None, tmp_path: Path) -> Path:
    """What a clip of a walking person becomes."""
    folder = tmp_path / "frames"
    extract_frames(write_video(tmp_path / "clip.mp4", PLACES), folder, ignore)
    return folder


def cut_out(frames: Path, split: str) -> list[Image]:
    """(512, 512, 4) RGBA pictures."""
    paths = sorted((frames / f"{split}_img").iterdir())
    found = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths]
    return [np.asarray(cv2.cvtColor(each, cv2.COLOR_BGRA2RGBA)) for each in found if each is not None]


def test_sharp_frames_with_a_person_are_used_and_the_last_tenth_is_held_out(frames: Path) -> None:
    used = [int(path.stem) for path in sorted((frames / "train_img").iterdir())]
    held_out = [int(path.stem) for path in sorted((frames / "test_img").iterdir())]
    assert len(used) >= 8
    assert all(PLACES[index] is not None for index in used + held_out)
    assert len(held_out) == 1
    assert max(used) < held_out[0]


def test_the_person_is_cut_out(frames: Path) -> None:
    for picture in cut_out(frames, "train"):
        shown = picture[..., 3] > 127
        person = magenta(picture[..., :3]) & (picture[..., 3] > 0)
        assert (shown & person).sum() / (shown | person).sum() > 0.9
        assert 0.02 < shown.mean() < 0.5


def test_labels_lie_on_their_pictures(frames: Path) -> None:
    findings = read_openpose_layout(frames)
    assert not findings.skipped
    for each in findings.pictures:
        picture = each.picture()
        assert picture is not None
        x, y = each.pose.body[[1, 8, 10, 13], :2].round().astype(int).T
        assert (picture[y, x, 3] > 127).all()
        assert each.pose.has_depth.any()


def test_a_video_without_a_person_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "PeopleFinder", lambda options: PeopleFinder(BlindEstimator()))
    clip = write_video(tmp_path / "clip.mp4", PLACES)
    with pytest.raises(DanceNowError, match=r"shows a whole person.*in 0 frames"):
        extract_frames(clip, tmp_path / "frames", ignore)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_too_short_a_video_is_refused(finds_magenta: None, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", PLACES[:4])
    with pytest.raises(DanceNowError, match=r"at least 8 sharp ones are needed"):
        extract_frames(clip, tmp_path / "frames", ignore)
    assert not (tmp_path / "frames").exists()


def test_the_body_trains_from_a_video(finds_magenta: None, tmp_path: Path) -> None:
    clip, output = write_video(tmp_path / "clip.mp4", PLACES), tmp_path / "walker.dance"
    config = replace(PRESETS["debug"], steps=2)
    train(clip, output, config, rights=Rights("CC0", "me"), stage="body", report=ignore)
    run = tmp_path / "walker.run"
    assert (run / "checkpoint.pt").exists()
    assert len(LabelledPictures(run / "dataset", "test")) == 1
    assert dataset_card(run / "dataset", "walker", Rights()).provenance["avatar"]["name"] == "clip.mp4"


@pytest.mark.parametrize("count", [3, 8, 9, 17, 100])
def test_of_long_videos_frames_are_kept_evenly(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "MOST_FRAMES", 4)
    monkeypatch.setattr(video, "_STRETCH", 5)
    thinned = video._FrameSampler(1 / 30)
    mask = PackedMask.of(PersonMask(np.zeros((4, 4), np.float32), np.eye(2, 3, dtype=np.float32)))
    for index in range(count):
        thinned.add(video._UsableFrame(index, Pose.empty(), mask, 100.0, 1.0))
        assert len(thinned.frames) <= 8
    thinned.finish()
    kept = np.array([frame.index for frame in thinned.frames])
    assert len(kept) >= min(count, 4)
    steps = np.diff(kept)
    assert (steps == steps[0]).all()
    assert kept[0] == 0
    assert count - kept[-1] <= steps[0]  # the last tenth of them is the last tenth of all


@pytest.mark.slow
def test_a_video_becomes_a_character(data_dir: Path, tmp_path: Path) -> None:
    output = tmp_path / "juggler.dance"
    clip = data_dir / "people" / "sam2_juggle.mp4"
    result = train(clip, output, PRESETS["debug"], rights=Rights("CC0", "me"), report=ignore)
    assert result is not None
    assert result.pictures >= 20  # the last tenth
    assert result.iou > 0.3  # after twelve steps
    assert Character.load(output).card.licence == "CC0"

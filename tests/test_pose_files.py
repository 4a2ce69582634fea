"""OpenPose JSON out of photos and videos."""

import json
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from dance_now.errors import DanceNowError
from dance_now.media.opening import open_source
from dance_now.pose.estimator import Detection, PersonMask
from dance_now.pose.pose import Pose
from dance_now.pose_files import openpose_json, write_poses

WIDTH, HEIGHT = 96, 64


def standing() -> Pose:
    points = np.zeros((137, 3), np.float32)
    points[[1, 8]] = [[48, 16, 1], [48, 40, 0.9]]
    return Pose(points)


class Every:
    """An estimator that sees the same person in every ``step``-th frame."""

    def __init__(self, step: int = 1) -> None:
        self.step, self.calls = step, 0

    def __call__(self, image):
        self.calls += 1
        if (self.calls - 1) % self.step:
            return None
        return Detection(standing(), PersonMask(np.ones((4, 4), np.float32), np.eye(2, 3, dtype=np.float32)))

    def reset(self) -> None:
        self.calls = 0


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for level in range(4):
            image = np.full((HEIGHT, WIDTH, 3), 40 * level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "me.png"
    cv2.imwrite(str(path), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    return path


def test_a_video_gives_one_file_a_frame(video, tmp_path):
    told = []
    result = write_poses(
        video, tmp_path / "out", estimator=Every(2), progress=lambda *step: told.append(step)
    )
    names = [path.name for path in sorted((tmp_path / "out").iterdir())]
    assert names == [f"clip_{index:012d}_keypoints.json" for index in range(4)]
    assert (result.frames, result.missed, result.skipped, result.overlay) == (4, 2, 0, None)
    assert told == [("poses", index + 1, 4) for index in range(4)]


def test_files_read_back_as_the_pose_or_as_nobody(video, tmp_path):
    write_poses(video, tmp_path / "out", estimator=Every(2))
    first, second = (json.loads(path.read_text()) for path in sorted((tmp_path / "out").iterdir())[:2])
    assert first["version"] == 1.3
    np.testing.assert_allclose(Pose.from_openpose(first["people"][0]).points, standing().points, atol=1e-3)
    assert second["people"] == []


def test_an_overlay_of_a_video_is_a_video_of_its_size(video, tmp_path):
    result = write_poses(video, tmp_path / "out", overlay=True, estimator=Every())
    assert result.overlay == tmp_path / "out" / "clip_pose.mp4"
    with open_source(result.overlay) as drawn:
        images = [frame.image for frame in drawn.frames()]
    assert drawn.size == (WIDTH, HEIGHT)
    assert len(images) == 4
    assert images[0][28, 48].max() > 100  # the trunk, on black
    assert images[0][28, 10].max() < 40


def test_a_photo_gives_one_file_and_a_picture(photo, tmp_path):
    result = write_poses(photo, tmp_path / "out", overlay=True, estimator=Every())
    assert sorted(path.name for path in result.folder.iterdir()) == ["me_keypoints.json", "me_pose.png"]


def test_the_folder_is_named_after_the_source(photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert write_poses(photo, estimator=Every()).folder == Path("me_pose")


def test_a_filled_folder_is_kept_unless_told_otherwise(video, photo, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "diary.txt").write_text("mine")
    with pytest.raises(DanceNowError, match="--overwrite"):
        write_poses(photo, folder, estimator=Every())
    write_poses(photo, folder, overwrite=True, overlay=True, estimator=Every())
    write_poses(photo, folder, overwrite=True, overlay=True, estimator=Every())
    assert sorted(path.name for path in folder.iterdir()) == ["diary.txt", "me_keypoints.json", "me_pose.png"]


def test_a_failure_leaves_nothing_behind(video, tmp_path):
    class Breaking(Every):
        def __call__(self, image):
            if self.calls == 2:
                raise DanceNowError("enough")
            return super().__call__(image)

    with pytest.raises(DanceNowError, match="enough"):
        write_poses(video, tmp_path / "out", overlay=True, estimator=Breaking())
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("taken", ["clip.mp4", "other.txt"])
def test_a_file_is_no_folder(video, tmp_path, taken):
    (tmp_path / "other.txt").write_text("mine")
    with pytest.raises(DanceNowError, match="is a file"):
        write_poses(video, tmp_path / taken, overwrite=True, estimator=Every())


def test_nobody_is_an_empty_list_of_people():
    assert json.loads(openpose_json(None)) == {"version": 1.3, "people": []}

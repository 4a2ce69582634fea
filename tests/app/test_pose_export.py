"""OpenPose JSON, tables and motions out of photos and videos."""

import csv
import json
import socket
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from fakes import standing as person_at

from dance_now.app.pose_export import openpose_json, write_poses
from dance_now.core.errors import DanceNowError
from dance_now.formats3d.gltf import read_gltf
from dance_now.formats3d.motion.bvh_reader import read_bvh
from dance_now.formats3d.motion.gltf_animation import read_gltf_motions
from dance_now.formats3d.motion.motion_joints import JOINT_NAMES
from dance_now.media.open_media import open_source
from dance_now.pose.formats.openpose_files import OpenPoseFiles
from dance_now.pose.model.detection import Detection, Person, PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.limb_hull import hull_mask

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
            return ()
        mask = PersonMask(np.ones((4, 4), np.float32), np.eye(2, 3, dtype=np.float32))
        return (Person(1, Detection(standing(), mask)),)

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


class Two:
    """Sees two people who move apart; the second from the second frame on."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        poses = [person_at((30.0 - self.calls, 30.0), 40.0), person_at((60.0 + self.calls, 30.0), 40.0)]
        people = [Person(place + 1, Detection(pose, hull_mask(pose))) for place, pose in enumerate(poses)]
        return tuple(people[: self.calls])

    def reset(self) -> None:
        self.calls = 0


def test_everybody_is_in_the_file_under_their_number(video, tmp_path):
    result = write_poses(video, tmp_path / "out", overlay=True, estimator=Two())
    assert (result.missed, result.people) == (0, 2)
    files = [json.loads(path.read_text()) for path in sorted((tmp_path / "out").glob("*.json"))]
    numbers = [[person["person_id"] for person in file["people"]] for file in files]
    assert numbers == [[[1]], *[[[1], [2]]] * 3]
    poses = OpenPoseFiles(tmp_path / "out", (WIDTH, HEIGHT))
    assert [each.person_id for each in poses.people(2)] == [1, 2]


def test_a_table_has_a_row_for_each_person_in_each_frame(video, tmp_path):
    write_poses(video, tmp_path / "out", csv=True, estimator=Two())
    with (tmp_path / "out" / "clip_pose.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["frame"], row["person_id"]) for row in rows] == [
        *[("0", "1"), ("1", "1"), ("1", "2"), ("2", "1")],
        *[("2", "2"), ("3", "1"), ("3", "2")],
    ]
    assert float(rows[2]["time"]) == pytest.approx(0.1)
    pose = person_at((62.0, 30.0), 40.0)
    assert float(rows[2]["left_wrist_x"]) == pytest.approx(pose.body[7, 0], abs=0.01)
    assert float(rows[2]["left_wrist_depth"]) == pytest.approx(pose.depth[7], abs=0.01)


def test_each_persons_motion_is_a_file_that_reads_back(video, tmp_path):
    write_poses(video, tmp_path / "out", bvh=True, estimator=Two())
    motions = [read_bvh(tmp_path / "out" / f"clip_{number}.bvh") for number in (1, 2)]
    assert [len(motion.channels) for motion in motions] == [4, 4]
    assert motions[0].frame_time == pytest.approx(0.1)
    across = [motion.channels[-1, 0] - motion.channels[0, 0] for motion in motions]
    assert across[0] < -0.04 < 0.04 < across[1]


def test_vrma_holds_the_same_motion_as_bvh(video, tmp_path):
    write_poses(video, tmp_path / "out", bvh=True, vrma=True, estimator=Two())
    bvh = read_bvh(tmp_path / "out" / "clip_1.bvh")
    _, wanted = bvh.world(bvh.channels)
    (tracks,) = read_gltf_motions(tmp_path / "out" / "clip_1.vrma")
    assert tracks.zero_is_reference
    assert set(tracks.joints) == set(JOINT_NAMES)
    found = tracks.positions[1::3]  # 30 frames a second of a clip of 10
    assert len(found) == len(wanted)
    for joint, column in tracks.joints.items():
        place = bvh.names.index(joint[0].upper() + joint[1:])
        assert found[:, column] == pytest.approx(wanted[:, place], abs=2e-4)
    extension = read_gltf(tmp_path / "out" / "clip_1.vrma").extensions["VRMC_vrm_animation"]
    assert extension["specVersion"] == "1.0"
    assert {"leftThumbMetacarpal", "rightIndexDistal"} <= extension["humanoid"]["humanBones"].keys()
    assert {"aa", "blinkLeft"} <= extension["expressions"]["preset"].keys()


def test_the_first_persons_motion_is_sent_as_it_plays(video, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        begun = time.monotonic()
        write_poses(video, tmp_path / "out", vmc=str(receiver.getsockname()[1]), estimator=Two())
        assert time.monotonic() - begun >= 0.3  # four frames of a clip of 10 a second
        heard = [receiver.recv(65536) for _ in range(4)]
    assert all(packet.startswith(b"#bundle") and b"LeftUpperArm" in packet for packet in heard)
    assert len(list((tmp_path / "out").glob("*.json"))) == 4


def test_an_unknown_vmc_host_leaves_nothing_behind(video, tmp_path):
    with pytest.raises(DanceNowError, match="cannot be reached"):
        write_poses(video, tmp_path / "out", vmc="no.such.host.invalid", estimator=Two())
    assert not (tmp_path / "out").exists()


def test_a_photo_has_a_motion_of_one_frame(photo, tmp_path):
    write_poses(photo, tmp_path / "out", bvh=True, csv=True, estimator=Two())
    assert len(read_bvh(tmp_path / "out" / "me_1.bvh").channels) == 1


def test_a_photo_gives_one_file_and_a_picture(photo, tmp_path):
    result = write_poses(photo, tmp_path / "out", overlay=True, estimator=Every())
    assert sorted(path.name for path in result.folder.iterdir()) == ["me_keypoints.json", "me_pose.png"]


def test_photos_keep_their_names(photo, tmp_path):
    shots = tmp_path / "shots"
    shots.mkdir()
    for name in ("park", "gym"):
        (shots / f"{name}.png").write_bytes(photo.read_bytes())
    result = write_poses(shots, tmp_path / "out", overlay=True, estimator=Every())
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "gym_keypoints.json",
        "park_keypoints.json",
        "shots_pose",
    ]
    assert sorted(path.name for path in (result.folder / "shots_pose").iterdir()) == ["gym.png", "park.png"]
    with pytest.raises(DanceNowError, match="set sequence"):
        write_poses(shots, tmp_path / "bvh", bvh=True, estimator=Every())


def test_the_folder_is_named_after_the_source(photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert write_poses(photo, estimator=Every()).folder == Path("me_pose")


def test_a_filled_folder_is_kept_unless_told_otherwise(video, photo, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "diary.txt").write_text("mine")
    with pytest.raises(DanceNowError, match="Set overwrite"):
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
    assert json.loads(openpose_json(())) == {"version": 1.3, "people": []}


# Formats of other programs


class Walker(Every):
    """An estimator that sees a whole person, farther to the right in every frame."""

    def __call__(self, image):
        self.calls += 1
        pose = person_at((30 + 5 * self.calls, 30), 50, has_depth=False)
        return (Person(3, Detection(pose, hull_mask(pose))),)


@pytest.mark.parametrize(
    ("name", "written", "rows"),
    [
        ("comfyui", "clip_comfyui.json", [*range(8), *range(9, 19), *range(25, 137)]),
        ("coco-wholebody", "clip_coco_wholebody.json", [0, *range(2, 8), *range(9, 93), *range(95, 137)]),
    ],
)
def test_other_formats_read_back(video, tmp_path, name, written, rows):
    result = write_poses(video, tmp_path / "out", format=name, csv=True, estimator=Walker())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([written, "clip_pose.csv"])
    files = OpenPoseFiles(tmp_path / "out" / written)
    assert (len(files), files.size, result.frames) == (4, (WIDTH, HEIGHT), 4)
    for frame in range(4):
        (person,) = files.people(frame)
        expected = person_at((35 + 5 * frame, 30), 50, has_depth=False).points
        np.testing.assert_allclose(person.pose.points[rows], expected[rows], atol=1e-3)


def test_coco_annotations_are_what_cocos_tools_need(video, tmp_path):
    write_poses(video, tmp_path / "out", format="coco-wholebody", estimator=Walker())
    content = json.loads((tmp_path / "out" / "clip_coco_wholebody.json").read_text())
    assert [image["id"] for image in content["images"]] == [1, 2, 3, 4]
    assert content["images"][0] | {"file_name": ""} == {"id": 1, "file_name": "", "width": 96, "height": 64}
    assert content["categories"][0]["id"] == 1
    entry = content["annotations"][1]
    assert (entry["id"], entry["image_id"], entry["category_id"], entry["track_id"]) == (2, 2, 1, 3)
    lengths = {"keypoints": 51, "foot_kpts": 18, "face_kpts": 204, "lefthand_kpts": 63, "righthand_kpts": 63}
    assert {key: len(entry[key]) for key in lengths} == lengths
    assert entry["num_keypoints"] == 17
    assert len(entry["bbox"]) == 4
    assert entry["area"] == pytest.approx(entry["bbox"][2] * entry["bbox"][3], rel=1e-3)


def test_frames_without_people_in_other_formats(video, tmp_path):
    for name in ("comfyui", "coco-wholebody"):
        result = write_poses(video, tmp_path / name, format=name, estimator=Every(10))
        assert result.missed == 3
        (path,) = (tmp_path / name).iterdir()
        assert len(OpenPoseFiles(path)) == 4


def test_single_photos_get_a_comfyui_file_each(photo, tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    for name, size in (("park", (64, 96)), ("gym", (80, 80))):
        cv2.imwrite(str(folder / f"{name}.png"), np.zeros((*size, 3), np.uint8))
    write_poses(folder, tmp_path / "out", format="comfyui", estimator=Walker())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "gym_comfyui.json",
        "park_comfyui.json",
    ]
    assert OpenPoseFiles(tmp_path / "out" / "park_comfyui.json").size == (96, 64)


def test_an_unknown_format_is_refused(video, tmp_path):
    with pytest.raises(DanceNowError, match="format must be openpose, coco-wholebody or comfyui"):
        write_poses(video, tmp_path / "out", format="bvh", estimator=Every())

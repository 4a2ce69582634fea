"""Keypoints out of files and folders that OpenPose has written: frames, people, units and sizes."""

import numpy as np
import pytest
from openpose_writing import clip, person, write

from dance_now.core.errors import DanceNowError
from dance_now.pose.formats.keypoint_units import Units
from dance_now.pose.formats.openpose_files import OpenPoseFiles, is_keypoints

# Which file is which frame


def test_a_folder_counts_from_its_lowest_number_and_gaps_are_empty(tmp_path):
    files = OpenPoseFiles(clip(tmp_path, 9, 10, 12))
    assert len(files) == 4
    lefts = [[each.pose.points[0, 0] for each in files.people(frame)] for frame in range(6)]
    assert lefts == [[9], [10], [], [12], [], []]


def test_frames_can_be_left_out_at_the_beginning(tmp_path):
    files = OpenPoseFiles(clip(tmp_path, 0, 1, 2, 3), first=2)
    assert len(files) == 2
    assert files.people(0)[0].pose.points[0, 0] == 2


@pytest.mark.parametrize(
    "names",
    [
        ("shot2_keypoints", "shot10_keypoints", "shot10b_keypoints"),
        ("ann_keypoints", "bob_keypoints", "carl_keypoints"),
        ("a_01_keypoints", "a_05_keypoints", "b_02_keypoints"),
    ],
)
def test_names_that_are_no_clip_follow_each_other(tmp_path, names):
    for place, name in enumerate(names):
        write(tmp_path / f"{name}.json", person(left=place))
    files = OpenPoseFiles(tmp_path)
    assert len(files) == 3
    assert [files.people(frame)[0].pose.points[0, 0] for frame in range(3)] == [0, 1, 2]


def test_other_files_in_the_folder_do_not_count(tmp_path):
    clip(tmp_path, 0, 1)
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / ".hidden_keypoints.json").write_text("{}")
    (tmp_path / "clip_pose.mp4").write_bytes(b"0")
    assert len(OpenPoseFiles(tmp_path)) == 2


def test_names_for_outputs(tmp_path):
    assert OpenPoseFiles(clip(tmp_path / "walk_pose", 3)).name == "walk_pose"
    assert OpenPoseFiles(write(tmp_path / "me_keypoints.json", person())).name == "me"


def test_which_sources_are_keypoints(tmp_path):
    clip(tmp_path / "clip", 0)
    (tmp_path / "clip" / "overlay.png").write_bytes(b"0")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"0")
    (tmp_path / "pictures" / "dataset.json").write_text("{}")
    (tmp_path / "plain").mkdir()
    write(tmp_path / "plain" / "1.json", person())
    found = {name: is_keypoints(tmp_path / name) for name in ("clip", "pictures", "plain", "a.json", "a.mp4")}
    assert found == {"clip": True, "pictures": False, "plain": True, "a.json": True, "a.mp4": False}


# Units and size


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ((100, 50, 200, 600), (1280, 720)),
        ((100, 50, 200, 900), (720, 1280)),
        ((100, 50, 1700, 900), (1920, 1080)),
        ((100, 50, 200, 1800), (1080, 1920)),
        ((0, 0, 5000, 1000), (5250, 1050)),
    ],
)
def test_a_common_size_that_holds_the_points(tmp_path, box, size):
    assert OpenPoseFiles(write(tmp_path / "a.json", person(*box))).size == size


def test_a_given_size_is_kept(tmp_path):
    assert OpenPoseFiles(write(tmp_path / "a.json", person()), size=(640, 480)).size == (640, 480)


@pytest.mark.parametrize(
    ("box", "units", "corner"),
    [
        ((0.25, 0.5, 0.5, 0.4), Units.NORMALIZED, (160, 240)),
        ((-0.5, 0.0, 1.2, 0.9), Units.SIGNED_NORMALIZED, (160, 240)),
    ],
)
def test_shares_of_the_image_become_pixels(tmp_path, box, units, corner):
    files = OpenPoseFiles(write(tmp_path / "a.json", person(*box)), size=(640, 480))
    assert files.units is units
    (each,) = files.people(0)
    np.testing.assert_allclose(each.pose.points[0], [*corner, 0.9], rtol=1e-5)
    assert not each.pose.points[1].any()


def test_missing_points_tell_coordinates_from_minus_one_to_one(tmp_path):
    lower_right = person(0.5, 0.5, 0.4, 0.4)  # alone it would pass for 0 to 1
    values = np.array(lower_right["pose_keypoints_2d"]).reshape(-1, 3)
    values[values[:, 2] == 0] = -1, -1, 0
    files = OpenPoseFiles(
        write(tmp_path / "a.json", {"pose_keypoints_2d": values.ravel().tolist()}), (400, 400)
    )
    assert files.units is Units.SIGNED_NORMALIZED
    assert files.people(0)[0].pose.points[0, 0] == pytest.approx(300)


@pytest.mark.parametrize(
    ("units", "left"), [(None, 200), (Units.SIGNED_NORMALIZED, 300), (Units.PIXELS, 0.5)]
)
def test_units_that_are_told_count_more_than_looks(tmp_path, units, left):
    write(tmp_path / "a.json", person(0.5, 0.5, 0.4, 0.4))
    files = OpenPoseFiles(tmp_path / "a.json", size=(400, 400), units=units)
    assert files.people(0)[0].pose.points[0, 0] == pytest.approx(left)


def test_one_unit_serves_the_whole_folder(tmp_path):
    write(tmp_path / "a_0_keypoints.json", person(-0.9, -0.9, 0.5, 0.5))
    write(tmp_path / "a_1_keypoints.json", person(0.5, 0.5, 0.5, 0.5))  # alone it would pass for 0 to 1
    files = OpenPoseFiles(tmp_path, size=(400, 400))
    assert files.people(1)[0].pose.points[0, 0] == pytest.approx(300)


# Who is who, and what is refused


@pytest.mark.parametrize(
    ("frames", "numbers"),
    [
        ([(4, 7), (7, 4)], [[4, 7], [7, 4]]),
        ([(2,), (2,)], [[2], [2]]),
        ([(0, 1), (0, 1)], [[None, None]] * 2),  # just the places in the list
        ([(4, 4), (7, 4)], [[None, None]] * 2),
        ([(-1, -1), (7, 4)], [[None, None]] * 2),
    ],
)
def test_person_id_counts_where_it_tells_people_apart(tmp_path, frames, numbers):
    for frame, ids in enumerate(frames):
        people = [person(left=50 * each) | {"person_id": [each]} for each in ids]
        write(tmp_path / f"a_{frame}_keypoints.json", *people)
    files = OpenPoseFiles(tmp_path)
    assert [[each.person_id for each in files.people(frame)] for frame in range(2)] == numbers


@pytest.mark.parametrize("name", ["nowhere", "nowhere.json"])
def test_what_is_missing_is_refused(tmp_path, name):
    with pytest.raises(DanceNowError, match="does not exist"):
        OpenPoseFiles(tmp_path / name)


def test_a_folder_without_keypoints_is_refused(tmp_path):
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(DanceNowError, match="holds no OpenPose JSON"):
        OpenPoseFiles(tmp_path)


def test_numbers_that_are_dates_do_not_make_a_clip_of_a_million_frames(tmp_path):
    with pytest.raises(DanceNowError, match="span more than"):
        OpenPoseFiles(clip(tmp_path, 5, 20261122))

"""Keypoints out of OpenPose JSON: what is read, chosen, scaled, and refused in one line."""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.errors import DanceNowError
from dance_now.pose.openpose_files import (
    LARGEST_FILE,
    OpenPoseFiles,
    Units,
    is_keypoints,
    prominent,
    read_people,
)
from dance_now.pose.pose import Pose


def person(left: float = 100, top: float = 50, width: float = 200, height: float = 600) -> dict:
    """A body whose box is given; one point in three is missing."""
    points = np.zeros((25, 3))
    points[:, 0] = left + width * np.linspace(0, 1, 25)
    points[:, 1] = top + height * np.linspace(0, 1, 25)
    points[:, 2] = 0.9
    points[1::3] = 0
    return {"pose_keypoints_2d": points.ravel().tolist()}


def write(path: Path, *people: dict, version: float = 1.3) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"version": version, "people": list(people)}))
    return path


def clip(folder: Path, *numbers: int) -> Path:
    """One file a number, whose person stands at the number."""
    for number in numbers:
        write(folder / f"clip_{number:012d}_keypoints.json", person(left=number))
    return folder


# What is read


@pytest.mark.parametrize("suffix", ["_2d", ""])
def test_versions_from_1_0_on_are_read(tmp_path, suffix):
    hand = [value for point in range(21) for value in (point, 10 + point, 0.5)]
    old = {f"pose_keypoints{suffix}": person()["pose_keypoints_2d"], f"hand_left_keypoints{suffix}": hand}
    (pose,) = read_people(write(tmp_path / "a.json", old))
    assert pose.visible[:25].sum() == 17
    np.testing.assert_allclose(pose.left_hand[3], [3, 13, 0.5])


@pytest.mark.parametrize("absent", [None, []])
def test_a_body_alone_has_no_hands_and_no_face(tmp_path, absent):
    given_parts = person() | {"face_keypoints_2d": absent, "hand_left_keypoints_2d": absent}
    (pose,) = read_people(write(tmp_path / "a.json", given_parts))
    assert not pose.visible[25:].any()
    assert pose.visible[0]


def test_nobody_is_no_error(tmp_path):
    assert read_people(write(tmp_path / "a.json")) == []
    assert read_people(write(tmp_path / "b.json", {"pose_keypoints_2d": [0] * 75})) == []


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e39", "1e308", "2e6"])
def test_what_is_no_coordinate_is_a_missing_point(tmp_path, value):
    text = json.dumps({"people": [person()]}).replace("[100.0,", f"[{value},", 1)
    path = tmp_path / "a.json"
    path.write_text(text)
    (pose,) = read_people(path)
    assert not pose.visible[0]
    assert pose.visible[2]


def test_byte_order_marks_are_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps({"people": [person()]}).encode("utf-8-sig"))
    assert len(read_people(path)) == 1


def test_a_written_pose_reads_back(tmp_path):
    rng = np.random.default_rng(3)
    points = np.column_stack([rng.uniform(0, 700, (137, 2)), rng.uniform(0.1, 1, 137)])
    points[5:9] = 0
    pose = Pose(points, rng.normal(size=137), np.ones(137, bool))
    (back,) = read_people(write(tmp_path / "a.json", pose.to_openpose()))
    np.testing.assert_allclose(back.points, pose.points, atol=1e-3)
    np.testing.assert_allclose(back.depth, pose.depth, atol=1e-3)


# What is refused


def _nested(depth: int) -> bytes:
    return b'{"people":' * depth + b"[]" + b"}" * depth


def _one(**parts: object) -> bytes:
    return json.dumps({"people": [parts]}).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b'{"people": [{"pose_keypoints_2d": [1, 2', "damaged or no JSON"),
        (b"\x89PNG\r\n\x1a\n\0\0", "damaged or no JSON"),
        (b"\xff\xfe\x00", "damaged or no JSON"),
        (_nested(100_000), "damaged or no JSON"),
        (b'{"people": ' + b"9" * 5000 + b"}", "damaged or no JSON"),
        (b"[1, 2, 3]", 'no "people"'),
        (b'{"version": 1.3}', 'no "people"'),
        (b'{"people": {"a": 1}}', "list of objects"),
        (b'{"people": [1, 2]}', "list of objects"),
        (b'{"people": null}', "list of objects"),
        (_one(pose_keypoints_2d=[1, 2, 3]), "75 numbers, found 3"),
        (_one(pose_keypoints_2d=[0.5] * 54), "75 numbers, found 54"),
        (_one(pose_keypoints_2d="abc"), "75 numbers, found str"),
        (_one(pose_keypoints_2d={"x": 1}), "75 numbers, found dict"),
        (_one(pose_keypoints_2d=["x"] * 75), "not a number"),
        (_one(pose_keypoints_2d=[[1]] * 75), "not a number"),
        (_one(pose_keypoints_2d=[None] * 75), "not a number"),
        (_one(pose_keypoints_2d=[10**400] * 75), "not a number"),
        (_one(**person(), depth=[1, 2]), "137 numbers, found 2"),
        (b'{"people": [' + b",".join([b"{}"] * 201) + b"]}", "at most 200"),
        (b" " * LARGEST_FILE + b"{}", "larger than 16 MB"),
    ],
)
def test_a_malformed_file_is_one_line_that_names_it(tmp_path, content, message):
    path = tmp_path / "a_keypoints.json"
    path.write_bytes(content)
    with pytest.raises(DanceNowError, match=message) as caught:
        OpenPoseFiles(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 400


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


@given(
    st.binary(max_size=200) | st.text(max_size=60).map(lambda text: json.dumps({"people": [text]}).encode())
)
@settings(max_examples=60, deadline=None)
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "a.json"
    path.write_bytes(content)
    with suppress(DanceNowError):
        assert all(np.isfinite(pose.points).all() for pose in read_people(path))


# Which file is which frame


def test_a_folder_counts_from_its_lowest_number_and_gaps_are_empty(tmp_path):
    files = OpenPoseFiles(clip(tmp_path, 9, 10, 12))
    assert len(files) == 4
    lefts = [[pose.points[0, 0] for pose in files.people(frame)] for frame in range(6)]
    assert lefts == [[9], [10], [], [12], [], []]


def test_frames_can_be_left_out_at_the_beginning(tmp_path):
    files = OpenPoseFiles(clip(tmp_path, 0, 1, 2, 3), first=2)
    assert len(files) == 2
    assert files.people(0)[0].points[0, 0] == 2


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
    assert [files.people(frame)[0].points[0, 0] for frame in range(3)] == [0, 1, 2]


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
        ((0.25, 0.5, 0.5, 0.4), Units.SHARES, (160, 240)),
        ((-0.5, 0.0, 1.2, 0.9), Units.SIGNED_SHARES, (160, 240)),
    ],
)
def test_shares_of_the_picture_become_pixels(tmp_path, box, units, corner):
    files = OpenPoseFiles(write(tmp_path / "a.json", person(*box)), size=(640, 480))
    assert files.units is units
    (pose,) = files.people(0)
    np.testing.assert_allclose(pose.points[0], [*corner, 0.9], rtol=1e-5)
    assert not pose.points[1].any()


def test_one_unit_serves_the_whole_folder(tmp_path):
    write(tmp_path / "a_0_keypoints.json", person(-0.9, -0.9, 0.5, 0.5))
    write(tmp_path / "a_1_keypoints.json", person(0.5, 0.5, 0.5, 0.5))  # alone it would pass for 0 to 1
    files = OpenPoseFiles(tmp_path, size=(400, 400))
    assert files.people(1)[0].points[0, 0] == pytest.approx(300)


# Whose pose


def pose_at(*box: float) -> Pose:
    return Pose.from_openpose(person(*box))


def test_the_largest_box_is_chosen_and_the_first_of_equals():
    small, large, twin = pose_at(0, 0, 50, 90), pose_at(300, 0, 80, 200), pose_at(500, 0, 80, 200)
    assert prominent([small, large, twin]) is large
    assert prominent([]) is None


def test_a_followed_person_is_kept_while_somebody_larger_comes():
    followed, moved, larger = pose_at(0, 0, 50, 90), pose_at(5, 2, 50, 90), pose_at(300, 0, 200, 400)
    assert prominent([larger, moved], followed) is moved
    assert prominent([larger], followed) is larger

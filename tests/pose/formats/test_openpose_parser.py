"""People out of one file that OpenPose has written: what is read, and refused in one line."""

import json
from contextlib import suppress

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpose_writing import person, write

from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MAX_JSON_BYTES
from dance_now.pose.formats.openpose_files import OpenPoseFiles, is_keypoints
from dance_now.pose.formats.openpose_parser import read_people
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.model.pose import Pose

# What is read


@pytest.mark.parametrize("suffix", ["_2d", ""])
def test_versions_from_1_0_on_are_read(tmp_path, suffix):
    hand = [value for point in range(21) for value in (point, 10 + point, 0.5)]
    old = {f"pose_keypoints{suffix}": person()["pose_keypoints_2d"], f"hand_left_keypoints{suffix}": hand}
    (each,) = read_people(write(tmp_path / "a.json", old))
    assert each.pose.visible[:25].sum() == 17
    np.testing.assert_allclose(each.pose.left_hand[3], [3, 13, 0.5])


@pytest.mark.parametrize("absent", [None, []])
def test_a_body_alone_has_no_hands_and_no_face(tmp_path, absent):
    given_parts = person() | {"face_keypoints_2d": absent, "hand_left_keypoints_2d": absent}
    (each,) = read_people(write(tmp_path / "a.json", given_parts))
    assert not each.pose.visible[25:].any()
    assert each.pose.visible[0]


def test_nobody_is_no_error(tmp_path):
    assert read_people(write(tmp_path / "a.json")) == []
    assert read_people(write(tmp_path / "b.json", {"pose_keypoints_2d": [0] * 75})) == []


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e39", "1e308", "2e6"])
def test_what_is_no_coordinate_is_a_missing_point(tmp_path, value):
    text = json.dumps({"people": [person()]}).replace("[100.0,", f"[{value},", 1)
    path = tmp_path / "a.json"
    path.write_text(text)
    (each,) = read_people(path)
    assert not each.pose.visible[0]
    assert each.pose.visible[2]


def test_byte_order_marks_are_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps({"people": [person()]}).encode("utf-8-sig"))
    assert len(read_people(path)) == 1


def test_a_written_pose_reads_back(tmp_path):
    rng = np.random.default_rng(3)
    points = np.column_stack([rng.uniform(0, 700, (137, 2)), rng.uniform(0.1, 1, 137)])
    points[5:9] = 0
    pose = Pose(points, rng.normal(size=137), np.ones(137, bool))
    (each,) = read_people(write(tmp_path / "a.json", pose.to_openpose()))
    np.testing.assert_allclose(each.pose.points, pose.points, atol=1e-3)
    np.testing.assert_allclose(each.pose.depth, pose.depth, atol=1e-3)


COCO_18 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)  # rows of BODY_25


@pytest.mark.parametrize(
    ("rows", "made_up"),
    [
        (COCO_18, ["mid_hip"]),
        (range(19), []),
        ([row for row in range(25) if row not in (1, 8)], ["neck", "mid_hip"]),
        (range(25), []),
    ],
    ids=["COCO_18", "BODY_19", "BODY_23", "BODY_25"],
)
def test_bodies_of_all_of_openposes_models(tmp_path, rows, made_up):
    whole = np.array([[10 * row, 500 - row, 0.5 + row / 100] for row in range(25)])
    given_parts = {"pose_keypoints_2d": whole[list(rows)].ravel().tolist()}
    (each,) = read_people(write(tmp_path / "a.json", given_parts))
    body = each.pose.body
    np.testing.assert_allclose(body[list(rows)], whole[list(rows)], rtol=1e-5)
    middles = {"neck": (2, 5), "mid_hip": (9, 12)}
    for name in made_up:
        ends = whole[list(middles[name])]
        np.testing.assert_allclose(body[BODY_INDEX[name], :2], ends[:, :2].mean(axis=0), rtol=1e-5)
        assert body[BODY_INDEX[name], 2] == pytest.approx(ends[:, 2].min())
    assert set(np.flatnonzero(body[:, 2])) == set(rows) | {BODY_INDEX[name] for name in made_up}


def test_a_face_without_pupils(tmp_path):
    (each,) = read_people(write(tmp_path / "a.json", person() | {"face_keypoints_2d": [7.0, 8.0, 0.5] * 68}))
    assert each.pose.face[:, 2].tolist() == [0.5] * 68 + [0] * 2


@pytest.mark.parametrize(
    ("value", "number"), [([3], 3), (3, 3), ([-1], None), (-1, None), ([], None), ("3", None), (True, None)]
)
def test_person_id(tmp_path, value, number):
    (each,) = read_people(write(tmp_path / "a.json", person() | {"person_id": value}))
    assert each.person_id == number


# YAML


def write_yaml(path, matrix):
    """As OpenPose's --write_keypoint does."""
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("pose_0", np.asarray(matrix, np.float32))
    storage.release()
    return path


def test_yaml_of_opencv_is_read_with_all_its_parts(tmp_path):
    generator = np.random.default_rng(2)
    bodies, hands = generator.uniform(1, 600, (2, 25, 3)), generator.uniform(1, 600, (2, 21, 3))
    bodies[..., 2] = hands[..., 2] = 0.75
    bodies[1, 3] = np.nan
    write_yaml(tmp_path / "clip_000000000004_pose.yml", bodies)
    write_yaml(tmp_path / "clip_000000000004_hand_left.yml", hands)
    write_yaml(tmp_path / "clip_000000000006_pose.yml", bodies[:1, :18])
    assert is_keypoints(tmp_path)
    files = OpenPoseFiles(tmp_path)
    first, second = files.people(0)
    np.testing.assert_allclose(first.pose.body, bodies[0], rtol=1e-5)
    np.testing.assert_allclose(second.pose.left_hand, hands[1], rtol=1e-5)
    assert not second.pose.visible[3]
    assert [len(files.people(frame)) for frame in range(4)] == [2, 0, 1, 0]
    assert len(files.files) == 4


def test_yaml_without_people_is_nobody(tmp_path):
    text = "%YAML:1.0\n---\npose_0: !!opencv-matrix\n   rows: 0\n   cols: 0\n   dt: u\n   data: []\n"
    path = tmp_path / "a_pose.yml"
    path.write_text(text)
    assert read_people(path) == []


_YAML = "%YAML:1.0\n---\npose_0: !!opencv-nd-matrix\n   sizes: [ 1, 25, 3 ]\n   dt: f\n   data: [ 1., 2."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "not an OpenPose YAML"),
        ("%YAML:1.0\n---\n", "no matrix"),
        (_YAML, "does not end"),
        (_YAML + " ]\n", "2 numbers do not fit a matrix"),
        (_YAML.replace("25", "9" * 9) + " ]\n", "do not fit a matrix"),
        (_YAML.replace("2.", "two") + " ]\n", "damaged"),
        ("%YAML:1.0\n" + "x: !!opencv-matrix\n" * 1000, "does not end"),
    ],
)
def test_damaged_yaml_is_one_line_that_names_it(tmp_path, text, message):
    path = tmp_path / "a_pose.yml"
    path.write_text(text)
    with pytest.raises(DanceNowError, match=message) as caught:
        read_people(path)
    assert str(path) in str(caught.value)


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
        (b'{"people": [{"pose_keypoints_2d": [1, 2', "damaged or not a JSON"),
        (b"\x89PNG\r\n\x1a\n\0\0", "damaged or not a JSON"),
        (b"\xff\xfe\x00", "damaged or not a JSON"),
        (_nested(100_000), "damaged or not a JSON"),
        (b'{"people": ' + b"9" * 5000 + b"}", "damaged or not a JSON"),
        (b"[1, 2, 3]", 'no "people"'),
        (b'{"version": 1.3}', 'no "people"'),
        (b'{"people": {"a": 1}}', "list of objects"),
        (b'{"people": [1, 2]}', "list of objects"),
        (b'{"people": null}', "list of objects"),
        (_one(pose_keypoints_2d=[1, 2, 3]), "78 or 75 or 69 or 57 or 54 or 51 numbers, found 3"),
        (_one(pose_keypoints_2d="abc"), "numbers, found str"),
        (_one(pose_keypoints_2d={"x": 1}), "numbers, found dict"),
        (_one(pose_keypoints_2d=["x"] * 75), "not a number"),
        (_one(pose_keypoints_2d=[[1]] * 75), "not a number"),
        (_one(pose_keypoints_2d=[None] * 75), "not a number"),
        (_one(pose_keypoints_2d=[10**400] * 75), "not a number"),
        (_one(**person(), depth=[1, 2]), "137 numbers, found 2"),
        (b'{"people": [' + b",".join([b"{}"] * 201) + b"]}", "at most 200"),
        (b" " * MAX_JSON_BYTES + b"{}", "larger than 64 MB"),
    ],
)
def test_a_malformed_file_is_one_line_that_names_it(tmp_path, content, message):
    path = tmp_path / "a_keypoints.json"
    path.write_bytes(content)
    with pytest.raises(DanceNowError, match=message) as caught:
        OpenPoseFiles(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 400


@given(
    st.binary(max_size=200) | st.text(max_size=60).map(lambda text: json.dumps({"people": [text]}).encode())
)
@settings(max_examples=60, deadline=None)
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "a.json"
    path.write_bytes(content)
    with suppress(DanceNowError):
        assert all(np.isfinite(each.pose.points).all() for each in read_people(path))

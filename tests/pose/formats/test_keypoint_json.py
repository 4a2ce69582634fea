"""The same pose as other programs write it."""

import json
from pathlib import Path

import numpy as np
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.pose.formats.openpose_files import OpenPoseFiles
from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.keypoints import BODY_INDEX, BODY_NAMES

COCO = (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11)
COCO_18 = (*range(8), *range(9, 19))
FEET = (19, 20, 21, 22, 23, 24)
HALPE_FEET = (19, 22, 20, 23, 21, 24)  # left and right in turn
MIDPOINTS = [BODY_INDEX["neck"], BODY_INDEX["mid_hip"]]


@pytest.fixture
def body() -> np.ndarray:
    """(25, 3): an adult who stands in a picture of 608x720."""
    rest = np.asarray(adult_skeleton().rest[:25], float)
    points = np.column_stack([300 + 300 * rest[:, 0], 640 - 330 * rest[:, 1], np.full(25, 0.9)])
    points[MIDPOINTS[0], :2] = points[[2, 5], :2].mean(axis=0)
    points[MIDPOINTS[1], :2] = points[[9, 12], :2].mean(axis=0)
    return points


def moved(points: np.ndarray, across: float) -> np.ndarray:
    return points + np.array([across, 0, 0])


def flat(points: np.ndarray) -> list[float]:
    return np.asarray(points).ravel().tolist()


def read(path: Path, content: object, **options: object) -> OpenPoseFiles:
    path.write_text(json.dumps(content))
    return OpenPoseFiles(path, **options)  # type: ignore[arg-type]


def assert_body(files: OpenPoseFiles, expected: np.ndarray, rows: list[int], frame: int = 0) -> None:
    (person,) = files.people(frame)
    np.testing.assert_allclose(person.pose.body[rows, :2], expected[rows, :2], atol=0.1)
    assert (person.pose.body[rows, 2] > 0).all()
    missing = [row for row in range(25) if row not in rows]
    assert (person.pose.body[missing, 2] == 0).all()


def comfyui_frame(body: np.ndarray, canvas: tuple[float, float] = (608, 720)) -> dict:
    person = {
        "pose_keypoints_2d": flat(body[list(COCO_18)]),
        "face_keypoints_2d": flat(np.tile([300, 100, 1], (70, 1))),
        "hand_left_keypoints_2d": flat(np.tile([200, 300, 1], (21, 1))),
        "hand_right_keypoints_2d": None,
    }
    return {"people": [person], "canvas_height": canvas[1], "canvas_width": canvas[0]}


COCO_18_ROWS = list(range(19))
COCO_17_ROWS = list(range(19))  # neck and mid-hip are midpoints


def test_comfyuis_list_is_a_clip_of_the_canvas_size(tmp_path: Path, body: np.ndarray) -> None:
    files = read(tmp_path / "a.json", [comfyui_frame(moved(body, 10 * step)) for step in range(3)])
    assert (files.size, len(files), files.is_clip) == ((608, 720), 3, True)
    assert_body(files, moved(body, 20), COCO_18_ROWS, 2)
    pose = files.people(0)[0].pose
    assert (pose.face[:, 2] > 0).all()
    assert (pose.left_hand[:, 2] > 0).all()
    assert not (pose.right_hand[:, 2] > 0).any()


def test_a_list_of_one_frame_is_a_picture(tmp_path: Path, body: np.ndarray) -> None:
    assert not read(tmp_path / "a.json", [comfyui_frame(body)]).is_clip


def test_shares_of_the_canvas(tmp_path: Path, body: np.ndarray) -> None:
    content = comfyui_frame(body / [608, 720, 1])
    content["people"][0].pop("face_keypoints_2d")
    content["people"][0].pop("hand_left_keypoints_2d")
    files = read(tmp_path / "a.json", content)
    assert files.size == (608, 720)
    assert_body(files, body, COCO_18_ROWS)


def test_a_canvas_is_scaled_to_the_picture(tmp_path: Path, body: np.ndarray) -> None:
    files = read(tmp_path / "a.json", comfyui_frame(body), size=(1216, 1440))
    assert_body(files, 2 * body, COCO_18_ROWS)
    # ComfyUI scales pictures to whole multiples of 64 pixels: the two axes differ a little.
    files = read(tmp_path / "a.json", comfyui_frame(body), size=(600, 744))
    assert_body(files, body * [600 / 608, 744 / 720, 1], COCO_18_ROWS)


def test_a_canvas_of_another_shape_is_refused_with_both_sizes(tmp_path: Path, body: np.ndarray) -> None:
    with pytest.raises(DanceNowError, match=r"608x720.*1280x720"):
        read(tmp_path / "a.json", comfyui_frame(body), size=(1280, 720))


def test_frames_of_different_canvases(tmp_path: Path, body: np.ndarray) -> None:
    files = read(tmp_path / "a.json", [comfyui_frame(body), comfyui_frame(body / [2, 2, 1], (304, 360))])
    assert_body(files, body, COCO_18_ROWS, 0)
    assert_body(files, body, COCO_18_ROWS, 1)
    files = read(tmp_path / "a.json", [comfyui_frame(body), comfyui_frame(body, (1280, 720))])
    with pytest.raises(DanceNowError, match=r"1280x720.*608x720"):
        files.people(1)


def test_mmpose(tmp_path: Path, body: np.ndarray) -> None:
    def instance(shift: float) -> dict:
        points = moved(body, shift)[list(COCO)]
        return {"keypoints": points[:, :2].tolist(), "keypoint_scores": points[:, 2].tolist(), "bbox": [[0]]}

    frames = [{"frame_id": place + 1, "instances": [instance(place)]} for place in range(12)]
    frames[4]["instances"] = []
    files = read(tmp_path / "a.json", {"meta_info": {}, "instance_info": frames}, size=(608, 720))
    assert len(files) == 12
    assert files.people(4) == []
    assert_body(files, moved(body, 11), COCO_17_ROWS, 11)
    assert_body(read(tmp_path / "b.json", [instance(0)]), body, COCO_17_ROWS)


def test_alphapose_groups_people_by_image(tmp_path: Path, body: np.ndarray) -> None:
    def entry(image: str, shift: float, count: int = 17) -> dict:
        points = moved(body, shift)[list(COCO)]
        if count == 26:
            rest = [[300, 60, 0.9], *body[MIDPOINTS].tolist(), *body[list(HALPE_FEET)].tolist()]
            points = np.vstack([points, rest])
        return {"image_id": image, "category_id": 1, "keypoints": flat(points), "score": 2.9, "idx": [1]}

    entries = [entry("9.jpg", 0), entry("10.jpg", 1), entry("12.jpg", 3), entry("10.jpg", 200)]
    files = read(tmp_path / "a.json", entries)
    assert [len(files.people(frame)) for frame in range(4)] == [1, 2, 0, 1]
    assert_body(files, moved(body, 3), COCO_17_ROWS, 3)
    assert_body(read(tmp_path / "b.json", [entry("1.jpg", 0, 26)]), body, list(range(25)))


def test_a_folder_with_alphaposes_only_file_is_that_clip(tmp_path: Path, body: np.ndarray) -> None:
    entries = [{"image_id": f"{n}.jpg", "keypoints": flat(body[list(COCO)])} for n in range(5)]
    read(tmp_path / "alphapose-results.json", entries)
    assert len(OpenPoseFiles(tmp_path)) == 5


def test_coco_annotations_carry_the_pictures_sizes(tmp_path: Path, body: np.ndarray) -> None:
    content = {
        "images": [
            {"id": 7, "file_name": "b_2.jpg", "width": 608, "height": 720},
            {"id": 3, "file_name": "b_1.jpg", "width": 608, "height": 720},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "keypoints": flat(np.where([0, 0, 1], 2, body[list(COCO)]))},
        ],
    }
    files = read(tmp_path / "a.json", content)
    assert (files.size, len(files)) == ((608, 720), 2)
    assert files.people(0) == []
    assert_body(files, body, COCO_17_ROWS, 1)
    assert files.people(1)[0].pose.body[0, 2] == 1


@pytest.mark.parametrize("separate", [True, False])
def test_coco_wholebody(tmp_path: Path, body: np.ndarray, separate: bool) -> None:
    parts = {
        "keypoints": body[list(COCO)],
        "foot_kpts": body[list(FEET)],
        "face_kpts": np.tile([300, 100, 0.8], (68, 1)) + np.arange(68)[:, None] * [1, 0, 0],
        "lefthand_kpts": np.tile([350, 300, 0.7], (21, 1)),
        "righthand_kpts": np.tile([250, 300, 0.6], (21, 1)),
    }
    whole = {"keypoints": np.concatenate(list(parts.values()))}
    entry = {key: flat(points) for key, points in (parts if separate else whole).items()}
    files = read(tmp_path / "a.json", [{"image_id": 1, **entry}])
    assert_body(files, body, list(range(25)))
    pose = files.people(0)[0].pose
    np.testing.assert_allclose(pose.face[:68, 0], 300 + np.arange(68))
    assert (pose.face[68:, 2] == 0).all()
    assert {*pose.left_hand[:, 0], *pose.right_hand[:, 0]} == {350, 250}


def test_openpose_with_17_points(tmp_path: Path, body: np.ndarray) -> None:
    files = read(tmp_path / "a.json", {"people": [{"pose_keypoints_2d": flat(body[list(COCO)])}]})
    assert_body(files, body, COCO_17_ROWS)


# BODY_25B


def body_25b(body: np.ndarray) -> np.ndarray:
    neck, top = body[1] - [0, 15, 0], body[0] - [0, 40, 0]
    return np.vstack([body[list(COCO)], neck, top, body[list(FEET)]])


@pytest.mark.parametrize("turn", range(0, 360, 45))
@pytest.mark.parametrize("hidden", [(), ("left_ear", "left_eye"), ("left_ankle", "right_ankle")])
def test_body_25b_is_told_from_body_25(
    tmp_path: Path, body: np.ndarray, turn: int, hidden: tuple[str, ...]
) -> None:
    angle = np.radians(turn)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    body[:, :2] = (body[:, :2] - [300, 360]) @ rotation.T + [400, 400]
    body[[BODY_INDEX[name] for name in hidden]] = 0
    rows = [row for row in range(25) if BODY_NAMES[row] not in hidden]
    for points in (body, body_25b(body)):
        files = read(tmp_path / "a.json", {"people": [{"pose_keypoints_2d": flat(points)}]})
        assert_body(files, body, rows)


def test_who_cannot_be_told_is_read_as_the_others(tmp_path: Path, body: np.ndarray) -> None:
    turned = body_25b(body)
    turned[[0, 1, 2]] = 0  # from behind: neither nose nor eyes
    for place, points in enumerate([body_25b(body), turned, body_25b(body)]):
        read(tmp_path / f"a_{place}_keypoints.json", {"people": [{"pose_keypoints_2d": flat(points)}]})
    files = OpenPoseFiles(tmp_path)
    expected = [row for row in range(25) if row not in (0, 15, 16)]
    assert_body(files, body, expected, 1)


def test_a_folder_of_several_layouts(tmp_path: Path, body: np.ndarray) -> None:
    for place, points in enumerate([body, body[list(COCO_18)], body_25b(body), body[list(COCO)]]):
        read(tmp_path / f"a_{place}_keypoints.json", {"people": [{"pose_keypoints_2d": flat(points)}]})
    files = OpenPoseFiles(tmp_path)
    for frame, count in enumerate((25, 19, 25, 19)):
        assert_body(files, body, list(range(count)), frame)


# What is refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([[1, 2]], 'no "people"'),
        ([{"people": []}, {"keypoints": []}], 'no "people"'),
        ({"people": [], "canvas_width": 0, "canvas_height": 720}, "between 1 and 1000000 pixels, found 0"),
        ({"people": [], "canvas_width": "608", "canvas_height": 720}, "number of pixels, found '608'"),
        ({"people": [], "canvas_width": 608}, "number of pixels, found 'None'"),
        ({"people": [], "canvas_width": True, "canvas_height": 1}, "number of pixels, found 'True'"),
        ({"people": [], "canvas_width": 1e300, "canvas_height": 1}, "between 1 and"),
        ({"people": [], "canvas_width": [608], "canvas_height": 1}, "number of pixels"),
        ([{"people": [[]]}], "list of objects"),
        ({"instance_info": 3}, "list of objects"),
        ({"instance_info": [{"instances": [3]}]}, "list of objects"),
        ({"instance_info": [{"instances": [{"keypoints": "abc"}]}]}, "x, y and score"),
        ([{"keypoints": [1, 2, 3] * 17, "image_id": [1]}], "number or a name"),
        ([{"keypoints": [1, 2, 3] * 42}], "42 keypoints are no body"),
        ([{"keypoints": [1, 2] * 17}], "x, y and score"),
        ([{"keypoints": [[1, 2]] * 17, "keypoint_scores": [1] * 16}], "x, y and score"),
        ([{"keypoints": [[1, 2, 3, 4]] * 17}], "x, y and score"),
        ([{"keypoints": [["a", "b", "c"]] * 17}], "x, y and score"),
        ([{"keypoints": [None] * 51}], "x, y and score"),
        ([{"keypoints": [[1], [1, 2]]}], "x, y and score"),
        ([{"keypoints": {"x": 1}}], "x, y and score"),
        ({"annotations": {}}, "list of objects"),
        ({"annotations": [], "images": [{"id": 1, "width": -3, "height": 2}]}, "between 1 and"),
    ],
)
def test_malformed_files_are_one_line(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(DanceNowError, match=message) as caught:
        read(tmp_path / "a.json", content)
    assert "a.json" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_no_people_at_all(tmp_path: Path) -> None:
    for content in ([], {"instance_info": []}, {"people": []}, {"annotations": [], "images": []}):
        files = read(tmp_path / "a.json", content)
        assert (len(files), files.people(0)) == (1, [])


def test_points_too_far_out_to_guess_a_size(tmp_path: Path, body: np.ndarray) -> None:
    content = {"people": [{"pose_keypoints_2d": flat(body * [15, 12, 1])}]}
    with pytest.raises(DanceNowError, match=r"too far to guess the picture's size. Set size"):
        read(tmp_path / "a.json", content)
    assert read(tmp_path / "a.json", content, size=(1280, 720)).size == (1280, 720)

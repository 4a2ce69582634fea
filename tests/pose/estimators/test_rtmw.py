"""SimCC outputs become poses, by way of a network that the test builds."""

import json
from pathlib import Path

import numpy as np
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.pose.estimators.estimator_registry import ESTIMATORS, open_estimator
from dance_now.pose.estimators.rtmw import POINTS, Rtmw, decode, to_pose
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.networks.litert import Region

onnx = pytest.importorskip("onnx")
WIDTH, HEIGHT = 48, 64
NODES = onnx.helper.make_node


def network(path: Path, points: int = POINTS, outputs: int = 2) -> Path:
    """An ONNX file that marks, for every point, the brightest column and row of its window.

    The outputs have two bins a pixel, as RTMW's have.
    """
    repeat = onnx.numpy_helper.from_array(np.array([1, points, 1], np.int64), "repeat")
    scales = onnx.numpy_helper.from_array(np.array([1, 1, 2], np.float32), "scales")
    half = onnx.numpy_helper.from_array(np.array(0.25, np.float32), "half")
    nodes, results = [], []
    for name, side in (("x", WIDTH), ("y", HEIGHT))[:outputs]:
        nodes += [
            NODES("ReduceMean", ["image", f"axes_{name}"], [f"mean_{name}"], keepdims=0),
            NODES("Mul", [f"mean_{name}", "half"], [f"scaled_{name}"]),
            NODES("Resize", [f"scaled_{name}_row", "", "scales"], [f"bins_{name}"], mode="nearest"),
            NODES("Tile", [f"bins_{name}", "repeat"], [name]),
        ]
        nodes.insert(-2, NODES("Unsqueeze", [f"scaled_{name}", "one"], [f"scaled_{name}_row"]))
        shape = [1, points, 2 * side]
        results.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    constants = [
        *(repeat, scales, half),
        onnx.numpy_helper.from_array(np.array([1], np.int64), "one"),
        onnx.numpy_helper.from_array(np.array([1, 2], np.int64), "axes_x"),
        onnx.numpy_helper.from_array(np.array([1, 3], np.int64), "axes_y"),
    ]
    image = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])
    graph = onnx.helper.make_graph(nodes, "marks", [image], results, constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def rtmw(tmp_path_factory) -> Rtmw:
    return Rtmw(network(tmp_path_factory.mktemp("rtmw") / "marks.onnx"))


def cross(x: int, y: int) -> np.ndarray:
    """A dark image with a white column and row."""
    image = np.zeros((240, 320, 3), np.uint8)
    image[:, x - 3 : x + 3] = image[y - 3 : y + 3] = 255
    return image


@pytest.mark.parametrize(("x", "y"), [(150, 120), (170, 100), (140, 151)])
def test_points_come_back_in_pixels_of_the_image(rtmw, x, y):
    reading = rtmw.read_person(cross(x, y), Region(160.0, 120.0, 200.0, 0.0))
    assert reading is not None
    points = reading.detection.pose.points
    found = points[points[:, 2] > 0]
    assert len(found) == POINTS + 2  # and neck and mid-hip
    np.testing.assert_allclose(found[:, :2], np.tile([x, y], (len(found), 1)), atol=3.2)
    assert not reading.detection.pose.has_depth.any()


def test_a_turned_square_is_read_upright(rtmw):
    image = np.ascontiguousarray(np.rot90(cross(150, 120)))
    turned = rtmw.read_person(image, Region(120.0, 160.0, 200.0, -np.pi / 2))
    assert turned is not None
    np.testing.assert_allclose(turned.detection.pose.body[0, :2], [120, 170], atol=3.2)


def test_nobody_in_the_dark_or_outside(rtmw):
    assert rtmw.read_person(np.zeros((240, 320, 3), np.uint8), Region(160.0, 120.0, 200.0, 0.0)) is None
    assert rtmw.read_person(cross(150, 120), Region(9000.0, 120.0, 200.0, 0.0)) is None


def test_decoding_takes_the_best_bin_and_the_lesser_score():
    x, y = np.zeros((1, POINTS, 20), np.float32), np.zeros((1, POINTS, 40), np.float32)
    x[0, :, 7], y[0, :, 30] = 0.9, 0.4
    x[0, 5, 7] = np.nan
    points, scores = decode(x, y, 10, 20)
    np.testing.assert_allclose(points[0], [3.75, 15.25])
    assert scores[0] == np.float32(0.4)
    assert scores[5] == 0


def test_points_are_in_their_own_rows():
    points = np.column_stack([np.arange(POINTS), np.arange(POINTS)]).astype(np.float32)
    pose = to_pose(points, np.ones(POINTS, np.float32))
    names = {"nose": 0, "left_shoulder": 5, "right_wrist": 10, "left_ankle": 15, "left_big_toe": 17}
    for name, row in {**names, "right_heel": 22, "neck": 5.5, "mid_hip": 11.5}.items():
        assert pose.body[BODY_INDEX[name], 0] == row
    assert pose.face[:68, 0].tolist() == list(range(23, 91))
    assert pose.left_hand[:, 0].tolist() == list(range(91, 112))
    assert pose.right_hand[:, 0].tolist() == list(range(112, 133))
    assert not pose.face[68:].any()


def test_estimators_are_found_by_name(tmp_path):
    assert set(ESTIMATORS) == {"mediapipe", "rtmw"}
    assert open_estimator(name="rtmw", model=network(tmp_path / "a.onnx")) is not None


def test_bad_models_are_one_line(tmp_path):
    (tmp_path / "text.onnx").write_text(json.dumps("no network"))
    cases = {
        tmp_path / "nowhere.onnx": "does not exist",
        tmp_path / "text.onnx": "damaged",
        network(tmp_path / "seventeen.onnx", points=17): "133 points",
        network(tmp_path / "one.onnx", outputs=1): "133 points",
    }
    for path, message in cases.items():
        with pytest.raises(DanceNowError, match=message):
            open_estimator(name="rtmw", model=path)
    with pytest.raises(DanceNowError, match="needs model"):
        open_estimator(name="rtmw")
    with pytest.raises(DanceNowError, match="model does not apply"):
        open_estimator(model=tmp_path)
    with pytest.raises(DanceNowError, match="mediapipe, rtmw"):
        open_estimator(name="openpose")

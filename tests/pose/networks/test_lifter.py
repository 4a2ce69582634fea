from pathlib import Path

import numpy as np
import pytest
from skeletons import adult_skeleton, posed, posture, view_points

from dance_now.pose.model.keypoints import LEFT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.vectors import normalised
from dance_now.pose.networks.lifter import LIFTED, NETWORK, LiftingNetwork, open_lifter
from dance_now.pose.retarget import posture_reading as measure
from dance_now.pose.retarget.retargeter import Retargeter

ADULT = adult_skeleton()
LIFT = open_lifter()
POSTURES = {
    "pointing": ({"left_arm": [[0.3, -0.2, 1], [0.1, 0, 1]]}, (6, 7)),
    "knee up": ({"right_leg": [[-0.1, -0.1, 1], [0, -1, -0.2]]}, (9, 10)),
    "sitting": (
        {
            "left_leg": [[0.2, -0.1, 1], [0, -1, -0.1]],
            "right_leg": [[-0.2, -0.1, 1], [0, -1, -0.1]],
        },
        (12, 13),
    ),
}


def drawn(**options) -> tuple[Pose, Pose]:
    true = posed(ADULT, posture(ADULT, **options))
    return true, Pose(true.points)


@pytest.mark.parametrize("name", POSTURES)
def test_limbs_come_towards_the_viewer_where_they_do(name):
    options, (start, end) = POSTURES[name]
    true, flat = drawn(**options)
    lifted = LIFT(flat)
    wanted, found = (each.depth[end] - each.depth[start] for each in (true, lifted))
    assert wanted < 0
    assert found < wanted / 3


def test_only_what_is_seen_gets_a_depth():
    _, flat = drawn()
    points = flat.points.copy()
    points[[6, 7]] = 0
    points[LEFT_HAND] = 0
    lifted = LIFT(Pose(points))
    assert not lifted.has_depth[[6, 7, *range(LEFT_HAND.start, LEFT_HAND.stop)]].any()
    assert lifted.has_depth[[2, 3, 4, 9, 10, 11]].all()
    np.testing.assert_array_equal(lifted.points, points)


@pytest.mark.parametrize(("scale", "offset"), [(0.2, (0.0, 0.0)), (3.0, (-400.0, 90.0))])
def test_depth_goes_with_the_size_and_not_with_the_place(scale, offset):
    _, flat = drawn(**POSTURES["pointing"][0])
    here, there = LIFT(flat), LIFT(flat.transformed(scale, offset))
    np.testing.assert_allclose(there.depth, scale * here.depth, atol=0.05 * scale)


def test_a_pose_of_few_points_stays_without_depth():
    points = np.zeros((137, 3), np.float32)
    points[:3] = [[10, 10, 1], [12, 30, 1], [5, 30, 1]]
    assert not LIFT(Pose(points)).has_depth.any()


def test_lengths_alone_give_depth_where_the_lifter_gives_none(monkeypatch):
    monkeypatch.setattr(measure, "open_lifter", lambda: lambda pose: pose)
    result = Retargeter(ADULT, smooth=False)(drawn(**POSTURES["knee up"][0])[1], 0.0)
    assert np.isfinite(view_points(result.pose)).all()


@pytest.mark.parametrize("name", POSTURES)
def test_the_character_takes_the_lifted_pose(name):
    options, (start, end) = POSTURES[name]
    true, flat = drawn(**options)
    result = Retargeter(ADULT, smooth=False)(flat, 0.0)
    wanted, found = (view_points(each)[end] - view_points(each)[start] for each in (true, result.pose))
    angle = np.degrees(np.arccos(normalised(wanted) @ normalised(found)))
    assert angle < 30


def test_a_pose_with_its_own_depth_is_not_lifted(monkeypatch):
    monkeypatch.setattr(measure, "open_lifter", lambda: pytest.fail("not needed"))
    Retargeter(ADULT, smooth=False)(drawn()[0], 0.0)


def test_the_network_is_small_and_ships():
    assert NETWORK.stat().st_size <= 4_000_000
    assert len(LIFTED) == 29


def lifting_graph() -> bytes:
    """The network that ships as an ONNX graph: an independent way to compute it."""
    onnx = pytest.importorskip("onnx")
    with np.load(NETWORK, allow_pickle=False) as stored:
        arrays = {name: stored[name].astype(np.float32) for name in stored.files}
    rows = ["seen = Slice(points, two, three, two)", "xy = Slice(points, zero, two, two)"]
    rows += ["sum = ReduceSum(seen, one)", "count = Max(sum, least)", "product = Mul(xy, seen)"]
    rows += ["total = ReduceSum(product, one)", "centre = Div(total, count)", "moved = Sub(xy, centre)"]
    rows += ["offset = Mul(moved, seen)", "square = Mul(offset, offset)", "spread = ReduceSum(square, both)"]
    rows += ["mean = Div(spread, count)", "root = Sqrt(mean)", "size = Max(root, shortest)"]
    rows += ["unit = Div(offset, size)", "inputs = Concat<axis = 2>(unit, seen)", "x = Flatten(inputs)"]
    rows += ["value_0 = Gemm<transB = 1>(x, first_weight, first_bias)"]
    blocks = len(arrays["weights"])
    for block in range(blocks + 1):
        for name in ("scales", "shifts"):
            arrays[f"{name}_{block}"] = arrays[name][block]
        rows += [f"scaled_{block} = Mul(value_{block}, scales_{block})"]
        rows += [f"shifted_{block} = Add(scaled_{block}, shifts_{block})"]
        rows += [f"normal_{block} = Relu(shifted_{block})"]
        if block < blocks:
            for layer in (0, 1):
                arrays[f"w_{block}_{layer}"] = arrays["weights"][block, layer]
                arrays[f"b_{block}_{layer}"] = arrays["biases"][block, layer]
            rows += [f"inner_{block} = Gemm<transB = 1>(normal_{block}, w_{block}_0, b_{block}_0)"]
            rows += [f"active_{block} = Relu(inner_{block})"]
            rows += [f"outer_{block} = Gemm<transB = 1>(active_{block}, w_{block}_1, b_{block}_1)"]
            rows += [f"value_{block + 1} = Add(value_{block}, outer_{block})"]
    rows += [f"last = Gemm<transB = 1>(normal_{blocks}, last_weight, last_bias)"]
    rows += ["flat = Flatten(size)", "depth = Mul(last, flat)"]
    for name, whole in (("zero", [0]), ("one", [1]), ("two", [2]), ("three", [3]), ("both", [1, 2])):
        arrays[name] = np.array(whole, np.int64)
    arrays |= {"least": np.array(1, np.float32), "shortest": np.array(1e-4, np.float32)}
    text = "graph (float[B, 29, 3] points) => (float[B, 29] depth) {\n" + "\n".join(rows) + "\n}"
    graph = onnx.parser.parse_graph(text)
    graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in arrays.items())
    opset = onnx.helper.make_opsetid("", 18)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9)
    return bytes(model.SerializeToString())


@pytest.mark.slow
def test_it_computes_what_onnxruntime_computes():
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(lifting_graph(), providers=["CPUExecutionProvider"])
    points = np.random.default_rng(0).normal(size=(500, 29, 3)).astype(np.float32)
    points[..., 2] = points[..., 2] > -0.8
    wanted = session.run(None, {"points": points})[0]
    np.testing.assert_allclose(LiftingNetwork.load()(points), wanted, atol=1e-5)


def test_a_file_with_objects_is_refused(tmp_path: Path):
    with (tmp_path / "lifter.npz").open("wb") as stream:
        np.savez(stream, first_weight=np.array([{}], object))
    with pytest.raises(ValueError, match="pickle"):
        LiftingNetwork.load(tmp_path / "lifter.npz")

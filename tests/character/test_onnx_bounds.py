"""Sizes that a runtime reads otherwise than the check, and those that show only when a graph runs."""

import numpy as np
import pytest
from generators import model_of, node, small_model, tensor
from onnx import NodeProto, TensorProto

from dance_now.character.onnx_check import CheckedGenerator
from dance_now.core.errors import DanceNowError


def found_and(*nodes: NodeProto) -> list[NodeProto]:
    """Places that are not known before the graph runs: 2 rows, at most 548 columns, then more operators."""
    return [node("NonZero", "points2", "found"), *nodes]


def hidden_picture() -> list[NodeProto]:
    """A picture whose width is not known before the graph runs, at most 548 pixels."""
    return [node("Cast", "found", "f", to=TensorProto.FLOAT), node("Reshape", "f kernel", "hidden")]


ON_PICTURES = [
    node("Conv", "hidden pixel", "big"),
    node("MaxPool", "hidden", "big", kernel_shape=[1, 2]),
    node("AveragePool", "hidden", "big", kernel_shape=[1, 2]),
    node("Pad", "hidden border", "big", mode="edge"),
    node("Resize", "hidden - twice", "big"),
    node("DepthToSpace", "hidden", "big", blocksize=1),
]

HIDDEN: list[tuple[str, list[NodeProto], str]] = [
    (
        "more of fewer",
        [node("Shape", "found", "n"), node("Sub", "most n", "m"), node("Expand", "unit m", "big")],
        "size",
    ),
    ("shape", [node("Shape", "found", "n"), node("Expand", "unit n", "big")], "size"),
    ("far end", [node("Slice", "found from to column", "big")], "backwards"),
    ("lost axes", [node("Squeeze", "found", "big")], "not known"),
    (
        "outer product",
        [
            node("Transpose", "found", "turned"),
            node("Cast", "turned", "a", to=TensorProto.FLOAT),
            node("Cast", "found", "b", to=TensorProto.FLOAT),
            *[node("MatMul", "a b", f"c{number}") for number in range(3000)],
        ],
        "more than",
    ),
    (
        "sizes that may be absent",
        [
            node("NonZero", "nought", "n"),
            node("Reshape", "n row", "s"),
            node("Reshape", "first s", "i"),
            node("Gather", "lines i", "g", axis=1),
            node("Add", "g lines", "big"),
        ],
        "count is not known",
    ),
    (
        "smaller kernel",
        [
            node("NonZero", "square", "n"),
            node("Cast", "n", "f", to=TensorProto.FLOAT),
            node("Reshape", "f kernel", "smaller"),
            node("Conv", "drawing smaller", "big"),
        ],
        "weights whose size is not known",
    ),
    (
        "absent bias",
        [
            node("NonZero", "nought", "n"),
            node("Cast", "n", "f", to=TensorProto.FLOAT),
            node("Reshape", "f row", "bias"),
            node("Conv", "drawing pixel bias", "big"),
        ],
        "weights whose size is not known",
    ),
    *[
        (operation.op_type, [*hidden_picture(), operation], "pictures whose size")
        for operation in ON_PICTURES
    ],
    (
        "last axes of nothing",
        [node("ReduceMax", "found behind", "big", keepdims=0)],
        "last axes",
    ),
]


@pytest.mark.parametrize(("nodes", "reason"), [h[1:] for h in HIDDEN], ids=[h[0] for h in HIDDEN])
def test_sizes_that_show_when_it_runs_decide_nothing(nodes: list[NodeProto], reason: str) -> None:
    sound = small_model()
    tensors = [
        tensor("flat", [1, -1]),
        tensor("most", [1 << 20, 1 << 20]),
        tensor("unit", [[1.0]], np.float32),
        *[tensor(name, [number]) for name, number in (("from", -5), ("to", 3), ("column", 1))],
        *[tensor(name, [number]) for name, number in (("first", 0), ("row", -1), ("behind", -1))],
        tensor("nought", [0.0], np.float32),
        tensor("lines", np.zeros((30000, 1)), np.float32),
        tensor("square", np.zeros((2, 2)), np.float32),
        tensor("kernel", [1, 1, 2, -1]),
        tensor("drawing", np.zeros((1, 1, 8, 8)), np.float32),
        tensor("pixel", [[[[1.0]]]], np.float32),
        tensor("border", [0, 0, 0, 1, 0, 0, 0, 1]),
        tensor("twice", [1, 1, 1, 2], np.float32),
    ]
    first = node("Reshape", "points flat", "points2")
    model = model_of([first, *found_and(*nodes), *sound.graph.node], [*tensors, *sound.graph.initializer])
    with pytest.raises(DanceNowError, match=reason):
        CheckedGenerator(model.SerializeToString())


def test_what_is_found_may_be_used() -> None:
    """Gathered, moved and entered into a map of known size."""
    sound = small_model()
    nodes = [
        node("Reshape", "points row", "p"),
        node("NonZero", "p", "found"),
        node("Reshape", "found row", "places"),
        node("Gather", "p places", "values", axis=0),
        node("ScatterElements", "empty places values", "map", axis=0, reduction="add"),
        node("Unsqueeze", "places beyond", "lines"),
        node("ScatterND", "map lines values", "again"),
        node("Shape", "again", "size"),
        node("Expand", "one size", "big"),
    ]
    tensors = [
        tensor("row", [-1]),
        tensor("beyond", [-1]),
        tensor("empty", np.zeros(548), np.float32),
        tensor("one", [1.0], np.float32),
    ]
    CheckedGenerator(
        model_of([*nodes, *sound.graph.node], [*tensors, *sound.graph.initializer]).SerializeToString()
    )


def beside_a_sound_generator(operation: NodeProto) -> bytes:
    """A file with one operator more, and what it may take."""
    sound = small_model()
    tensors = [
        tensor("single", 1.0, np.float32),
        tensor("column", [[1.0], [2.0]], np.float32),
        tensor("none", []),
        tensor("behind", [-1]),
        tensor("nothing", np.zeros((1, 3, 0)), np.float32),
        tensor("more", np.zeros((4, 0, 3)), np.float32),
        tensor("noughts", [0, 0, 0]),
        tensor("least", -(1 << 63)),
        tensor("nought", 0),
        tensor("far", 1 << 62),
        tensor("wide", np.zeros((1, 1, 2, 11)), np.float32),
        tensor("thin", [1, 1, 1, np.nextafter(np.float32(5 / 11), np.float32(0))], np.float32),
        tensor("empty", np.zeros((1, 1, 0, 4)), np.float32),
        tensor("border", [0, 0, 1, 0, 0, 0, 2, 0]),
        tensor("narrow", [0, 0, 1, 10, 0, 0, 1, 10]),
    ]
    model = model_of([operation, *sound.graph.node], [*tensors, *sound.graph.initializer])
    return model.SerializeToString()


UNALIKE: list[tuple[str, NodeProto, str]] = [
    ("found in a single number", node("NonZero", "single", "big"), "NonZero of a single number"),
    ("all axes dropped", node("Squeeze", "column none", "big"), "Squeeze of no axes"),
    ("kept or not", node("ReduceSum", "column behind", "big", keepdims=2), "keepdims should be 0 or 1"),
    ("copied or not", node("Reshape", "nothing noughts", "big", allowzero=2), "allowzero should be 0 or 1"),
    ("overflow", node("Range", "least nought far", "big"), "a Range that is far off"),
    ("rounded up", node("Resize", "wide - thin", "big"), "parts of a pixel"),
    ("product of nothing", node("MatMul", "nothing more", "big"), "MatMul of nothing"),
    ("last axes of nothing", node("ReduceSum", "nothing behind", "big"), "last axes"),
    ("empty picture", node("Pad", "empty border", "big", mode="edge"), "other than pictures"),
    ("reflection", node("Pad", "wide border", "big", mode="reflect"), "reflects more"),
    ("wrapped", node("Pad", "wide border", "big", mode="wrap"), "Pad in a mode"),
]


@pytest.mark.parametrize(("operation", "reason"), [u[1:] for u in UNALIKE], ids=[u[0] for u in UNALIKE])
def test_what_runtimes_take_otherwise_is_refused(operation: NodeProto, reason: str) -> None:
    with pytest.raises(DanceNowError, match=reason):
        CheckedGenerator(beside_a_sound_generator(operation))


def test_a_border_that_fits_may_be_reflected() -> None:
    CheckedGenerator(beside_a_sound_generator(node("Pad", "wide narrow", "big", mode="reflect")))

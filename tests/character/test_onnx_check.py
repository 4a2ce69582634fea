"""What is refused before onnxruntime sees it, and why."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from generators import graph_of, model_of, node, small_model, tensor
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from dance_now.character.onnx_check import CheckedGenerator
from dance_now.core.errors import DanceNowError

Spoil = Callable[[ModelProto], Any]


def test_a_sound_generator_passes() -> None:
    CheckedGenerator(small_model().SerializeToString())


def external(model: ModelProto) -> None:
    """Points a tensor to a file beside the model."""
    stored = model.graph.initializer[0]
    stored.ClearField("raw_data")
    stored.data_location = TensorProto.EXTERNAL
    stored.external_data.add(key="location", value="/etc/passwd")


def subgraph(model: ModelProto) -> None:
    """Hides operators in a branch."""
    branch = graph_of([], [])
    model.graph.node.append(helper.make_node("If", ["points"], ["x"], then_branch=branch, else_branch=branch))


def function(model: ModelProto) -> None:
    """Defines an operator by others."""
    opset = [helper.make_opsetid("", 18)]
    model.functions.append(helper.make_function("", "Relu", ["x"], ["y"], [], opset))


def set_dims(index: int, *dims: int) -> Spoil:
    """Gives a tensor another shape."""

    def spoil(model: ModelProto) -> None:
        model.graph.initializer[index].dims[:] = dims

    return spoil


def set_size(port: str, place: int, size: int) -> Spoil:
    """Changes a size of the input or output."""

    def spoil(model: ModelProto) -> None:
        getattr(model.graph, port)[0].type.tensor_type.shape.dim[place].dim_value = size

    return spoil


def huge_attribute(model: ModelProto) -> None:
    """A kernel of a million million pixels."""
    model.graph.node[7].attribute[0].ints[0] = 1 << 40


def repeat_node(model: ModelProto) -> None:
    """Adds thousands of operators."""
    for number in range(6000):
        model.graph.node.append(node("Neg", "points", f"n{number}"))


SPOILS: list[tuple[str, Spoil, str]] = [
    ("external data", external, "tensor with field"),
    ("subgraph", subgraph, "attribute with field 6"),
    ("function", function, "model with field 25"),
    ("training", lambda m: m.training_info.add(), "model with field 20"),
    ("sparse", lambda m: m.graph.sparse_initializer.add(), "graph with field 15"),
    ("foreign set", lambda m: m.opset_import.append(helper.make_opsetid("com.x", 1)), "operator sets"),
    ("foreign domain", lambda m: setattr(m.graph.node[0], "domain", "com.x"), "foreign domain"),
    ("old set", lambda m: setattr(m.opset_import[0], "version", 9), "operator set"),
    ("new set", lambda m: setattr(m.opset_import[0], "version", 99), "operator set"),
    ("new format", lambda m: setattr(m, "ir_version", 99), "version 99"),
    ("no graph", lambda m: m.ClearField("graph"), "no graph"),
    ("operator", lambda m: setattr(m.graph.node[8], "op_type", "Loop"), "operator 'Loop'"),
    ("attribute", lambda m: m.graph.node[8].attribute.append(helper.make_attribute("to", 1)), "with 'to'"),
    ("huge attribute", huge_attribute, "an attribute"),
    ("many nodes", repeat_node, "more than 5000"),
    ("many inputs", lambda m: m.graph.node[1].input.extend(["rest"] * 300), "more than 256"),
    ("long name", lambda m: setattr(m.graph.node[0], "op_type", "x" * 1000), "name of 1000 bytes"),
    ("tensor size", set_dims(0, 4), "as many bytes"),
    ("huge tensor", set_dims(0, 1 << 40), "rows"),
    ("negative tensor", set_dims(0, -3), "rows"),
    ("overflowing tensor", set_dims(0, 1 << 20, 1 << 20, 1 << 24), "numbers"),
    ("deep tensor", set_dims(0, *[1] * 20), "dimensions"),
    ("double", lambda m: m.graph.initializer.append(tensor("d", [1.0], np.float64)), "elements of type 11"),
    ("texts", lambda m: m.graph.initializer.append(tensor("d", ["a"], object)), "field"),
    ("twice", lambda m: m.graph.initializer.append(m.graph.initializer[0]), "one name"),
    ("own input", lambda m: m.graph.initializer.append(tensor("points", [1])), "its own input"),
    ("second input", lambda m: m.graph.input.append(m.graph.output[0]), "does not take points"),
    ("input size", set_size("input", 1, 25), "does not take points"),
    ("fixed batch", set_size("input", 0, 1), "does not take points"),
    ("output size", set_size("output", 3, 1 << 30), "does not take points"),
    ("output name", lambda m: setattr(m.graph.output[0], "name", "grown"), "does not take points"),
    ("picture size", lambda m: m.graph.node[9].ClearField("input"), "lacks an input"),
    ("order", lambda m: m.graph.node.insert(0, m.graph.node.pop()), "which nothing makes before it"),
    ("no output", lambda m: m.graph.node.pop(), "nothing makes its output"),
    ("other picture", lambda m: m.graph.initializer[8].CopyFrom(tensor("picture", [1, 4, 64, 64])), "size"),
    ("one name", lambda m: m.graph.node[8].output.__setitem__(0, "mixed"), "output of its own"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "reason"), [s[1:] for s in SPOILS], ids=[s[0] for s in SPOILS])
def test_foreign_structure_is_refused(spoil: Spoil, reason: str) -> None:
    model = small_model()
    spoil(model)
    with pytest.raises(DanceNowError, match=reason) as caught:
        CheckedGenerator(model.SerializeToString())
    assert str(caught.value).startswith("The character's generator is refused: ")
    assert "\n" not in str(caught.value)


GREEDY: list[tuple[str, list[NodeProto], list[TensorProto]]] = [
    ("expand", [node("Expand", "one s", "big")], [tensor("s", [1 << 20, 1 << 20])]),
    (
        "outer product",
        [node("Reshape", "points s", "a"), node("Reshape", "points t", "b"), node("MatMul", "a b", "c"),
         node("Reshape", "c u", "d"), node("Reshape", "c v", "e"), node("MatMul", "d e", "big")],
        [tensor("s", [548, 1]), tensor("t", [1, 548]), tensor("u", [-1, 1]), tensor("v", [1, -1])],
    ),
    ("broadcast", [node("Reshape", "points s", "a"), node("Transpose", "a", "b"), node("Mul", "a b", "c"),
                   node("Reshape", "c s", "d"), node("Transpose", "d", "e"), node("Mul", "d e", "big")],
     [tensor("s", [-1, 1])]),
    ("doubling", [node("Concat", f"x{n} x{n}", f"x{n + 1}", axis=0) for n in range(60)],
     [tensor("x0", [1.0], np.float32)]),
    ("gather", [node("Gather", "i i", "g", axis=0), node("Gather", "points g", "big", axis=1)],
     [tensor("i", np.zeros((300, 300)))]),
    ("resize", [node("Unsqueeze", "points z", "p"), node("Resize", "p - f", "q"),
                node("Resize", "q - f", "r"), node("Resize", "r - f", "big")],
     [tensor("z", [0]), tensor("f", [1, 1, 64, 64], np.float32)]),
    ("padding", [node("Unsqueeze", "points z", "p"), node("MaxPool", "p", "big", kernel_shape=[1, 1],
                 pads=[60000, 60000, 60000, 60000])], [tensor("z", [0])]),
    ("wide border", [node("Unsqueeze", "points z", "p"), node("Pad", "p w", "big")],
     [tensor("z", [0]), tensor("w", [0, 0, 30000, 30000, 0, 0, 30000, 30000])]),
    ("more pictures", [node("Unsqueeze", "points z", "p"), node("Pad", "p w", "big")],
     [tensor("z", [0]), tensor("w", [9000, 0, 0, 0, 9000, 0, 0, 0])]),
    ("slow", [node("Expand", "one s", "a"), *[node("MatMul", "a a", f"b{n}") for n in range(20)]],
     [tensor("s", [4000, 4000])]),
    ("many", [node("Expand", "one s", "a"), *[node("Neg", "a", f"b{n}") for n in range(300)]],
     [tensor("s", [2000, 2000])]),
    ("size from the pose", [node("Cast", "points", "i", to=7), node("Reshape", "i s", "n"),
                            node("Expand", "one n", "big")], [tensor("s", [548])]),
    ("division by nought", [node("Div", "z z", "big")], [tensor("z", [0])]),
    ("nothing to slice", [node("Slice", "points z z z z", "big")], [tensor("z", [0])]),
    ("rows that do not fit", [node("ScatterND", "points z one", "big")], [tensor("z", [[0]])]),
    ("missing rows", [node("Gather", "z far", "big", axis=0)], [tensor("z", [0]), tensor("far", [5])]),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "tensors"), [g[1:] for g in GREEDY], ids=[g[0] for g in GREEDY])
def test_graphs_that_would_eat_the_machine_are_refused(
    nodes: list[NodeProto], tensors: list[TensorProto]
) -> None:
    sound = small_model()
    one = tensor("one", [[1.0]], np.float32)
    model = model_of([*nodes, *sound.graph.node], [*tensors, one, *sound.graph.initializer])
    started = time.process_time()
    with pytest.raises(DanceNowError, match="refused"):
        CheckedGenerator(model.SerializeToString())
    assert time.process_time() - started < 1


@pytest.mark.parametrize("opset", [18, 19, 20, 21])
def test_every_operator_set_that_is_read_passes(opset: int) -> None:
    sound = small_model()
    CheckedGenerator(
        model_of(list(sound.graph.node), list(sound.graph.initializer), opset).SerializeToString()
    )


def part_model(sizes: str) -> bytes:
    """Fills a part of the canvas; ``sizes`` names the blocks that it thinks the part has."""
    nodes = [
        node("Shape", "canvas", "blocks"),
        node("Mul", f"{sizes} block", "pixels"),
        node("Concat", "front pixels", "shape", axis=0),
        node("ReduceMean", "points axes", "mean", keepdims=1),
        node("Reshape", "mean four", "color"),
        node("Expand", "color shape", "rgba"),
    ]
    tensors = [
        tensor("block", [16]),
        tensor("front", [1, 4]),
        tensor("axes", [1, 2]),
        tensor("four", [-1, 1, 1, 1]),
        tensor("most", [32, 32]),
    ]
    model = model_of(nodes, tensors)
    model.graph.input.append(helper.make_tensor_value_info("canvas", TensorProto.FLOAT, ["height", "width"]))
    for axis, side in ((2, "height"), (3, "width")):
        model.graph.output[0].type.tensor_type.shape.dim[axis].dim_param = side
    return model.SerializeToString()


def test_each_size_of_a_part_is_checked() -> None:
    generator = CheckedGenerator(part_model("blocks"))
    assert generator.takes_canvas
    generator.admit((20, 12))
    stubborn = CheckedGenerator(part_model("most"))
    with pytest.raises(DanceNowError, match="another size"):
        stubborn.admit((20, 12))


def test_every_cut_of_a_sound_file_is_refused() -> None:
    data = small_model().SerializeToString()
    for length in range(0, len(data), 7):
        with pytest.raises(DanceNowError):
            CheckedGenerator(data[:length])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\xff" * 100,
        b"\x3a\xff\xff\xff\xff\x0f",
        b"\x0b" * 50,
        b"\x08" + b"\xff" * 12,
        b"PK\x03\x04",
    ],
    ids=["empty", "nought", "ones", "length", "groups", "number", "zip"],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DanceNowError, match="refused"):
        CheckedGenerator(data)


def test_a_field_given_twice_is_refused() -> None:
    """Some readers merge the two, some take the last: check and runtime might see different graphs."""
    model = small_model()
    harmless = ModelProto()
    harmless.graph.CopyFrom(model.graph)
    with pytest.raises(DanceNowError, match="more than 1 of graph"):
        CheckedGenerator(model.SerializeToString() + harmless.SerializeToString())


def test_a_large_graph_is_checked_quickly() -> None:
    nodes = [node("Neg", "points", "n0"), *[node("Neg", f"n{i}", f"n{i + 1}") for i in range(1000)]]
    weights = [
        numpy_helper.from_array(np.zeros((14000, 4), np.float32), f"large{number}") for number in range(20)
    ]
    sound = small_model()
    model = model_of([*nodes, *sound.graph.node], [*weights, *sound.graph.initializer])
    data = model.SerializeToString()
    taken = []
    for _ in range(5):
        started = time.process_time()
        CheckedGenerator(data)
        taken.append(time.process_time() - started)
    assert min(taken) < 0.1

"""Made-up character files: a generator of a few operators, and ways to spoil it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from skeletons import chibi_skeleton

from dance_now.character.character_file import CharacterCard, CharacterFile, write_character_file


def tensor(name: str, values: Any, dtype: Any = np.int64) -> TensorProto:
    """A stored tensor."""
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def node(operator: str, inputs: str, output: str, **attributes: Any) -> NodeProto:
    """An operator; inputs are words, ``-`` an absent one."""
    names = ["" if word == "-" else word for word in inputs.split()]
    return helper.make_node(operator, names, [output], **attributes)


def graph_of(nodes: list[NodeProto], tensors: list[TensorProto]) -> GraphProto:
    """A graph from points to rgba."""
    return helper.make_graph(
        nodes,
        "generator",
        [helper.make_tensor_value_info("points", TensorProto.FLOAT, ["batch", 137, 4])],
        [helper.make_tensor_value_info("rgba", TensorProto.FLOAT, ["batch", 4, 512, 512])],
        tensors,
    )


def model_of(nodes: list[NodeProto], tensors: list[TensorProto], opset: int = 18) -> ModelProto:
    """A model of these operators."""
    return helper.make_model(
        graph_of(nodes, tensors), opset_imports=[helper.make_opsetid("", opset)], ir_version=10
    )


def small_model() -> ModelProto:
    """Fills the image with a color that depends on the points."""
    weights = np.random.default_rng(0).normal(size=(4, 4, 3, 3)) * 0.2
    nodes = [
        node("Shape", "points", "sizes", start=0, end=1),
        node("Concat", "sizes rest", "wanted", axis=0),
        node("Reshape", "points wanted", "rows", allowzero=1),
        node("Cast", "weights_half", "weights", to=TensorProto.FLOAT),
        node("ReduceMean", "rows axes", "mean", keepdims=1),
        node("Mul", "mean scale", "scaled"),
        node("Resize", "scaled - factors", "grown", mode="nearest", nearest_mode="floor",
             coordinate_transformation_mode="asymmetric"),
        node("Conv", "grown weights", "mixed", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Sigmoid", "mixed", "color"),
        node("Slice", "color starts ends last", "corner"),
        node("Expand", "corner picture", "rgba"),
    ]  # fmt: skip
    tensors = [
        tensor("rest", [4, 137, 1]),
        tensor("axes", [2]),
        tensor("scale", 0.01, np.float32),
        tensor("factors", [1, 1, 8, 8], np.float32),
        tensor("weights_half", weights, np.float16),
        tensor("starts", [3, 3]),
        tensor("ends", [4, 4]),
        tensor("last", [2, 3]),
        tensor("picture", [1, 4, 512, 512]),
    ]
    return model_of(nodes, tensors)


def preview() -> bytes:
    """A small PNG."""
    ok, encoded = cv2.imencode(".png", np.full((8, 8, 4), 200, np.uint8))
    assert ok
    return bytes(encoded.tobytes())


def content(generator: bytes | None = None, **card: Any) -> CharacterFile:
    """What a character file holds; ``card`` replaces entries of the card."""
    entries: dict[str, Any] = {
        "name": "tester",
        "version": "1",
        "licence": "CC0",
        "credits": "nobody",
        "skeleton": chibi_skeleton(),
    }
    data = small_model().SerializeToString() if generator is None else generator
    return CharacterFile(CharacterCard(**{**entries, **card}), data, preview())


def file_bytes(folder: Path, what: CharacterFile) -> bytes:
    """The bytes of a character file."""
    path = folder / "tester.dance"
    write_character_file(path, what)
    data = path.read_bytes()
    path.unlink()
    return data


def members(data: bytes) -> dict[str, bytes]:
    """The members of a zip."""
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}

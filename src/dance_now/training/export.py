"""From trained weights to a character file."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from dance_now.arrays import FloatArray
from dance_now.character.file import CANVAS, CharacterCard, CharacterFile
from dance_now.errors import DanceNowError
from dance_now.pose.keypoints import POINT_COUNT

logger = logging.getLogger(__name__)

OPSET = 18
TOLERANCE = 2e-3
_DECIDED_BY_ROUNDING = 1e-3  # part of a picture's values
_HALF_FROM = 512  # elements; smaller tensors are kept in single precision


def export_character(shipped: nn.Module, card: CharacterCard, samples: FloatArray) -> CharacterFile:
    """The character file's content.

    Args:
        shipped: keypoints (B, 137, 4) in canvas px to straight RGBA (B, 4, CANVAS, CANVAS), evaluation mode.
        card: what character.json will say.
        samples: (n, 137, 4) labels on which the graph is compared with torch; the first is the preview.

    Raises:
        DanceNowError: the graph and torch differ by more than TOLERANCE.
    """
    shipped = rounded(shipped).cpu().eval()
    graph = to_onnx(shipped)
    difference, pictures = compare(shipped, graph, samples)
    logger.info("onnx differs from torch by at most %.1e", difference)
    if difference > TOLERANCE:
        raise DanceNowError(
            f"The exported graph differs from the trained network by {difference:.1e}: not exported."
        )
    preview = (np.clip(pictures[0].transpose(1, 2, 0), 0, 1) * 255 + 0.5).astype(np.uint8)
    ok, encoded = cv2.imencode(".png", cv2.cvtColor(preview, cv2.COLOR_RGBA2BGRA))
    if not ok:
        raise DanceNowError("The preview picture could not be encoded.")
    return CharacterFile(card, graph, encoded.tobytes())


def rounded(network: nn.Module) -> nn.Module:
    """A copy whose large tensors are rounded to half precision, as the file stores them."""
    network = copy.deepcopy(network)
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.is_floating_point() and tensor.numel() >= _HALF_FROM:
                tensor.copy_(tensor.half().float())
    return network


def to_onnx(shipped: nn.Module, points: tuple[int, int] = (POINT_COUNT, 4), output: str = "rgba") -> bytes:
    """The graph of a network, large weights in half precision.

    Args:
        shipped: its network; by default one that makes points (B, 137, 4) into rgba (B, 4, 512, 512).
        points: rows and columns of its input, which is called "points".
        output: what its output is to be called.
    """
    example = torch.rand(2, *points)
    with _quiet_torch():
        program = torch.onnx.export(
            shipped,
            (example,),
            input_names=["points"],
            output_names=[output],
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=64)},),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _store_in_half(model.graph)
    model.producer_name, model.producer_version, model.doc_string = "dance_now", "", ""
    _leave_out_notes(model.graph)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@contextmanager
def _quiet_torch() -> Iterator[None]:
    """Hides warnings about torch's own parts: deprecations among them, operators of an absent torchvision."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        exporter.setLevel(level)


def _leave_out_notes(graph: onnx.GraphProto) -> None:
    """Removes torch's notes for debugging, file paths among them, and sizes that runtimes infer."""
    graph.ClearField("value_info")
    graph.ClearField("doc_string")
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
    for node in graph.node:
        node.ClearField("doc_string")


def _store_in_half(graph: onnx.GraphProto) -> None:
    """Stores large float tensors as float16 and casts them back; the runtime folds the cast on loading."""
    for position, tensor in enumerate(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _HALF_FROM:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half, values):  # torch worked it out of others: rounding it would add an error
            continue
        name = tensor.name
        graph.initializer[position].CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        graph.node.insert(0, helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))


def compare(shipped: nn.Module, graph: bytes, samples: FloatArray) -> tuple[float, FloatArray]:
    """Greatest premultiplied difference of torch and ONNX over samples (n, 137, 4), and ONNX's pictures.

    Where two patches lie equally near, rounding decides which of them shows: that many values are left out.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    pictures, worst = [], 0.0
    for sample in samples:
        points = sample[None].astype(np.float32)
        (drawn,) = session.run(None, {"points": points})
        with torch.no_grad():
            true = shipped(torch.from_numpy(points)).numpy()
        difference = np.abs(_premultiply(drawn) - _premultiply(true))
        worst = max(worst, float(np.quantile(difference, 1 - _DECIDED_BY_ROUNDING)))
        pictures.append(drawn[0])
    assert pictures[0].shape == (4, CANVAS, CANVAS)
    return worst, np.stack(pictures)


def _premultiply(rgba: FloatArray) -> FloatArray:
    return np.concatenate([rgba[:, :3] * rgba[:, 3:], rgba[:, 3:]], axis=1)

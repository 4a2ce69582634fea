"""From trained weights to a character file."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import onnx
import onnx_ir
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx_ir.passes import common as passes
from onnxscript.optimizer import fold_constants
from torch import Tensor, nn

from dance_now.character.canvas_region import BLOCK
from dance_now.character.character_file import CANVAS, CharacterCard, CharacterFile
from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_sink import encode_image
from dance_now.pose.model.keypoints import POINT_COUNT
from dance_now.training.exported_module import ExportedModule

logger = logging.getLogger(__name__)

Network = TypeVar("Network", bound=nn.Module)

OPSET = 18
TOLERANCE = 2e-3
_DECIDED_BY_ROUNDING = 1e-3  # part of a picture's values
_PART = 320  # height of a part of the canvas that is compared as well
_HALF_FROM = 512  # elements; smaller tensors are kept in single precision


def export_character(shipped: ExportedModule, card: CharacterCard, samples: FloatArray) -> CharacterFile:
    """The character file's content.

    Args:
        shipped: in evaluation mode.
        card: what character.json will say.
        samples: (n, 137, 4) labels on which the graph is compared with torch; the first is the preview.

    Raises:
        DanceNowError: the graph and torch differ by more than TOLERANCE.
    """
    shipped = rounded(shipped).cpu().eval()
    graph = drawing_graph(shipped)
    difference, pictures = compare(shipped, graph, samples)
    logger.info("onnx differs from torch by at most %.1e", difference)
    if difference > TOLERANCE:
        raise DanceNowError(
            f"The exported graph differs from the trained network by {difference:.1e}: not exported."
        )
    preview = (np.clip(pictures[0].transpose(1, 2, 0), 0, 1) * 255 + 0.5).astype(np.uint8)
    return CharacterFile(card, graph, encode_image(preview, ".png"))


def drawing_graph(shipped: ExportedModule) -> bytes:
    """The graph of a network that draws."""
    return to_onnx(shipped, _drawing_inputs(shipped), "rgba")


def rounded(network: Network) -> Network:
    """A copy whose large tensors are rounded to half precision, as the file stores them."""
    network = copy.deepcopy(network)
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.is_floating_point() and tensor.numel() >= _HALF_FROM:
                tensor.copy_(tensor.half().float())
    return network


Sizes = dict[int, Any]
"""Axes of an input whose sizes are left open, as ``torch.export`` names them."""


def batch_of(*shape: int) -> tuple[Tensor, Sizes]:
    """An example of an input that is a batch of some shape."""
    return torch.rand(2, *shape), {0: torch.export.Dim("batch", min=1, max=64)}


def _drawing_inputs(shipped: ExportedModule) -> dict[str, tuple[Tensor, Sizes]]:
    inputs = {"points": batch_of(POINT_COUNT, 4)}
    if shipped.draws_parts:
        height, width = (torch.export.Dim(side, min=2, max=CANVAS // BLOCK) for side in ("height", "width"))
        inputs["canvas"] = torch.zeros(20, 24), {0: height, 1: width}
    return inputs


def to_onnx(network: nn.Module, inputs: Mapping[str, tuple[Tensor, Sizes]], output: str) -> bytes:
    """The graph of a network, large weights in half precision.

    Args:
        network: in evaluation mode.
        inputs: its inputs' names, an example of each, and which of their sizes are left open.
        output: what its output is to be called.
    """
    examples, sizes = zip(*inputs.values(), strict=True)
    with _quiet_torch():
        program = torch.onnx.export(
            network,
            examples,
            input_names=list(inputs),
            output_names=[output],
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes=sizes,
            verbose=False,
            optimize=False,
        )
    assert program is not None
    _tidy(program.model)
    model = program.model_proto
    _store_in_half(model.graph)
    model.producer_name, model.producer_version, model.doc_string = "dance_now", "", ""
    _leave_out_notes(model.graph)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _tidy(model: onnx_ir.Model) -> None:
    """Works constants out and drops what nothing needs.

    That is what matters of torch's optimisation, whose search for patterns takes longer than all the rest.
    """
    fold_constants(model)
    passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    for node in model.graph:
        if node.op_type == "Reshape":
            _leave_size_open(model.graph, node)
        elif node.op_type == "ScatterND":
            _put_as_it_is(node)
    passes.RemoveUnusedNodesPass()(model)
    passes.CommonSubexpressionEliminationPass()(model)


def _put_as_it_is(scatter: onnx_ir.Node) -> None:
    """Drops the expansion of values to the shape of the places they are put in, which they have already."""
    values = scatter.inputs[2]
    expand = None if values is None else values.producer()
    if expand is not None and expand.op_type == "Expand":
        scatter.replace_input_with(2, expand.inputs[0])


def _leave_size_open(graph: onnx_ir.Graph, reshape: onnx_ir.Node) -> None:
    """Writes -1 for the one size that a Reshape has worked out, since it follows from the others."""
    wanted = reshape.inputs[1]
    concat = None if wanted is None else wanted.producer()
    if concat is None or concat.op_type != "Concat":
        return
    stored = [None if value is None else value.const_value for value in concat.inputs]
    sizes = np.concatenate([[-1] if tensor is None else tensor.numpy().reshape(-1) for tensor in stored])
    if (sizes == -1).sum() != 1 or None not in stored:
        return
    name = f"{concat.outputs[0].name}_open"
    if name not in graph.initializers:
        tensor = onnx_ir.tensor(sizes.astype(np.int64), name=name)
        graph.register_initializer(onnx_ir.Value(name=name, const_value=tensor))
    reshape.replace_input_with(1, graph.initializers[name])


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


def compare(shipped: ExportedModule, graph: bytes, samples: FloatArray) -> tuple[float, FloatArray]:
    """Greatest premultiplied difference of torch and ONNX over samples (n, 137, 4), and ONNX's pictures.

    Where two patches lie equally near, rounding decides which of them shows: that many values are left out.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    pictures, worst = [], 0.0
    for sample in samples:
        for side in (CANVAS, _PART) if shipped.draws_parts else (CANVAS,):
            feeds = {"points": sample[None].astype(np.float32)}
            if shipped.draws_parts:
                feeds["canvas"] = np.zeros((side // BLOCK, CANVAS // BLOCK), np.float32)
            (drawn,) = session.run(None, feeds)
            with torch.no_grad():
                true = shipped(*map(torch.from_numpy, feeds.values())).numpy()
            difference = np.abs(_premultiply(drawn) - _premultiply(true))
            worst = max(worst, float(np.quantile(difference, 1 - _DECIDED_BY_ROUNDING)))
            if side == CANVAS:
                pictures.append(drawn[0])
    return worst, np.stack(pictures)


def _premultiply(rgba: FloatArray) -> FloatArray:
    return np.concatenate([rgba[:, :3] * rgba[:, 3:], rgba[:, 3:]], axis=1)

"""ONNX export of a generator: dynamo exporter, graph clean-up, float16 weights, comparison with torch."""

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
from dance_now.character.character_file import CANVAS
from dance_now.core.arrays import FloatArray
from dance_now.pose.model.keypoints import POINT_COUNT
from dance_now.training.exported_module import ExportedModule

Network = TypeVar("Network", bound=nn.Module)

OPSET = 18
TOLERANCE = 2e-3
_ROUNDING_SHARE = 1e-3  # fraction of an image's values that may differ by rounding
_PART = 320  # height of a canvas region that is compared as well
_HALF_FROM = 512  # elements; smaller tensors are kept in single precision


def generator_graph(exported: ExportedModule) -> bytes:
    """Exports a generator to a serialised ONNX graph."""
    return to_onnx(exported, _drawing_inputs(exported), "rgba")


def rounded_to_half(network: Network) -> Network:
    """A copy whose large tensors are rounded to float16, as the file stores them."""
    network = copy.deepcopy(network)
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.is_floating_point() and tensor.numel() >= _HALF_FROM:
                tensor.copy_(tensor.half().float())
    return network


DynamicAxes = dict[int, Any]
"""Dynamic axes of an input, as ``torch.export`` names them."""


def example_batch(*shape: int) -> tuple[Tensor, DynamicAxes]:
    """Example input: a batch of some shape, with its dynamic axis."""
    return torch.rand(2, *shape), {0: torch.export.Dim("batch", min=1, max=64)}


def _drawing_inputs(exported: ExportedModule) -> dict[str, tuple[Tensor, DynamicAxes]]:
    inputs = {"points": example_batch(POINT_COUNT, 4)}
    if exported.draws_parts:
        height, width = (torch.export.Dim(side, min=2, max=CANVAS // BLOCK) for side in ("height", "width"))
        inputs["canvas"] = torch.zeros(20, 24), {0: height, 1: width}
    return inputs


def to_onnx(network: nn.Module, inputs: Mapping[str, tuple[Tensor, DynamicAxes]], output: str) -> bytes:
    """Exports a network to a serialised ONNX graph, large weights in float16.

    Args:
        network: in evaluation mode.
        inputs: by name an example of each input and its dynamic axes.
        output: name of the output.
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
    _simplify(program.model)
    model = program.model_proto
    _store_as_float16(model.graph)
    model.producer_name, model.producer_version, model.doc_string = "dance_now", "", ""
    _strip_metadata(model.graph)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _simplify(model: onnx_ir.Model) -> None:
    """Folds constants and removes unused and common subexpressions.

    Torch's own optimisation also rewrites patterns, which takes longer than all the rest.
    """
    fold_constants(model)
    passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    for node in model.graph:
        if node.op_type == "Reshape":
            _infer_reshape_size(model.graph, node)
        elif node.op_type == "ScatterND":
            _drop_scatter_expand(node)
    passes.RemoveUnusedNodesPass()(model)
    passes.CommonSubexpressionEliminationPass()(model)


def _drop_scatter_expand(scatter: onnx_ir.Node) -> None:
    """Removes a redundant Expand of scattered values, which have the shape of their indices already."""
    values = scatter.inputs[2]
    expand = None if values is None else values.producer()
    if expand is not None and expand.op_type == "Expand":
        scatter.replace_input_with(2, expand.inputs[0])


def _infer_reshape_size(graph: onnx_ir.Graph, reshape: onnx_ir.Node) -> None:
    """Replaces the one computed size of a Reshape by -1, since it follows from the others."""
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
    """Silences warnings of torch's exporter: deprecations, operators of an absent torchvision."""
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


def _strip_metadata(graph: onnx.GraphProto) -> None:
    """Strips debug metadata, file paths among them, and shapes that runtimes infer."""
    graph.ClearField("value_info")
    graph.ClearField("doc_string")
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
    for node in graph.node:
        node.ClearField("doc_string")


def _store_as_float16(graph: onnx.GraphProto) -> None:
    """Stores large float tensors as float16 with a Cast, which the runtime folds on loading."""
    for position, tensor in enumerate(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _HALF_FROM:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half, values):  # folded from other tensors: rounding it would add an error
            continue
        name = tensor.name
        graph.initializer[position].CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        graph.node.insert(0, helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))


def compare(exported: ExportedModule, graph: bytes, samples: FloatArray) -> tuple[float, FloatArray]:
    """Compares torch and ONNX over samples (n, 137, 4): largest premultiplied difference, and ONNX's images.

    Where two patches have the same depth, rounding decides which is seen: that many values are ignored.
    """
    onnxruntime.disable_telemetry_events()  # which its builds for Windows send
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    pictures, worst = [], 0.0
    for sample in samples:
        for side in (CANVAS, _PART) if exported.draws_parts else (CANVAS,):
            feeds = {"points": sample[None].astype(np.float32)}
            if exported.draws_parts:
                feeds["canvas"] = np.zeros((side // BLOCK, CANVAS // BLOCK), np.float32)
            (drawn,) = session.run(None, feeds)
            with torch.no_grad():
                true = exported(*map(torch.from_numpy, feeds.values())).numpy()
            difference = np.abs(_premultiply(drawn) - _premultiply(true))
            worst = max(worst, float(np.quantile(difference, 1 - _ROUNDING_SHARE)))
            if side == CANVAS:
                pictures.append(drawn[0])
    return worst, np.stack(pictures)


def _premultiply(rgba: FloatArray) -> FloatArray:
    return np.concatenate([rgba[:, :3] * rgba[:, 3:], rgba[:, 3:]], axis=1)

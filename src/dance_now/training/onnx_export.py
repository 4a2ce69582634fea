"""ONNX export of a points generator: dynamo exporter, float16 weights."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx_ir.passes import common as passes
from onnxscript.optimizer import fold_constants

from dance_now.pose.model.keypoints import POINT_COUNT
from dance_now.training.networks.points_generator import ExportedPointsGenerator

_OPSET: Final = 18
_LARGEST_BATCH: Final = 64
_HALF_FROM: Final = 512  # elements; smaller tensors are kept in single precision


def generator_graph(exported: ExportedPointsGenerator) -> bytes:
    """Exports a generator in evaluation mode as a serialised ONNX graph, large weights in float16.

    Its input ``points`` (batch, 137, 4) is in pixels of the 512x512 canvas, its output ``rgba``
    (batch, 4, 512, 512) is straight RGBA in [0, 1].
    """
    batch = torch.export.Dim("batch", min=1, max=_LARGEST_BATCH)
    with _quiet_torch():
        program = torch.onnx.export(
            exported,
            (torch.rand(2, POINT_COUNT, 4),),
            input_names=["points"],
            output_names=["rgba"],
            opset_version=_OPSET,
            dynamo=True,
            dynamic_shapes=({0: batch},),
            verbose=False,
            optimize=False,  # takes longer than all the rest
        )
    assert program is not None
    fold_constants(program.model)
    passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(program.model)
    passes.RemoveUnusedNodesPass()(program.model)
    model = program.model_proto
    _store_as_float16(model.graph)
    model.producer_name, model.producer_version, model.doc_string = "dance_now", "", ""
    _strip_metadata(model.graph)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


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

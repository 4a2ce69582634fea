"""Pruning of LiteRT networks: outputs that nobody reads are left out, with the layers that only they need.

LiteRT runs all layers of a file, whatever is read of it. Format: TensorFlow Lite schema, version 3, read and
written by the classes that LiteRT's package brings.
"""

from __future__ import annotations

from collections.abc import Collection

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

_IDENTIFIER = b"TFL3"


def without_outputs(content: bytes, shapes: Collection[tuple[int, ...]]) -> bytes:
    """Removes outputs from a network.

    Args:
        content: of a trusted tflite file: one subgraph, whose layers stand in the order in which they run.
        shapes: of the outputs to remove, batch first.

    Returns:
        The content of the smaller network; what it still returns has the same bits.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    (graph,) = model.subgraphs
    graph.outputs = [each for each in graph.outputs if _shape(graph, each) not in shapes]
    needed = {int(each) for each in graph.outputs}
    layers = []
    for layer in reversed(graph.operators):
        if not needed.isdisjoint(map(int, layer.outputs)):
            layers.append(layer)
            needed.update(map(int, layer.inputs))
    graph.operators = layers[::-1]
    model.signatureDefs = None  # they name the outputs that are gone
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _shape(graph: schema.SubGraphT, tensor: int) -> tuple[int, ...]:
    return tuple(int(side) for side in graph.tensors[tensor].shape)

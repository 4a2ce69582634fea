"""Decides whether bytes from a stranger are a character's generator, before onnxruntime sees them.

onnxruntime trusts a graph: a few bytes of constants can ask it for terabytes, some of them already while it
loads. So the sizes of all values are followed through the graph first, operator by operator, for one pose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from dance_now.character.file import CANVAS
from dance_now.character.onnx_file import FLOAT, Graph, Node, Port, element_count, read_graph
from dance_now.character.onnx_rules import ATTRIBUTES, RULES
from dance_now.character.onnx_values import Operands, Shape, Value
from dance_now.character.onnx_wire import UnfitError
from dance_now.errors import DanceNowError
from dance_now.pose.keypoints import POINT_COUNT

# A generator of the default size makes 48 million numbers with 3 thousand million multiplications.
_MAXIMUM_MADE: Final = 1 << 28
_MAXIMUM_MULTIPLICATIONS: Final = 1 << 37
_POINTS = (POINT_COUNT, 4)
_PICTURE = (4, CANVAS, CANVAS)


def check_generator(data: bytes) -> None:
    """Checks structure, operators, interface and sizes of a generator without running anything.

    Args:
        data: an ONNX file that takes points (batch, 137, 4) and returns rgba (batch, 4, 512, 512).

    Raises:
        DanceNowError: it is something else; says what.
    """
    try:
        graph = read_graph(data)
        if not _is_port(graph.inputs, "points", _POINTS) or not _is_port(graph.outputs, "rgba", _PICTURE):
            raise UnfitError("it does not take points and return rgba")
        if "points" in graph.tensors:
            raise UnfitError("it stores its own input")
        if _check_sizes(graph, (1, *_POINTS)) != (1, *_PICTURE):
            raise UnfitError("its pictures have another size")
    except UnfitError as error:
        raise DanceNowError(f"The character's generator is refused: {error}.") from error


def _is_port(ports: tuple[Port, ...], name: str, shape: tuple[int, ...]) -> bool:
    if len(ports) != 1 or len(ports[0].shape) != len(shape) + 1:
        return False
    port = ports[0]
    batch = port.shape[0]
    return (port.name, port.element, port.shape[1:]) == (name, FLOAT, shape) and isinstance(batch, str)


def _check_sizes(graph: Graph, points: Shape) -> Shape:
    """Follows all sizes through a graph with one input; returns the shape of its output.

    Raises:
        UnfitError: a foreign operator, operands that do not fit, or values that are too large.
    """
    values = {name: Value.of(tensor) for name, tensor in graph.tensors.items()}
    values[graph.inputs[0].name] = Value(FLOAT, points)
    made = multiplications = 0
    for node in graph.nodes:
        rule = RULES.get(node.operator)
        if rule is None:
            raise UnfitError(f"the operator {node.operator!r}, which a generator has no need of")
        foreign = node.attributes.keys() - ATTRIBUTES.get(node.operator, ())
        if foreign:
            raise UnfitError(f"{node.operator} with {', '.join(sorted(foreign))[:80]!r}")
        if len(node.outputs) != 1 or not node.outputs[0] or node.outputs[0] in values:
            raise UnfitError(f"{node.operator} should have one output of its own")
        try:
            operands = [values[name] if name else None for name in node.inputs]
        except KeyError as error:
            raise UnfitError(f"{node.operator} uses {error}, which nothing makes before it") from error
        result = rule(Operands(node, operands))
        count = element_count(result.shape)
        made += count
        multiplications += count * _depth(node, operands)
        if made > _MAXIMUM_MADE or multiplications > _MAXIMUM_MULTIPLICATIONS:
            raise UnfitError("it computes more than a generator needs to")
        values[node.outputs[0]] = result
    output = values.get(graph.outputs[0].name)
    if output is None or output.element != FLOAT:
        raise UnfitError("nothing makes its output")
    return output.shape


def _depth(node: Node, operands: Sequence[Value | None]) -> int:
    """Multiplications for one number of a product or a convolution."""
    shapes = [operand.shape for operand in operands if operand is not None]
    if node.operator == "MatMul":
        return shapes[0][-1]
    if node.operator == "Conv":
        return math.prod(shapes[1][1:])
    if node.operator in ("MaxPool", "AveragePool"):
        kernel = node.attributes["kernel_shape"]
        return math.prod(kernel) if isinstance(kernel, tuple) else 1
    return 1

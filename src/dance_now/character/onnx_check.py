"""Decides whether bytes from a stranger are a character's generator, before onnxruntime sees them.

onnxruntime trusts a graph: a few bytes of constants can ask it for terabytes, some of them already while it
loads. So the sizes of all values are followed through the graph first, operator by operator, for one pose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import is_not
from typing import Final

from dance_now.character.canvas_region import BLOCK
from dance_now.character.character_file import CANVAS
from dance_now.character.onnx_file import FLOAT, Node, Port, element_count, read_graph
from dance_now.character.onnx_rules import ATTRIBUTES, RULES
from dance_now.character.onnx_values import Operands, Shape, Value
from dance_now.character.onnx_wire import UnfitError
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.keypoints import POINT_COUNT

# A generator of the default size makes at most 680 million numbers with 3 thousand million multiplications.
_MAXIMUM_MADE: Final = 3 << 28
_MAXIMUM_MULTIPLICATIONS: Final = 1 << 37
_POINTS = (POINT_COUNT, 4)
_POSE: Final = Value(FLOAT, (1, *_POINTS))


class CheckedGenerator:
    """A generator that is known to be one, and the sizes of pictures that it may be asked for.

    Args:
        data: an ONNX file that takes points (batch, 137, 4) and, if it draws parts of its canvas, a canvas of
            any numbers (height, width), one for each block of 16x16 pixels. It returns rgba (batch, 4, height
            and width of the canvas in pixels, or 512). Nothing of it is run.

    Raises:
        DanceNowError: it is something else; says what.
    """

    def __init__(self, data: bytes) -> None:
        try:
            graph = read_graph(data)
            self.takes_canvas = len(graph.inputs) == 2
            sides: tuple[int | None, ...] = (None, None) if self.takes_canvas else (CANVAS, CANVAS)
            ports = ("points", "canvas")[: len(graph.inputs)]
            if (
                len(graph.inputs) not in (1, 2)
                or not _is_port(graph.inputs[0], "points", (None, *_POINTS))
                or (self.takes_canvas and not _is_port(graph.inputs[1], "canvas", (None, None)))
                or len(graph.outputs) != 1
                or not _is_port(graph.outputs[0], "rgba", (None, 4, *sides))
            ):
                raise UnfitError("it does not take points and return rgba")
            if graph.tensors.keys() & set(ports):
                raise UnfitError("it stores its own input")
        except UnfitError as error:
            raise _refusal(error) from error
        self._walk = _Walk(graph.nodes)
        self._stored = {name: Value.of(tensor) for name, tensor in graph.tensors.items()}
        self._output = graph.outputs[0].name
        self._admitted: set[Shape] = set()
        self.admit((CANVAS // BLOCK, CANVAS // BLOCK))

    def admit(self, blocks: Shape) -> None:
        """Checks that a canvas of some height and width in blocks asks for no more than a generator needs.

        Raises:
            DanceNowError: it does, or the picture would have another size.
        """
        if blocks in self._admitted:
            return
        inputs = {"points": _POSE}
        if self.takes_canvas:
            inputs["canvas"] = Value(FLOAT, blocks)
        try:
            shape = self._walk({**self._stored, **inputs}, self._output)
            if shape != (1, 4, blocks[0] * BLOCK, blocks[1] * BLOCK):
                raise UnfitError("its pictures have another size")
        except UnfitError as error:
            raise _refusal(error) from error
        self._admitted.add(blocks)


def _refusal(error: UnfitError) -> DanceNowError:
    return DanceNowError(f"The character's generator is refused: {error}.")


def _is_port(port: Port, name: str, shape: tuple[int | None, ...]) -> bool:
    """Whether a port has this name and holds floats of this shape; None is a size that is left open."""
    open_sizes = tuple(None if isinstance(size, str) else size for size in port.shape)
    return (port.name, port.element, open_sizes) == (name, FLOAT, shape)


@dataclass(frozen=True, eq=False)
class _Step:
    """What a node makes of its operands, and how many numbers and multiplications that takes."""

    operands: tuple[Value | None, ...]
    result: Value
    made: int
    multiplications: int


class _Walk:
    """Follows sizes through a graph; a second time only where they differ from before."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._steps: dict[int, _Step] = {}

    def __call__(self, values: dict[str, Value], wanted: str) -> Shape:
        """Follows all sizes from known values; returns the shape of the value that is wanted.

        Raises:
            UnfitError: a foreign operator, operands that do not fit, or values that are too large.
        """
        made = multiplications = 0
        for number, node in enumerate(self._nodes):
            if len(node.outputs) != 1 or not node.outputs[0] or node.outputs[0] in values:
                raise UnfitError(f"{node.operator} should have one output of its own")
            try:
                operands = tuple(values[name] if name else None for name in node.inputs)
            except KeyError as error:
                raise UnfitError(f"{node.operator} uses {error}, which nothing makes before it") from error
            step = self._steps.get(number)
            if step is None or any(map(is_not, step.operands, operands)):
                step = self._steps[number] = _step(node, operands, step)
            made += step.made
            multiplications += step.multiplications
            if made > _MAXIMUM_MADE or multiplications > _MAXIMUM_MULTIPLICATIONS:
                raise UnfitError("it computes more than a generator needs to")
            values[node.outputs[0]] = step.result
        output = values.get(wanted)
        if output is None or output.element != FLOAT:
            raise UnfitError("nothing makes its output")
        return output.shape


def _step(node: Node, operands: tuple[Value | None, ...], before: _Step | None) -> _Step:
    """Checks a node; a result like that of ``before`` is that one, so that the walk goes on as before."""
    rule = RULES.get(node.operator)
    if rule is None:
        raise UnfitError(f"the operator {node.operator!r}, which a generator has no need of")
    foreign = node.attributes.keys() - ATTRIBUTES.get(node.operator, ())
    if foreign:
        raise UnfitError(f"{node.operator} with {', '.join(sorted(foreign))[:80]!r}")
    result = _bounded(node, operands, rule(Operands(node, operands)))
    if before is not None and before.result.alike(result):
        result = before.result
    count = element_count(result.shape)
    return _Step(operands, result, count, count * _depth(node, operands))


def _bounded(node: Node, operands: Sequence[Value | None], result: Value) -> Value:
    """What is made of values whose shapes are bounds has one too, and numbers that nobody knows.

    What would make more of less is refused by its rule, so bounds are followed through the graph as if they
    were shapes. Sizes that a graph works out of them would break this: they are forgotten, and no operator
    takes them.
    """
    if node.operator == "Shape" and operands[0] is not None and operands[0].at_most:
        return replace(result, known=None)
    fills_in = node.operator in ("ScatterElements", "ScatterND")
    shaped = operands[:1] if fills_in else operands
    if any(operand is not None and operand.at_most for operand in shaped):
        return replace(result, known=None, at_most=True)
    return result


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

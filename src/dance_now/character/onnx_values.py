"""What is known of a value of a graph before it is computed, and the operands of a node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.character.onnx_file import INT64, Node, Tensor, element_count
from dance_now.character.onnx_wire import UnfitError

MAXIMUM_KNOWN: Final = 256  # numbers; larger constants decide no shapes

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Value:
    """One value of the graph: element type, shape, and its numbers where they are few and constant.

    How many places NonZero finds is known when it runs: such a value is ``at_most`` of its shape, and what is
    made of it too.
    """

    element: int
    shape: Shape
    known: npt.NDArray[Any] | None = None
    at_most: bool = False

    @classmethod
    def of(cls, tensor: Tensor) -> Value:
        """A stored tensor."""
        known = tensor.values() if element_count(tensor.shape) <= MAXIMUM_KNOWN else None
        return cls(tensor.element, tensor.shape, known)

    def alike(self, other: Value) -> bool:
        """Whether the same is known of both."""
        if (self.element, self.shape, self.at_most) != (other.element, other.shape, other.at_most):
            return False
        if self.known is None or other.known is None:
            return self.known is other.known
        return np.array_equal(self.known, other.known)


class Operands:
    """The inputs and attributes of one node."""

    def __init__(self, node: Node, values: Sequence[Value | None]) -> None:
        self.node = node
        self.values = values

    def __getitem__(self, position: int) -> Value:
        value = self.get(position)
        if value is None:
            raise UnfitError(f"{self.node.operator} lacks an input")
        return value

    def get(self, position: int) -> Value | None:
        """An input that may be absent."""
        return self.values[position] if position < len(self.values) else None

    def present(self) -> list[Value]:
        """All inputs, none of them absent."""
        return [self[position] for position in range(len(self.values))]

    def numbers(self, position: int) -> list[int]:
        """A constant input of whole numbers."""
        value = self[position]
        if value.known is None or value.element != INT64 or value.known.ndim > 1:
            raise UnfitError(f"{self.node.operator} takes a size that is not constant")
        return [int(number) for number in value.known.reshape(-1)]

    def number(self, position: int) -> int:
        """A constant input that is one whole number."""
        numbers = self.numbers(position)
        if len(numbers) != 1:
            raise UnfitError(f"{self.node.operator} takes one number")
        return numbers[0]

    def integer(self, name: str, default: int) -> int:
        """An attribute that is a whole number."""
        value = self.node.attributes.get(name, default)
        if not isinstance(value, int):
            raise UnfitError(f"{self.node.operator}: {name} should be a whole number")
        return value

    def flag(self, name: str, default: int) -> bool:
        """An attribute that is 0 or 1; any other number may mean either to a runtime."""
        value = self.integer(name, default)
        if value not in (0, 1):
            raise UnfitError(f"{self.node.operator}: {name} should be 0 or 1")
        return value == 1

    def integers(self, name: str, default: Shape) -> Shape:
        """An attribute that is a list of whole numbers."""
        value = self.node.attributes.get(name, default)
        if not isinstance(value, tuple) or len(value) != len(default):
            raise UnfitError(f"{self.node.operator}: {name} should be {len(default)} whole numbers")
        return value

    def axis(self, value: Value, default: int) -> int:
        """The attribute ``axis``, counted from the front."""
        return counted_axis(self.integer("axis", default), len(value.shape))


def counted_axis(axis: int, rank: int) -> int:
    """An axis of -rank to rank - 1, counted from the front."""
    if not -rank <= axis < rank:
        raise UnfitError(f"axis {axis} of {rank}")
    return axis % rank


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape to which all of them extend."""
    rank = max(map(len, shapes))
    result = [1] * rank
    for shape in shapes:
        for position, size in enumerate(shape, rank - len(shape)):
            if size != 1 and result[position] not in (1, size):
                raise UnfitError(f"shapes {result[position]} and {size} that do not fit")
            if size != 1:
                result[position] = size
    return tuple(result)

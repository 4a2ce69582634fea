"""Reads an ONNX file without the onnx package, and refuses whatever a generator has no need of.

Source: the messages of onnx.proto, with the fields that an exporter writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.character.onnx_wire import (
    BYTES,
    FIXED32,
    MAXIMUM_NUMBERS,
    PACKED_FLOATS,
    PACKED_INTS,
    VARINT,
    Fields,
    Message,
    UnfitError,
    check_count,
    decode,
    integer,
    integers,
    message,
    only,
    text,
)

OPSETS: Final = range(18, 22)
_IR_VERSIONS: Final = range(8, 12)
_MAXIMUM_ATTRIBUTES: Final = 32
_MAXIMUM_RANK: Final = 8
_MAXIMUM_ATTRIBUTE: Final = 1 << 16
_MAXIMUM_ELEMENTS: Final = 1 << 26

FLOAT, UINT8, INT32, INT64, BOOL, FLOAT16 = 1, 2, 6, 7, 9, 10
ELEMENT_TYPES: Final[Mapping[int, npt.DTypeLike]] = {
    FLOAT: "<f4",
    UINT8: "u1",
    INT32: "<i4",
    INT64: "<i8",
    BOOL: "?",
    FLOAT16: "<f2",
}

_MODEL: Final[Fields] = {
    1: ("ir_version", VARINT, False),
    2: ("producer_name", BYTES, False),
    3: ("producer_version", BYTES, False),
    5: ("model_version", VARINT, False),
    6: ("doc_string", BYTES, False),
    7: ("graph", BYTES, False),
    8: ("opset_import", BYTES, True),
    14: ("metadata_props", BYTES, True),
}
_OPSET: Final[Fields] = {1: ("domain", BYTES, False), 2: ("version", VARINT, False)}
_GRAPH: Final[Fields] = {
    1: ("node", BYTES, True),
    2: ("name", BYTES, False),
    5: ("initializer", BYTES, True),
    10: ("doc_string", BYTES, False),
    11: ("input", BYTES, True),
    12: ("output", BYTES, True),
    13: ("value_info", BYTES, True),
    16: ("metadata_props", BYTES, True),
}
_NODE: Final[Fields] = {
    1: ("input", BYTES, True),
    2: ("output", BYTES, True),
    3: ("name", BYTES, False),
    4: ("op_type", BYTES, False),
    5: ("attribute", BYTES, True),
    6: ("doc_string", BYTES, False),
    7: ("domain", BYTES, False),
    9: ("metadata_props", BYTES, True),
}
_ATTRIBUTE: Final[Fields] = {
    1: ("name", BYTES, False),
    2: ("f", FIXED32, False),
    3: ("i", VARINT, False),
    4: ("s", BYTES, False),
    7: ("floats", PACKED_FLOATS, True),
    8: ("ints", PACKED_INTS, True),
    13: ("doc_string", BYTES, False),
    20: ("type", VARINT, False),
}
_TENSOR: Final[Fields] = {
    1: ("dims", PACKED_INTS, True),
    2: ("data_type", VARINT, False),
    8: ("name", BYTES, False),
    9: ("raw_data", BYTES, False),
    12: ("doc_string", BYTES, False),
    16: ("metadata_props", BYTES, True),
}
_VALUE_INFO: Final[Fields] = {
    1: ("name", BYTES, False),
    2: ("type", BYTES, False),
    3: ("doc_string", BYTES, False),
    4: ("metadata_props", BYTES, True),
}
_TYPE: Final[Fields] = {1: ("tensor_type", BYTES, False)}
_TENSOR_TYPE: Final[Fields] = {1: ("elem_type", VARINT, False), 2: ("shape", BYTES, False)}
_SHAPE: Final[Fields] = {1: ("dim", BYTES, True)}
_DIMENSION: Final[Fields] = {1: ("dim_value", VARINT, False), 2: ("dim_param", BYTES, False)}
_ATTRIBUTE_TYPES: Final = {1: "f", 2: "i", 3: "s", 6: "floats", 7: "ints"}

Attribute = int | bytes | tuple[int, ...] | None


@dataclass(frozen=True, eq=False)
class Tensor:
    """A stored tensor: element type, shape, and its bytes, as many as those ask for."""

    element: int
    shape: tuple[int, ...]
    raw: memoryview

    def values(self) -> npt.NDArray[np.generic]:
        """The numbers, of ``shape``."""
        array: npt.NDArray[np.generic] = np.frombuffer(self.raw, ELEMENT_TYPES[self.element])
        return array.reshape(self.shape)


@dataclass(frozen=True, eq=False)
class Node:
    """One operator. Attributes that are floats have the value None: they change no size."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, eq=False)
class Port:
    """An input or output of the graph: its element type and shape; a named dimension is a text."""

    name: str
    element: int
    shape: tuple[int | str, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """What a generator's file holds."""

    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


def read_graph(data: bytes) -> Graph:
    """Reads a model file.

    Raises:
        UnfitError: damaged, too large, or with parts that a generator has no need of: other operator
            sets, functions, subgraphs, training information, sparse or external tensors.
    """
    try:
        model = message(memoryview(data), _MODEL, "model")
        _check_versions(model)
        graph = message(only(model, "graph"), _GRAPH, "graph")
        tensors = [_tensor(part) for part in graph["initializer"]]
        names = {name for name, _ in tensors}
        if len(names) != len(tensors):
            raise UnfitError("two tensors have one name")
        return Graph(
            tuple(_node(part) for part in graph["node"]),
            dict(tensors),
            tuple(_port(part) for part in graph["input"]),
            tuple(_port(part) for part in graph["output"]),
        )
    except (IndexError, UnicodeDecodeError) as error:
        raise UnfitError("it is cut off or damaged") from error


def _check_versions(model: Message) -> None:
    if integer(model, "ir_version") not in _IR_VERSIONS:
        raise UnfitError(f"its format is version {integer(model, 'ir_version')}")
    check_count(model["opset_import"], 1, "operator sets")
    opset = message(only(model, "opset_import"), _OPSET, "operator set")
    if text(opset, "domain") or integer(opset, "version") not in OPSETS:
        raise UnfitError(f"it needs operator set {text(opset, 'domain')!r} {integer(opset, 'version')}")


def _node(part: int | memoryview) -> Node:
    node = message(part, _NODE, "node")
    if text(node, "domain"):
        raise UnfitError(f"an operator of the foreign domain {text(node, 'domain')!r}")
    for side in ("input", "output"):
        check_count(node[side], MAXIMUM_NUMBERS, f"{side}s of a node")
    check_count(node["attribute"], _MAXIMUM_ATTRIBUTES, "attributes of a node")
    attributes = dict(_attribute(part) for part in node["attribute"])
    if len(attributes) != len(node["attribute"]):
        raise UnfitError("a node has an attribute twice")
    return Node(
        text(node, "op_type"),
        tuple(decode(name) for name in node["input"]),
        tuple(decode(name) for name in node["output"]),
        attributes,
    )


def _attribute(part: int | memoryview) -> tuple[str, Attribute]:
    fields = message(part, _ATTRIBUTE, "attribute")
    name, kind = text(fields, "name"), _ATTRIBUTE_TYPES.get(integer(fields, "type"))
    if kind is None:
        raise UnfitError(f"the attribute {name!r} is neither a number nor a text")
    if any(fields[other] for other in _ATTRIBUTE_TYPES.values() if other != kind):
        raise UnfitError(f"the attribute {name!r} has values of two kinds")
    if kind == "s":
        return name, text(fields, "s").encode()
    if kind in ("f", "floats"):
        check_count(fields[kind], MAXIMUM_NUMBERS, "numbers of an attribute")
        return name, None
    values = [_bounded(value) for value in integers(fields[kind])]
    if kind == "ints":
        return name, tuple(values)
    return name, values[0] if values else 0


def _tensor(part: int | memoryview) -> tuple[str, Tensor]:
    fields = message(part, _TENSOR, "tensor")
    name, element = text(fields, "name"), integer(fields, "data_type")
    shape = tuple(integers(fields["dims"]))
    if element not in ELEMENT_TYPES:
        raise UnfitError(f"the tensor {name!r} has elements of type {element}")
    raw = fields["raw_data"][0] if fields["raw_data"] else memoryview(b"")
    assert isinstance(raw, memoryview)
    if element_count(shape) * np.dtype(ELEMENT_TYPES[element]).itemsize != len(raw):
        raise UnfitError(f"the tensor {name!r} does not have as many bytes as its shape asks for")
    return name, Tensor(element, shape, raw)


def element_count(shape: tuple[int, ...]) -> int:
    """How many elements a shape has.

    Raises:
        UnfitError: negative, of too many dimensions, or too many elements.
    """
    count = 1
    if len(shape) > _MAXIMUM_RANK:
        raise UnfitError(f"a tensor of {len(shape)} dimensions")
    for size in shape:
        if not 0 <= size <= _MAXIMUM_ELEMENTS:
            raise UnfitError(f"a tensor of {size} rows")
        count *= size
    if count > _MAXIMUM_ELEMENTS:
        raise UnfitError(f"a tensor of {count} numbers")
    return count


def _port(part: int | memoryview) -> Port:
    fields = message(part, _VALUE_INFO, "port")
    kind = message(only(fields, "type"), _TYPE, "type")
    tensor = message(only(kind, "tensor_type"), _TENSOR_TYPE, "type")
    shape: list[int | str] = []
    for dimension in message(only(tensor, "shape"), _SHAPE, "shape")["dim"][: _MAXIMUM_RANK + 1]:
        size = message(dimension, _DIMENSION, "dimension")
        shape.append(integer(size, "dim_value") if size["dim_value"] else text(size, "dim_param"))
    return Port(text(fields, "name"), integer(tensor, "elem_type"), tuple(shape))


def _bounded(value: int) -> int:
    if abs(value) > _MAXIMUM_ATTRIBUTE:
        raise UnfitError(f"an attribute of {value}")
    return value

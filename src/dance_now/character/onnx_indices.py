"""The sizes of what the operators make that read or write at places given by whole numbers.

Source: ONNX operator documentation, operator sets 18 to 21.
"""

from __future__ import annotations

import numpy as np

from dance_now.character.onnx_file import INT64, element_count
from dance_now.character.onnx_values import MAXIMUM_KNOWN, Operands, Value
from dance_now.character.onnx_wire import UnfitError


def gather(operands: Operands) -> Value:
    """Slices along an axis, in the order of the indices."""
    value, indices = operands[0], operands[1]
    axis = operands.axis(value, 0)
    if indices.element != INT64:
        raise UnfitError("Gather by something other than whole numbers")
    shape = (*value.shape[:axis], *indices.shape, *value.shape[axis + 1 :])
    if value.known is None or indices.known is None or element_count(shape) > MAXIMUM_KNOWN:
        return Value(value.element, shape)
    size = value.shape[axis]
    if not ((indices.known >= -size) & (indices.known < size)).all():
        raise UnfitError("Gather of rows that are not there")
    return Value(value.element, shape, np.take(value.known, indices.known, axis))


def gather_elements(operands: Operands) -> Value:
    """One number along an axis for each index."""
    value, indices = operands[0], operands[1]
    _check_places(operands, value, indices)
    return Value(value.element, indices.shape)


def scatter_elements(operands: Operands) -> Value:
    """The value itself, with numbers along an axis replaced or added to."""
    value, indices, updates = operands[0], operands[1], operands[2]
    _check_places(operands, value, indices)
    if indices.shape != updates.shape or updates.element != value.element:
        raise UnfitError("ScatterElements with updates that do not fit")
    return Value(value.element, value.shape)


def scatter_rows(operands: Operands) -> Value:
    """The value itself, with rows replaced or added to; of ScatterND nothing else is known."""
    value, rows, updates = operands[0], operands[1], operands[2]
    if rows.element != INT64 or len(rows.shape) != 2 or rows.shape[1] != 1 or not value.shape:
        raise UnfitError("ScatterND of something other than rows")
    if updates.element != value.element or updates.shape != (rows.shape[0], *value.shape[1:]):
        raise UnfitError("ScatterND with updates that do not fit")
    return Value(value.element, value.shape)


def _check_places(operands: Operands, value: Value, indices: Value) -> None:
    """Indices along one axis reach no further than the value along the others."""
    axis = operands.axis(value, 0)
    if (
        indices.element != INT64
        or len(indices.shape) != len(value.shape)
        or any(indices.shape[other] > size for other, size in enumerate(value.shape) if other != axis)
    ):
        raise UnfitError(f"{operands.node.operator} with indices that do not fit")

"""The sizes of what each operator makes.

The operators are those that the exporter writes, and a few that another release of torch may write instead.
Source: ONNX operator documentation, operator sets 18 to 21.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from dance_now.character.onnx_file import BOOL, ELEMENT_TYPES, FLOAT, FLOAT16, INT64, element_count
from dance_now.character.onnx_indices import gather, gather_elements, scatter_elements, scatter_rows
from dance_now.character.onnx_pictures import convolution, depth_to_space, pad, pool, resize
from dance_now.character.onnx_values import MAXIMUM_KNOWN, Operands, Shape, Value, broadcast, counted_axis
from dance_now.character.onnx_wire import UnfitError

_MAXIMUM_BOUND: Final = 1 << 32  # of a Range; differences of larger numbers may overflow


def _same(operands: Operands) -> Value:
    """Operators that change each number by itself; further inputs are single numbers."""
    if any(value is not None and value.shape not in ((), (1,)) for value in operands.values[1:]):
        raise UnfitError(f"{operands.node.operator} takes single numbers beside its input")
    return Value(operands[0].element, operands[0].shape)


def _cast(operands: Operands) -> Value:
    value, element = operands[0], operands.integer("to", 0)
    if element not in ELEMENT_TYPES:
        raise UnfitError(f"Cast to type {element}")
    if value.known is None or value.element != INT64:
        return Value(element, value.shape)
    return Value(element, value.shape, value.known.astype(ELEMENT_TYPES[element]))


def _elementwise(element: int | None = None, whole: Callable[..., Any] | None = None) -> Rule:
    """Operators on numbers at the same place; ``whole`` computes constant whole numbers."""

    def rule(operands: Operands) -> Value:
        values = operands.present()
        if not values or len({value.element for value in values}) > 1:
            raise UnfitError(f"{operands.node.operator} of different element types")
        shape = broadcast([value.shape for value in values])
        known = [value.known for value in values if value.known is not None]
        constant = whole is not None and len(values) == 2 == len(known) and values[0].element == INT64
        if whole is None or not constant or element_count(shape) > MAXIMUM_KNOWN:
            return Value(element or values[0].element, shape)
        with np.errstate(over="ignore"):
            return Value(INT64, shape, np.asarray(whole(*known), np.int64))

    return rule


def _divide(operands: Operands) -> Value:
    if operands[0].element in (FLOAT, FLOAT16):
        return _elementwise()(operands)
    known = [operands[position].known for position in range(2)]
    if any(numbers is None or (numbers < least).any() for numbers, least in zip(known, (0, 1), strict=True)):
        raise UnfitError("Div of whole numbers, which stops the program where one is 0")
    return _elementwise(whole=np.floor_divide)(operands)


def _where(operands: Operands) -> Value:
    condition, first, second = operands[0], operands[1], operands[2]
    if condition.element != BOOL or first.element != second.element:
        raise UnfitError("Where of different element types")
    return Value(first.element, broadcast([condition.shape, first.shape, second.shape]))


def _matmul(operands: Operands) -> Value:
    first, second = operands[0], operands[1]
    a, b = first.shape, second.shape
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-2] or {first.element, second.element} != {FLOAT}:
        raise UnfitError(f"MatMul of {a} and {b}")
    if 0 in a + b:  # onnxruntime 1.19 may make a value of another size
        raise UnfitError("MatMul of nothing")
    return Value(FLOAT, (*broadcast([a[:-2], b[:-2]]), a[-2], b[-1]))


def _reduce(operands: Operands) -> Value:
    value, rank = operands[0], len(operands[0].shape)
    axes = range(rank) if operands.get(1) is None else operands.numbers(1)
    reduced = {counted_axis(axis, rank) for axis in axes}
    if not reduced or operands.integer("noop_with_empty_axes", 0):
        raise UnfitError("a sum over nothing")
    if min(axes) < 0 and (
        value.at_most or 0 in value.shape
    ):  # onnxruntime 1.19 keeps these of an empty value
        raise UnfitError("a sum over last axes of sizes that are not known")
    keep = operands.flag("keepdims", 1)
    sizes = [1 if axis in reduced else size for axis, size in enumerate(value.shape)]
    return Value(value.element, tuple(size for axis, size in enumerate(sizes) if keep or axis not in reduced))


def _concat(operands: Operands) -> Value:
    values = operands.present()
    axis = operands.axis(values[0], 0)
    others = {(value.element, value.shape[:axis], value.shape[axis + 1 :]) for value in values}
    if len(others) > 1 or any(len(value.shape) <= axis for value in values):
        raise UnfitError("Concat of shapes that do not fit")
    total = sum(value.shape[axis] for value in values)
    shape = (*values[0].shape[:axis], total, *values[0].shape[axis + 1 :])
    known = [value.known for value in values if value.known is not None]
    if len(known) < len(values) or element_count(shape) > MAXIMUM_KNOWN:
        return Value(values[0].element, shape)
    return Value(values[0].element, shape, np.concatenate(known, axis))


def _shape(operands: Operands) -> Value:
    shape = operands[0].shape
    sizes = shape[operands.integer("start", 0) : operands.integer("end", len(shape))]
    return Value(INT64, (len(sizes),), np.array(sizes, np.int64))


def _reshaped(value: Value, shape: Shape) -> Value:
    if element_count(shape) != element_count(value.shape):
        raise UnfitError(f"{value.shape} cannot become {shape}")
    return Value(value.element, shape, None if value.known is None else value.known.reshape(shape))


def _reshape(operands: Operands) -> Value:
    value = operands[0]
    if operands[1].at_most:  # without any number it asks for a single number, of no axes
        raise UnfitError("Reshape to sizes whose count is not known")
    if operands[1].shape == (1,):  # whatever the size's number, all that fits is a row of everything
        return _reshaped(value, (element_count(value.shape),))
    sizes = operands.numbers(1)
    if not operands.flag("allowzero", 0):
        if any(size == 0 and place >= len(value.shape) for place, size in enumerate(sizes)):
            raise UnfitError("Reshape copies a size that is not there")
        sizes = [value.shape[place] if size == 0 else size for place, size in enumerate(sizes)]
    if sizes.count(-1) == 1:
        rest = element_count(tuple(size for size in sizes if size != -1))
        if rest == 0 or element_count(value.shape) % rest:
            raise UnfitError(f"{value.shape} cannot become {tuple(sizes)}")
        sizes = [element_count(value.shape) // rest if size == -1 else size for size in sizes]
    return _reshaped(value, tuple(sizes))


def _non_zero(operands: Operands) -> Value:
    shape = operands[0].shape
    if not shape:  # it has one axis where it is found, but none here
        raise UnfitError("NonZero of a single number")
    return Value(INT64, (len(shape), element_count(shape)), at_most=True)


def _range(operands: Operands) -> Value:
    start, limit, step = (operands.number(position) for position in range(3))
    if max(abs(start), abs(limit), abs(step)) > _MAXIMUM_BOUND:
        raise UnfitError("a Range that is far off")
    if step == 0 or not 0 <= (limit - start) / step <= MAXIMUM_KNOWN:
        raise UnfitError("a Range that is long")
    return Value(INT64, (len(range(start, limit, step)),), np.arange(start, limit, step))


def _squeeze(operands: Operands) -> Value:
    value, rank = operands[0], len(operands[0].shape)
    if operands.get(1) is None:
        if value.at_most:
            raise UnfitError("Squeeze of sizes that are not known")
        dropped = {axis for axis, size in enumerate(value.shape) if size == 1}
    else:
        dropped = {counted_axis(axis, rank) for axis in operands.numbers(1)}
        if not dropped:  # a runtime drops every axis of size 1
            raise UnfitError("Squeeze of no axes")
    return _reshaped(value, tuple(size for axis, size in enumerate(value.shape) if axis not in dropped))


def _unsqueeze(operands: Operands) -> Value:
    value, axes = operands[0], operands.numbers(1)
    rank = len(value.shape) + len(axes)
    added = {counted_axis(axis, rank) for axis in axes}
    if len(added) != len(axes):
        raise UnfitError("Unsqueeze with one axis twice")
    sizes = iter(value.shape)
    return _reshaped(value, tuple(1 if axis in added else next(sizes) for axis in range(rank)))


def _expand(operands: Operands) -> Value:
    sizes = tuple(operands.numbers(1))
    element_count(sizes)
    return Value(operands[0].element, broadcast([operands[0].shape, sizes]))


def _transpose(operands: Operands) -> Value:
    value = operands[0]
    order = operands.integers("perm", tuple(range(len(value.shape)))[::-1])
    if sorted(order) != list(range(len(value.shape))):
        raise UnfitError(f"Transpose by {order}")
    return Value(value.element, tuple(value.shape[axis] for axis in order))


def _slice(operands: Operands) -> Value:
    value, rank = operands[0], len(operands[0].shape)
    starts, ends = operands.numbers(1), operands.numbers(2)
    axes = list(range(len(starts))) if operands.get(3) is None else operands.numbers(3)
    steps = [1] * len(starts) if operands.get(4) is None else operands.numbers(4)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise UnfitError("Slice with bounds that do not fit")
    cuts = [slice(None)] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step < 0 or (value.at_most and start < 0 <= end):  # which takes more of fewer
            raise UnfitError("Slice backwards")
        cuts[counted_axis(axis, rank)] = slice(start, end, step)
    shape = tuple(len(range(*cut.indices(size))) for cut, size in zip(cuts, value.shape, strict=True))
    return Value(value.element, shape, None if value.known is None else value.known[tuple(cuts)])


Rule = Callable[[Operands], Value]
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(
        ("Abs", "Ceil", "Clip", "Erf", "Exp", "Floor", "Identity", "LeakyRelu", "Log", "Neg"), _same
    ),
    **dict.fromkeys(("Not", "Reciprocal", "Relu", "Sigmoid", "Softplus", "Sqrt", "Tanh"), _same),
    **dict.fromkeys(("Max", "Min", "Pow", "And", "Or", "BitwiseAnd"), _elementwise()),
    **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"), _elementwise(BOOL)),
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"), _reduce),
    **dict.fromkeys(("AveragePool", "MaxPool"), pool),
    "Add": _elementwise(whole=np.add),
    "Sub": _elementwise(whole=np.subtract),
    "Mul": _elementwise(whole=np.multiply),
    "Div": _divide,
    "Cast": _cast,
    "Concat": _concat,
    "Conv": convolution,
    "DepthToSpace": depth_to_space,
    "Expand": _expand,
    "Gather": gather,
    "GatherElements": gather_elements,
    "MatMul": _matmul,
    "NonZero": _non_zero,
    "Pad": pad,
    "Range": _range,
    "Reshape": _reshape,
    "Resize": resize,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_rows,
    "Shape": _shape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
_WINDOW: Final = ("auto_pad", "dilations", "kernel_shape", "pads", "strides")
_REDUCE: Final = ("keepdims", "noop_with_empty_axes")
# The attributes that the rules above account for, or that change no sizes.
ATTRIBUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "AveragePool": (*_WINDOW, "ceil_mode", "count_include_pad"),
    "Cast": ("saturate", "to"),
    "Concat": ("axis",),
    "Conv": (*_WINDOW, "group"),
    "DepthToSpace": ("blocksize", "mode"),
    "Gather": ("axis",),
    "GatherElements": ("axis",),
    "LeakyRelu": ("alpha",),
    "MaxPool": (*_WINDOW, "ceil_mode", "storage_order"),
    "Pad": ("mode",),
    "ReduceMax": _REDUCE,
    "ReduceMean": _REDUCE,
    "ReduceMin": _REDUCE,
    "ReduceSum": _REDUCE,
    "Reshape": ("allowzero",),
    "Resize": (
        "antialias",
        "coordinate_transformation_mode",
        "cubic_coeff_a",
        "exclude_outside",
        "extrapolation_value",
        "keep_aspect_ratio_policy",
        "mode",
        "nearest_mode",
    ),
    "ScatterElements": ("axis", "reduction"),
    "ScatterND": ("reduction",),
    "Shape": ("end", "start"),
    "Transpose": ("perm",),
}

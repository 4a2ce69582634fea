"""The sizes of what the operators on pictures make: values (batch, channels, height, width).

Source: ONNX operator documentation, operator sets 18 to 21.
"""

from __future__ import annotations

from dance_now.character.onnx_file import FLOAT
from dance_now.character.onnx_values import Operands, Shape, Value
from dance_now.character.onnx_wire import UnfitError


def _windows(operands: Operands, kernel: Shape) -> Shape:
    """Height and width after a kernel (h, w) has moved over an input (B, C, H, W)."""
    strides, dilations = operands.integers("strides", (1, 1)), operands.integers("dilations", (1, 1))
    pads = operands.integers("pads", (0, 0, 0, 0))
    if operands.node.attributes.get("auto_pad", b"NOTSET") != b"NOTSET" or operands.integer("ceil_mode", 0):
        raise UnfitError(f"{operands.node.operator} with a rounding that the exporter does not use")
    if min(*kernel, *strides, *dilations) < 1 or min(pads) < 0 or max(*kernel, *pads) > 64:
        raise UnfitError(f"{operands.node.operator} with a kernel out of bounds")
    sizes = []
    for axis in range(2):
        padded = operands[0].shape[2 + axis] + pads[axis] + pads[2 + axis]
        sizes.append((padded - dilations[axis] * (kernel[axis] - 1) - 1) // strides[axis] + 1)
    if min(sizes) < 1:
        raise UnfitError(f"{operands.node.operator} with a kernel larger than its input")
    return tuple(sizes)


def _picture(operands: Operands) -> Value:
    value = operands[0]
    if len(value.shape) != 4 or value.element != FLOAT or 0 in value.shape:
        raise UnfitError(f"{operands.node.operator} of something other than pictures")
    if value.at_most:  # kernels and borders that fit a picture may not fit a smaller one
        raise UnfitError(f"{operands.node.operator} of pictures whose size is not known")
    return value


def convolution(operands: Operands) -> Value:
    """Conv over two axes, with weights of a known size: a smaller kernel leaves more of a picture."""
    value, weights, bias = _picture(operands), operands[1], operands.get(2)
    group = operands.integer("group", 1)
    if (
        len(weights.shape) != 4
        or weights.element != FLOAT
        or group < 1
        or weights.shape[1] * group != value.shape[1]
        or weights.shape[0] % group
        or (bias is not None and (bias.shape != weights.shape[:1] or bias.element != FLOAT))
        or operands.integers("kernel_shape", weights.shape[2:]) != weights.shape[2:]
    ):
        raise UnfitError("Conv with shapes that do not fit")
    if weights.at_most or (bias is not None and bias.at_most):
        raise UnfitError("Conv with weights whose size is not known")
    return Value(FLOAT, (value.shape[0], weights.shape[0], *_windows(operands, weights.shape[2:])))


def pool(operands: Operands) -> Value:
    """AveragePool and MaxPool over two axes."""
    value, kernel = _picture(operands), operands.integers("kernel_shape", (0, 0))
    return Value(FLOAT, (*value.shape[:2], *_windows(operands, kernel)))


def pad(operands: Operands) -> Value:
    """Pad of height and width by a few pixels, in the modes that the exporter writes."""
    value, pads = _picture(operands), operands.numbers(1)
    if len(pads) != 8 or operands.get(3) is not None or any(pads[axis] for axis in (0, 1, 4, 5)):
        raise UnfitError("Pad of other axes than height and width")
    if min(pads) < 0 or max(pads) > 64:
        raise UnfitError("Pad out of bounds")
    mode = operands.node.attributes.get("mode", b"constant")
    if mode not in (b"constant", b"edge", b"reflect"):
        raise UnfitError("Pad in a mode that the exporter does not use")
    if mode == b"reflect" and any(count >= size for count, size in zip(pads, value.shape * 2, strict=True)):
        raise UnfitError("Pad that reflects more than there is")  # which onnxruntime read before 2026
    height, width = (value.shape[axis] + pads[axis] + pads[4 + axis] for axis in (2, 3))
    return Value(FLOAT, (*value.shape[:2], height, width))


def resize(operands: Operands) -> Value:
    """Resize by constant factors or to a constant size."""
    value, scales = _picture(operands), operands.get(2)
    if operands.get(1) is not None and operands[1].shape != (0,):
        raise UnfitError("Resize of a region")
    if operands.node.attributes.get("keep_aspect_ratio_policy", b"stretch") != b"stretch":
        raise UnfitError("Resize that chooses its own size")
    if operands.get(3) is not None:
        sizes = tuple(operands.numbers(3))
    elif scales is not None and scales.known is not None and scales.element == FLOAT:
        factors = [float(factor) for factor in scales.known.reshape(-1)]
        if not all(0 < factor <= 64 for factor in factors):
            raise UnfitError("Resize by a factor out of bounds")
        grown = [size * factor for size, factor in zip(value.shape, factors, strict=False)]
        if not all(size.is_integer() for size in grown):  # a runtime may round its product up
            raise UnfitError("Resize to parts of a pixel")
        sizes = tuple(map(int, grown))
    else:
        sizes = ()
    if len(sizes) != 4 or sizes[:2] != value.shape[:2] or min(sizes) < 1:
        raise UnfitError("Resize to a size that is not constant or does not fit")
    return Value(FLOAT, sizes)


def depth_to_space(operands: Operands) -> Value:
    """DepthToSpace: channels become pixels."""
    value, block = _picture(operands), operands.integer("blocksize", 0)
    count, channels, height, width = value.shape
    if not 1 <= block <= 64 or channels % block**2:
        raise UnfitError("DepthToSpace with channels that do not fit")
    return Value(FLOAT, (count, channels // block**2, height * block, width * block))

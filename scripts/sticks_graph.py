"""Writes the layers of the ``sticks`` template, src/dance_now/character/templates/sticks.onnx.

A model with a function for each kind of layer of pix2pixHD's global generator, and a graph that has an input
and an output but neither nodes nor weights: those are appended when a character is loaded. So one file serves
every number of levels, blocks and channels. The same file comes out each time.

Source: Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs", CVPR
2018, appendix; training/sticks/pix2pixhd.py trains the same layers.

python scripts/sticks_graph.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import onnx

from dance_now.character.templates.sticks_graph import DOMAIN, INPUT, LAYERS, OUTPUT

OPSET: Final = 18
IR_VERSION: Final = 9  # onnxruntime 1.19 reads it
EPSILON: Final = 1e-4  # as in training

GRAPH: Final = (
    f"generator (float[1, inputs, height, width] {INPUT}) => (float[1, 4, height, width] {OUTPUT}) {{}}"
)
# Means of rows, then of these: one sum over 512x512 pixels loses digits that a channel of little contrast
# needs; what the network gives would be wrong by up to 3e-3 instead of 2e-5.
NORMALISED: Final = f"""Normalised (x) => (y) {{
    across = Constant <value = int64[1] {{3}}> ()
    down = Constant <value = int64[1] {{2}}> ()
    epsilon = Constant <value = float {{{EPSILON}}}> ()
    rows = ReduceMean (x, across)
    mean = ReduceMean (rows, down)
    centred = Sub (x, mean)
    square = Mul (centred, centred)
    square_rows = ReduceMean (square, across)
    variance = ReduceMean (square_rows, down)
    more = Add (variance, epsilon)
    root = Sqrt (more)
    factor = Reciprocal (root)
    y = Mul (centred, factor)
}}"""
FIRST: Final = """First (x, kernel) => (y) {
    border = Constant <value = int64[8] {0, 0, 3, 3, 0, 0, 3, 3}> ()
    wide = Pad <mode = "reflect"> (x, border)
    convolved = Conv <kernel_shape = [7, 7]> (wide, kernel)
    normal = dance_now.Normalised (convolved)
    y = Relu (normal)
}"""
DOWN: Final = """Down (x, kernel) => (y) {
    convolved = Conv <kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]> (x, kernel)
    normal = dance_now.Normalised (convolved)
    y = Relu (normal)
}"""
BLOCK: Final = """Block (x, first, second) => (y) {
    border = Constant <value = int64[8] {0, 0, 1, 1, 0, 0, 1, 1}> ()
    wide = Pad <mode = "reflect"> (x, border)
    convolved = Conv <kernel_shape = [3, 3]> (wide, first)
    normal = dance_now.Normalised (convolved)
    positive = Relu (normal)
    wide_again = Pad <mode = "reflect"> (positive, border)
    convolved_again = Conv <kernel_shape = [3, 3]> (wide_again, second)
    residual = dance_now.Normalised (convolved_again)
    y = Add (x, residual)
}"""
UP: Final = """Up (x, kernel) => (y) {
    convolved = ConvTranspose <
        kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], output_padding = [1, 1]
    > (x, kernel)
    normal = dance_now.Normalised (convolved)
    y = Relu (normal)
}"""
LAST: Final = """Last (x, kernel, bias) => (y) {
    border = Constant <value = int64[8] {0, 0, 3, 3, 0, 0, 3, 3}> ()
    wide = Pad <mode = "reflect"> (x, border)
    y = Conv <kernel_shape = [7, 7]> (wide, kernel, bias)
}"""


def layers() -> bytes:
    """The content of the file."""
    uses = f'<domain: "{DOMAIN}", opset_import: ["": {OPSET}, "{DOMAIN}": 1]>'
    kinds = (NORMALISED, FIRST, DOWN, BLOCK, UP, LAST)
    model = onnx.helper.make_model(
        onnx.parser.parse_graph(GRAPH),
        functions=[onnx.parser.parse_function(f"{uses} {kind}") for kind in kinds],
        opset_imports=[onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid(DOMAIN, 1)],
        ir_version=IR_VERSION,
        producer_name=DOMAIN,
    )
    return bytes(model.SerializeToString(deterministic=True))


def main() -> None:
    """Writes the file."""
    LAYERS.write_bytes(layers())
    print(f"{Path(LAYERS).name}: {LAYERS.stat().st_size} bytes")


if __name__ == "__main__":
    main()

"""From a trained stick generator to the arrays of its character file."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from dance_now.character.character_file import CANVAS, CharacterCard, CharacterFile
from dance_now.character.safetensors_file import AnyArray
from dance_now.character.templates.sticks_arrays import SticksArrays
from dance_now.character.templates.sticks_template import SticksTemplate
from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_sink import encode_image
from dance_now.training.sticks.pix2pixhd import GlobalGenerator, ResidualBlock
from dance_now.training.sticks.sticks_generator import SticksGenerator

logger = logging.getLogger(__name__)

TOLERANCE: Final = 2e-3
"""Greatest difference of a premultiplied value in [0, 1]."""


def sticks_file(generator: SticksGenerator, card: CharacterCard, samples: FloatArray) -> CharacterFile:
    """The content of a trained generator's character file.

    Args:
        generator: with a head, in evaluation mode.
        card: what character.json will say.
        samples: (n, 137, 4) labels on which the file is compared with torch; the first is the preview.

    Raises:
        DanceNowError: a weight cannot be stored, or template and torch draw different pictures.
    """
    arrays = sticks_arrays(generator)
    try:
        checked = SticksArrays.of(arrays)
    except ValueError as error:
        raise DanceNowError(f"The trained network cannot be stored: {error}.") from error
    template = SticksTemplate(card, checked, "cpu", 0)
    difference = greatest_difference(template, rounded_generator(generator), samples)
    logger.info("the file differs from torch by at most %.1e", difference)
    if difference > TOLERANCE:
        raise DanceNowError(
            f"The character's file differs from the trained network by {difference:.1e}: not exported."
        )
    preview = template.draw(samples[0].astype(np.float32), (CANVAS, CANVAS))
    return CharacterFile(card, arrays, encode_image(preview, ".png"))


def sticks_arrays(generator: SticksGenerator) -> dict[str, AnyArray]:
    """The arrays of the ``sticks`` template."""
    assert generator.head is not None
    networks = {"body": generator.body.network, "head": generator.head.network}
    arrays = {
        f"{part}.{name}": array
        for part, network in networks.items()
        for name, array in _network_arrays(network)
    }
    return {**arrays, "head_side": np.array(generator.square.side, np.uint32)}


def rounded_generator(generator: SticksGenerator) -> SticksGenerator:
    """A copy whose kernels are rounded to half precision, as the file stores them."""
    copied = copy.deepcopy(generator)
    with torch.no_grad():
        for parameter in copied.parameters():
            if parameter.ndim > 1:
                parameter.copy_(parameter.half().float())
    return copied


def greatest_difference(template: SticksTemplate, generator: SticksGenerator, samples: FloatArray) -> float:
    """Of premultiplied values in [0, 1] over samples (n, 137, 4)."""
    worst = 0.0
    for sample in samples.astype(np.float32):
        with torch.no_grad():
            true = generator(torch.from_numpy(sample[None]))[0].numpy()
        worst = max(worst, float(np.abs(template.draw_premultiplied(sample) - true).max()))
    return worst


def _network_arrays(network: GlobalGenerator) -> Iterator[tuple[str, AnyArray]]:
    """Name and array of one network's layers, without the biases that normalisation cancels."""
    layers = list(network.layers)
    first, *downs = (layer for layer in layers if isinstance(layer, nn.Conv2d))
    yield "first", _half(first.weight)
    for level, down in enumerate(downs):
        yield f"down.{level}", _half(down.weight)
    blocks = [layer.kernels() for layer in layers if isinstance(layer, ResidualBlock)]
    shape = (2, *2 * downs[-1].weight.shape[:1], 3, 3)
    kernels = [[_half(kernel) for kernel in block] for block in blocks]
    yield "blocks", np.array(kernels, np.float16).reshape(-1, *shape)
    ups = [layer for layer in layers if isinstance(layer, nn.ConvTranspose2d)]
    for level, up in zip(reversed(range(len(ups))), ups, strict=True):
        yield f"up.{level}", _half(up.weight)
    yield "last", _half(network.last.weight)
    assert network.last.bias is not None
    yield "last_bias", network.last.bias.detach().numpy()


def _half(tensor: Tensor) -> AnyArray:
    with np.errstate(over="ignore"):  # infinite values fail the check
        return np.asarray(tensor.detach().numpy().astype(np.float16))

"""What a character of the ``sticks`` template is made of: the weights of two networks, body and head.

Both are the global generator of pix2pixHD (Wang et al. 2018). Convolutions that an instance normalisation
follows have no bias: it would cancel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np

from dance_now.character.safetensors_file import AnyArray
from dance_now.character.templates.stick_channels import BODY_CHANNELS, HEAD_CHANNELS

PICTURE: Final = 4
"""Channels of a picture: premultiplied RGBA."""
BODY_INPUTS: Final = len(BODY_CHANNELS) + 1
HEAD_INPUTS: Final = PICTURE + len(HEAD_CHANNELS) + 1
HEAD_LEVELS: Final = 2
MOST_WEIGHTS: Final = 1 << 24
"""Weights of body and head together: what pix2pixHD from 18 channels needs. With the limits below, opening
and drawing take less than 1 GB."""

_MOST_WIDTH, _MOST_LEVELS, _MOST_BLOCKS = 32, 5, 9
_SMALLEST_HEAD, _LARGEST_HEAD, _HEAD_STEP = 16, 512, 4
_LARGEST_BIAS: Final = 1e4
_DOWN: Final = re.compile(r"(?:body|head)\.down\.[0-9]")


@dataclass(frozen=True, kw_only=True)
class NetworkSize:
    """Counts from which the shapes of a network's arrays follow.

    Attributes:
        inputs: channels that go in.
        width: channels of the first level, doubled at each further one.
        levels: how often the picture is halved.
        blocks: residual blocks on the smallest level.
    """

    inputs: int
    width: int
    levels: int
    blocks: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape, in the order in which the layers follow one another.

        Raises:
            ValueError: a count is out of range.
        """
        for name, count, least, most in (
            ("channels", self.width, 1, _MOST_WIDTH),
            ("levels", self.levels, 1, _MOST_LEVELS),
            ("blocks", self.blocks, 0, _MOST_BLOCKS),
        ):
            if not least <= count <= most:
                raise ValueError(f"{count} {name}: from {least} to {most} are possible")
        widths = [self.width << level for level in range(self.levels + 1)]
        shapes: dict[str, tuple[int, ...]] = {"first": (self.width, self.inputs, 7, 7)}
        shapes |= {f"down.{n}": (widths[n + 1], widths[n], 3, 3) for n in range(self.levels)}
        shapes |= {"blocks": (self.blocks, 2, widths[-1], widths[-1], 3, 3)}
        shapes |= {f"up.{n}": (widths[n + 1], widths[n], 3, 3) for n in reversed(range(self.levels))}
        return shapes | {"last": (PICTURE, self.width, 7, 7), "last_bias": (PICTURE,)}


@dataclass(frozen=True, kw_only=True)
class SticksSize:
    """Counts from which the shapes of all arrays follow.

    Attributes:
        body: of the network that draws whole figures.
        head: of the network that draws heads once more.
    """

    body: NetworkSize
    head: NetworkSize

    @classmethod
    def of(cls, *, width: int, levels: int, blocks: int, head_width: int, head_blocks: int) -> SticksSize:
        """The size for a few numbers."""
        head = NetworkSize(inputs=HEAD_INPUTS, width=head_width, levels=HEAD_LEVELS, blocks=head_blocks)
        body = NetworkSize(inputs=BODY_INPUTS, width=width, levels=levels, blocks=blocks)
        return cls(body=body, head=head)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every array.

        Raises:
            ValueError: a count is out of range, or there are too many weights.
        """
        shapes = {
            f"{part}.{name}": shape
            for part, size in (("body", self.body), ("head", self.head))
            for name, shape in size.shapes().items()
        }
        weights = sum(map(prod, shapes.values()))
        if weights > MOST_WEIGHTS:
            raise ValueError(f"{weights} weights are more than the {MOST_WEIGHTS} that are possible")
        return shapes | {"head_side": ()}


@dataclass(frozen=True, eq=False)
class SticksArrays:
    """The checked arrays.

    Kernels are float16 as torch has them: (outputs, inputs, height, width); those of ``up``, which are
    transposed, (inputs, outputs, 3, 3). BODY and HEAD stand for the prefixes ``body.`` and ``head.``.

    Attributes:
        body: BODYfirst (W, 35, 7, 7), BODYdown.0 (2W, W, 3, 3), down.1 ... to the smallest level, BODYblocks
            (N, 2, C, C, 3, 3), BODYup.N back to the first level, BODYlast (4, W, 7, 7), BODYlast_bias (4,)
            float32. Drawn sticks go in; the sigmoid of what comes out is straight RGBA.
        head: the same of 19 inputs and two levels: drawn head and its sticks go in, and what is to be added
            to the head comes out.
        head_side: pixels of the square around the head, a uint32.
    """

    body: Mapping[str, AnyArray]
    head: Mapping[str, AnyArray]
    head_side: int

    @classmethod
    def of(cls, arrays: Mapping[str, AnyArray]) -> SticksArrays:
        """The arrays of a file, checked: names, dtypes, shapes, finite numbers, and the size of it all.

        Raises:
            ValueError: the first that is wrong, by name.
        """
        shapes = _size_of(arrays).shapes()
        if set(arrays) != set(shapes):
            wrong = ", ".join(sorted(set(arrays) ^ set(shapes)))
            raise ValueError(f"missing, or one too many: {wrong[:200]}")
        for name, shape in shapes.items():
            _check_array(name, arrays[name], shape)
        side = int(arrays["head_side"])
        if side % _HEAD_STEP or not _SMALLEST_HEAD <= side <= _LARGEST_HEAD:
            raise ValueError(f"head_side: {side} is no multiple of 4 from 16 to 512")
        body, head = (
            {name.removeprefix(part): arrays[name] for name in shapes if name.startswith(part)}
            for part in ("body.", "head.")
        )
        return cls(body, head, side)


def _size_of(arrays: Mapping[str, AnyArray]) -> SticksSize:
    """The counts that the arrays seem to have."""
    counts = {}
    for part in ("body", "head"):
        for name, dimensions in (("first", 4), ("blocks", 6)):
            array = arrays.get(f"{part}.{name}")
            if array is None or array.ndim != dimensions:
                raise ValueError(f"{part}.{name}: missing, or not of {dimensions} dimensions")
            counts[part, name] = array.shape[0]
    return SticksSize.of(
        width=counts["body", "first"],
        levels=sum(name.startswith("body.") and _DOWN.fullmatch(name) is not None for name in arrays),
        blocks=counts["body", "blocks"],
        head_width=counts["head", "first"],
        head_blocks=counts["head", "blocks"],
    )


def _check_array(name: str, array: AnyArray, shape: tuple[int, ...]) -> None:
    dtype = {"head_side": np.uint32}.get(name, np.float32 if name.endswith("_bias") else np.float16)
    if array.dtype != dtype or array.shape != shape:
        wanted = f"{np.dtype(dtype)} of the shape {shape}"
        raise ValueError(f"{name}: {array.dtype} of the shape {array.shape} should be {wanted}")
    if not array.size:
        return
    lowest, highest = float(array.min()), float(array.max())
    if not np.isfinite([lowest, highest]).all():
        raise ValueError(f"{name}: a number is not finite")
    if name.endswith("_bias") and max(-lowest, highest) > _LARGEST_BIAS:
        raise ValueError(f"{name}: from {lowest:g} to {highest:g} is out of range")

"""The arrays of the ``points`` template: a trained points network, with everything that its file may say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from dance_now.character.safetensors_file import AnyArray
from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BONE_INDEX, BONE_NAMES

PATCH_EDGE: Final = 8
PATCH_TEXELS: Final = 85
"""Of all levels of a patch: 8x8, 4x4, 2x2, 1."""
GIVEN_CHANNELS: Final = 9
SHARP_CHANNELS: Final = 16
GRAVITY_BONES: Final = tuple(BONE_INDEX[name] for name in ("head", "chest", "hips"))
"""Bones whose upright direction is a feature of the pose correctives."""
LIMBS: Final = tuple(
    BONE_INDEX[side + limb] for limb in ("UpperArm", "UpperLeg") for side in ("left", "right")
)
"""Bones whose direction is one, as seen from the frame of LIMB_PARENTS."""
LIMB_PARENTS: Final = tuple(BONE_INDEX[name] for name in ("chest", "chest", "hips", "hips"))

_POSE_FEATURES: Final = 3 * (len(GRAVITY_BONES) + len(LIMBS)) + 1
_FACE_POINTS: Final = 70
_INFLUENCES: Final = 8
_WEIGHT_SUM: Final = 1.01


class DecoderLayer(NamedTuple):
    """A convolution of the decoder.

    Attributes:
        name: of its arrays, ``decoder.NAME.weight`` and ``decoder.NAME.bias``.
        kernel: 1 or 3 pixels.
        inputs: channels in widths; 0: those of a pixel of the map.
        outputs: channels in widths; 0: SHARP_CHANNELS.
        module: its place in the decoder's torch module.
    """

    name: str
    kernel: int
    inputs: int
    outputs: int
    module: str


DECODER: Final = (
    DecoderLayer("narrow", 1, 0, 1, "narrow"),
    DecoderLayer("down0", 3, 1, 1, "down0.convolution"),
    DecoderLayer("down1", 3, 1, 2, "down1.convolution"),
    DecoderLayer("down2", 3, 2, 3, "down2.convolution"),
    DecoderLayer("down3", 3, 3, 4, "down3.convolution"),
    DecoderLayer("middle0_first", 3, 4, 4, "middle.0.first.convolution"),
    DecoderLayer("middle0_second", 3, 4, 4, "middle.0.second"),
    DecoderLayer("middle1_first", 3, 4, 4, "middle.1.first.convolution"),
    DecoderLayer("middle1_second", 3, 4, 4, "middle.1.second"),
    DecoderLayer("up2_narrow", 1, 4, 3, "up2.narrow"),
    DecoderLayer("up2", 3, 3, 3, "up2.convolution.convolution"),
    DecoderLayer("up1_narrow", 1, 3, 2, "up1.narrow"),
    DecoderLayer("up1", 3, 2, 2, "up1.convolution.convolution"),
    DecoderLayer("up0_narrow", 1, 2, 1, "up0.narrow"),
    DecoderLayer("up0", 3, 1, 1, "up0.convolution.convolution"),
    DecoderLayer("out", 3, 1, 0, "out"),
)
_PREFIX: Final = "decoder."


class _Limit(NamedTuple):
    """What an array has to be: dtype, shape (letters stand for counts that arrays share), range of values."""

    dtype: Any
    shape: tuple[int | str, ...]
    lowest: float = -math.inf
    highest: float = math.inf


_HALF, _SINGLE = np.float16, np.float32
_FEWEST: Final = {"N": 1, "F": 1, "W": 1}
_MOST: Final = {"N": 200_000, "M": 200_000, "S": 128, "E": 128, "K": 128, "F": 64, "P": 200_000, "W": 64}
_LIMITS: Final = {
    "positions": _Limit(_SINGLE, ("N", 3), -100, 100),
    "tangents": _Limit(_HALF, ("N", 2, 3), -10, 10),
    "bones": _Limit(np.uint8, ("N", _INFLUENCES), 0, len(BONE_NAMES) - 1),
    "weights": _Limit(_HALF, ("N", _INFLUENCES), 0, 1),
    "two_sided": _Limit(np.uint8, ("N",), 0, 1),
    "colors": _Limit(_HALF, ("N", 3)),
    "shades": _Limit(_HALF, ("N", 3)),
    "features": _Limit(_HALF, ("N", "F")),
    "opacities": _Limit(_HALF, ("N",)),
    "light": _Limit(_SINGLE, (4,), -1e3, 1e3),
    "shapes": _Limit(_HALF, ("S", "M", 3, 3), -10, 10),
    "face_solve": _Limit(_HALF, ("E", _FACE_POINTS, 3)),
    "pose_basis": _Limit(_SINGLE, (_POSE_FEATURES, "K"), -1e4, 1e4),
    "softness": _Limit(_SINGLE, (1,), 1e-4, 10),
    "inner": _Limit(_SINGLE, (1,), 0.01, 1),
    "smoothing": _Limit(_SINGLE, (3,), 0, 1),
    "pyramid": _Limit(np.uint8, ("P", PATCH_TEXELS, 4)),
    "relief": _Limit(np.uint8, ("P", PATCH_EDGE, PATCH_EDGE)),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class PointsArrays:
    """Everything that a points network is made of. Lengths are metres, colors sRGB.

    Counts: N points, of which the first M are moved by S = E + K shapes: E expressions, then K pose
    correctives; F learned features; P patches, one for each point or none at all; W channels of the
    decoder's first level. Places are at rest, in the character frame (x its left, y up, z front). What the
    skeleton tells (bone rule, face at rest) comes from the card.

    | name | dtype | shape | meaning |
    |---|---|---|---|
    | positions | F32 | N, 3 | of the points |
    | tangents | F16 | N, 2, 3 | from a point to its patch's edge, along the columns and along the rows |
    | bones | U8 | N, 8 | rows of BONE_NAMES |
    | weights | F16 | N, 8 | of the bones, used ones first |
    | two_sided | U8 | N | 1 where the surface shows from behind as well |
    | colors | F16 | N, 3 | in light |
    | shades | F16 | N, 3 | factor of the color in shade |
    | features | F16 | N, F | learned channels for the decoder |
    | opacities | F16 | N | logit |
    | light | F32 | 4 | direction of the light, view frame, and the cosine at which shade begins |
    | shapes | F16 | S, M, 3, 3 | by which a shape at weight 1 changes position and two tangents |
    | face_solve | F16 | E, 70, 3 | departure of the face points from rest, head's frame -> weight |
    | pose_basis | F32 | 22, K | pose features and a constant -> weight of a corrective |
    | softness | F32 | 1 | depth over which a hidden point fades by 1/e, in heights of the figure |
    | inner | F32 | 1 | part of a patch that is shown, from its middle to its edge |
    | smoothing | F32 | 3 | weights of the 3x3 filter: of the pixel, of each side, of each corner |
    | pyramid | U8 | P, 85, 4 | sRGB and alpha of a patch's levels: 8x8, 4x4, 2x2, 1 |
    | relief | U8 | P, 8, 8 | 128 + 96 x height before the patch's plane in reaches; 255: no surface |
    | decoder.NAME.weight | F16, narrow F32 | out, in, k, k | convolutions of DECODER |
    | decoder.NAME.bias | F32 | out | |

    The decoder's inputs are: color 3, tint 3, normal x and y, depth, F features, 2 coverages, and red, green,
    blue, alpha of the sharp layer, for each the 2x2 pixels of the picture. Its outputs are ordered like
    these 16.
    """

    positions: FloatArray
    tangents: npt.NDArray[np.float16]
    bones: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.float16]
    two_sided: npt.NDArray[np.uint8]
    colors: npt.NDArray[np.float16]
    shades: npt.NDArray[np.float16]
    features: npt.NDArray[np.float16]
    opacities: npt.NDArray[np.float16]
    light: FloatArray
    shapes: npt.NDArray[np.float16]
    face_solve: npt.NDArray[np.float16]
    pose_basis: FloatArray
    softness: FloatArray
    inner: FloatArray
    smoothing: FloatArray
    pyramid: npt.NDArray[np.uint8]
    relief: npt.NDArray[np.uint8]
    decoder: Mapping[str, AnyArray] = field(default_factory=dict)

    @classmethod
    def of(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """The arrays of a file, by their names there; unchecked.

        Raises:
            TypeError: an array is missing, or one too many.
        """
        named = {name: array for name, array in arrays.items() if not name.startswith(_PREFIX)}
        decoder = {name.removeprefix(_PREFIX): array for name, array in arrays.items() if name not in named}
        return cls(**named, decoder=decoder)

    def to_file(self) -> dict[str, AnyArray]:
        """Inverse of ``of``."""
        named = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "decoder"}
        return named | {f"{_PREFIX}{name}": array for name, array in self.decoder.items()}

    @property
    def width(self) -> int:
        """Channels of the decoder's first level."""
        return len(self.decoder["narrow.bias"])

    @property
    def decoder_inputs(self) -> int:
        """Channels of a pixel of the map."""
        return GIVEN_CHANNELS + self.features.shape[1] + 2 + SHARP_CHANNELS

    def check(self) -> None:
        """Makes sure that the kernel can draw it: nothing of it leads outside an array.

        Raises:
            ValueError: the first array that is wrong, by name.
        """
        counts: dict[str, int] = {}
        for name, limit in _LIMITS.items():
            _check_array(name, getattr(self, name), limit, counts)
        if counts["M"] > counts["N"]:
            raise ValueError("shapes: they move more points than there are")
        if counts["S"] != counts["E"] + counts["K"]:
            raise ValueError("shapes: one is needed for each row of face_solve and column of pose_basis")
        if counts["P"] not in (0, counts["N"]):
            raise ValueError("pyramid: every point has a patch, or none has")
        used = self.weights > 0
        if (used[:, 1:] & ~used[:, :-1]).any():
            raise ValueError("weights: those in use should come first")
        if (self.weights.astype(np.float32).sum(axis=1) > _WEIGHT_SUM).any():
            raise ValueError("weights: they should sum to 1 at most")
        if not np.abs(self.light[:3]).max() > 1e-3:
            raise ValueError("light: it has no direction")
        self._check_decoder(counts)

    def _check_decoder(self, counts: dict[str, int]) -> None:
        names = {f"{layer.name}.{part}" for layer in DECODER for part in ("weight", "bias")}
        if set(self.decoder) != names:
            odd = sorted(set(self.decoder) ^ names)[0]
            raise ValueError(f"decoder: {odd[:80]} is missing, or one too many")
        _check_array("decoder.narrow.bias", self.decoder["narrow.bias"], _Limit(_SINGLE, ("W",)), counts)
        width = counts["W"]
        for layer in DECODER:
            inputs, outputs = (
                layer.inputs * width or self.decoder_inputs,
                layer.outputs * width or SHARP_CHANNELS,
            )
            dtype = _SINGLE if layer.name == "narrow" else _HALF
            weight = _Limit(dtype, (outputs, inputs, layer.kernel, layer.kernel))
            for part, limit in (("weight", weight), ("bias", _Limit(_SINGLE, (outputs,)))):
                name = f"{layer.name}.{part}"
                _check_array(f"{_PREFIX}{name}", self.decoder[name], limit, counts)


def _check_array(name: str, array: AnyArray, limit: _Limit, counts: dict[str, int]) -> None:
    """Checks one array; counts that it is the first to show are noted."""
    if not isinstance(array, np.ndarray) or array.dtype != limit.dtype or array.ndim != len(limit.shape):
        raise ValueError(f"{name}: should be {np.dtype(limit.dtype)} with {len(limit.shape)} dimensions")
    for length, wanted in zip(array.shape, limit.shape, strict=True):
        known = counts.setdefault(wanted, length) if isinstance(wanted, str) else wanted
        if length != known:
            raise ValueError(f"{name}: has the shape {array.shape}, which does not fit the other arrays")
        if isinstance(wanted, str) and not _FEWEST.get(wanted, 0) <= length <= _MOST[wanted]:
            raise ValueError(f"{name}: {length} is too few or too many")
    if not array.size:
        return
    low, high = float(array.min()), float(array.max())  # not a number in the array makes both so
    if not (limit.lowest <= low and high <= limit.highest and math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name}: values from {low:g} to {high:g} are out of range")

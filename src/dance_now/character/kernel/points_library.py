"""Declares the kernel's functions for points networks. The structures mirror those of ``points.h``."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_float, c_int32, c_int64, c_void_p
from functools import lru_cache
from typing import Any, Final

from dance_now.character.kernel.library import BonePose, SkeletonData, kernel

DECODER_LAYERS: Final = 16
MAP_STEP: Final = 16
MAP_LEAST: Final = 64


class PointsModelData(ctypes.Structure):
    """``PointsModel`` of points.h."""

    _fields_ = (
        ("points", c_int32),
        ("moving", c_int32),
        ("expressions", c_int32),
        ("correctives", c_int32),
        ("features", c_int32),
        ("has_patches", c_int32),
        ("gravity_bones", c_int32 * 3),
        ("limbs", c_int32 * 4),
        ("limb_parents", c_int32 * 4),
        ("limb_rest", c_float * 3 * 4),
        ("height", c_float),
        ("softness", c_float),
        ("inner", c_float),
        ("light", c_float * 3),
        ("threshold", c_float),
        ("smoothing", c_float * 3),
        ("positions", c_void_p),
        ("tangents", c_void_p),
        ("weights", c_void_p),
        ("bones", c_void_p),
        ("two_sided", c_void_p),
        ("colors", c_void_p),
        ("shades", c_void_p),
        ("learned", c_void_p),
        ("opacities", c_void_p),
        ("shapes", c_void_p),
        ("pose_basis", c_void_p),
        ("pyramid", c_void_p),
        ("relief", c_void_p),
    )


class DecoderData(ctypes.Structure):
    """``Decoder`` of points.h."""

    _fields_ = (
        ("width", c_int32),
        ("inputs", c_int32),
        ("instructions", c_int32),
        ("weights", c_void_p * DECODER_LAYERS),
        ("biases", c_void_p * DECODER_LAYERS),
    )


PICTURE_BYTES: Final = 1024
"""At least the size of ``PointsPicture`` of points.h, which only the kernel looks into."""

PictureData = c_int64 * (PICTURE_BYTES // 8)

# Result and arguments of each function; plain pointers are addresses of arrays.
_FUNCTIONS: Final[dict[str, tuple[Any, list[Any]]]] = {
    "picture_bytes": (c_int64, []),
    "lay_out_points": (
        c_int64,
        [
            POINTER(PointsModelData),
            POINTER(DecoderData),
            c_int32,
            c_int32,
            c_int32,
            c_void_p,
            POINTER(PictureData),
        ],
    ),
    "logistic_of": (None, [c_int32, c_void_p, c_void_p]),
    "pose_points": (
        None,
        [
            POINTER(PointsModelData),
            POINTER(SkeletonData),
            POINTER(BonePose),
            c_void_p,
            c_void_p,
            POINTER(PictureData),
        ],
    ),
    "splat_points": (None, [POINTER(PointsModelData), POINTER(PictureData)]),
    "enter_patches": (None, [POINTER(PointsModelData), POINTER(PictureData), c_int32]),
    "read_patches": (None, [POINTER(PointsModelData), POINTER(PictureData), c_int32]),
    "finish_picture": (
        None,
        [POINTER(PointsModelData), POINTER(PictureData), c_int32, c_void_p, c_int64],
    ),
    "best_instructions": (c_int32, []),
    "packed_floats": (c_int64, [POINTER(DecoderData), c_int32]),
    "pack_layer": (None, [POINTER(DecoderData), c_int32, c_void_p, c_void_p]),
    "decode": (None, [POINTER(DecoderData), POINTER(PictureData), c_int32, c_int32]),
}


@lru_cache(maxsize=1)
def points_kernel() -> ctypes.CDLL:
    """The kernel, its functions for points networks declared; raises as ``kernel`` does."""
    library = kernel()
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    if library.picture_bytes() > PICTURE_BYTES:
        raise RuntimeError(f"PointsPicture takes {library.picture_bytes()} bytes")
    return library

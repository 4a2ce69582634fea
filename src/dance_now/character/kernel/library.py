"""Finds, checks and declares the compiled kernel. Its structures mirror those of ``kernel.h``."""

from __future__ import annotations

import ctypes
import sys
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_void_p
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.character.kernel.kernel_source import source_hash
from dance_now.core.errors import DanceNowError

FOLDER: Final = Path(__file__).resolve().parent
LIBRARY_NAME: Final = "dance_now_kernel" + {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
BONES: Final = 47
FACE_POINTS: Final = 70
BAND_PIXELS: Final = 16
ENCODE_STEPS: Final = 4096
_REBUILD: Final = "pip install --force-reinstall dance-now (in a checkout: pip install -e .)"


class SkeletonData(ctypes.Structure):
    """``Skeleton`` of kernel.h."""

    _fields_ = (
        ("rest_frames", c_double * 9 * 5),
        ("relaxed", c_double * 3 * BONES),
        ("to_relaxed", c_double * 9 * BONES),
        ("pivots", c_double * 3 * BONES),
        ("spine_offset", c_double * 3),
        ("neck_offset", c_double * 3),
        ("face_rest", c_double * 3 * FACE_POINTS),
        ("rigid_length", c_double),
        ("rigid_segments", c_int32 * 2 * 10),
        ("swings", c_int32 * 3 * 40),
    )


class BonePose(ctypes.Structure):
    """``BonePose`` of kernel.h."""

    _fields_ = (
        ("rotations", c_double * 9 * BONES),
        ("anchors", c_double * 3 * BONES),
        ("scale", c_double),
    )


class SpringsData(ctypes.Structure):
    """``Springs`` of kernel.h."""

    _fields_ = (
        ("joints", c_int32),
        ("colliders", c_int32),
        ("parents", c_void_p),
        ("points", c_void_p),
        ("forces", c_void_p),
        ("collider_bones", c_void_p),
        ("collider_points", c_void_p),
        ("collider_radii", c_void_p),
        ("minds", c_void_p),
    )


class ModelData(ctypes.Structure):
    """``Model`` of kernel.h."""

    _fields_ = (
        ("vertices", c_int32),
        ("triangles", c_int32),
        ("surfaces", c_int32),
        ("expressions", c_int32),
        ("positions", c_void_p),
        ("normals", c_void_p),
        ("outline_normals", c_void_p),
        ("uv", c_void_p),
        ("joints", c_void_p),
        ("weights", c_void_p),
        ("world_widths", c_void_p),
        ("screen_widths", c_void_p),
        ("corners", c_void_p),
        ("surface_of", c_void_p),
        ("surface", c_void_p),
        ("levels", c_void_p),
        ("texels", c_void_p),
        ("face_solve", c_void_p),
        ("expression_counts", c_void_p),
        ("expression_vertices", c_void_p),
        ("expression_offsets", c_void_p),
        ("expression_normals", c_void_p),
        ("decode", c_void_p),
        ("decode_texel", c_void_p),
        ("encode_thresholds", c_void_p),
        ("encode_guesses", c_void_p),
    )


class WindowData(ctypes.Structure):
    """``Window`` of kernel.h."""

    _fields_ = (("left", c_int32), ("top", c_int32), ("width", c_int32), ("height", c_int32))


class SceneData(ctypes.Structure):
    """``Scene`` of kernel.h."""

    _fields_ = (
        ("model", POINTER(ModelData)),
        ("vertices", c_void_p),
        ("snapped", c_void_p),
        ("starts", c_void_p),
        ("members", c_void_p),
        ("window", WindowData),
        ("picture", c_void_p),
        ("stride", c_int64),
    )


class ScratchData(ctypes.Structure):
    """``Scratch`` of kernel.h."""

    _fields_ = (("depth", c_void_p), ("visible", c_void_p), ("color", c_void_p))


SURFACE_RECORD: Final = np.dtype(
    [(name, np.float32, 4) for name in ("base", "shade", "emission", "rim", "matcap", "outline")]
    + [
        (name, np.float32)
        for name in ("ramp_low", "ramp_scale", "rim_power", "rim_lift", "outline_mix", "cutoff")
    ]
    + [
        (name, np.int32)
        for name in (
            "first_triangle",
            "triangles",
            "base_level",
            "base_levels",
            "shade_level",
            "shade_levels",
            "matcap_level",
            "alpha_mode",
            "unlit",
            "double_sided",
            "writes_depth",
            "wrap_u",
            "wrap_v",
            "nearest",
            "has_rim",
            "has_matcap",
            "outlined",
        )
    ]
)
"""``Surface`` of kernel.h."""

SNAPPED_RECORD: Final = np.dtype([("x", np.int32), ("y", np.int32), ("depth", np.float32)])
"""``SnappedVertex`` of kernel.h."""

# Result and arguments of each function; plain pointers are addresses of arrays.
_FUNCTIONS: Final[dict[str, tuple[Any, list[Any]]]] = {
    "halve_texels": (None, [POINTER(ModelData), c_void_p, c_void_p, c_void_p]),
    "decode_texels": (None, [POINTER(ModelData), c_int64, c_void_p, c_void_p]),
    "bone_rule": (None, [POINTER(SkeletonData), c_void_p, POINTER(BonePose)]),
    "bone_affines": (None, [POINTER(SkeletonData), POINTER(BonePose), c_void_p]),
    "expression_weights": (
        None,
        [POINTER(ModelData), POINTER(SkeletonData), POINTER(BonePose), c_void_p, c_void_p],
    ),
    "rest_springs": (None, [POINTER(SpringsData), c_void_p, c_void_p]),
    "follow_springs": (None, [POINTER(SpringsData), c_void_p, c_void_p]),
    "step_springs": (
        None,
        [POINTER(SpringsData), c_void_p, c_void_p, c_void_p, c_void_p, c_double, c_double],
    ),
    "settle_springs": (None, [POINTER(SpringsData), c_void_p, c_void_p, c_void_p, c_void_p, c_int32]),
    "place_vertices": (
        None,
        [POINTER(ModelData), c_void_p, c_int32, c_void_p, c_double, c_double, c_void_p, c_void_p, c_void_p],
    ),
    "snap_vertices": (None, [c_int32, c_void_p, c_void_p, c_void_p]),
    "count_members": (c_int64, [POINTER(ModelData), c_void_p, POINTER(WindowData), c_void_p, c_void_p]),
    "list_members": (None, [POINTER(ModelData), c_void_p, c_void_p, c_int32, c_void_p, c_void_p]),
    "draw_bands": (None, [POINTER(SceneData), POINTER(ScratchData), c_int32, c_int32]),
}


@lru_cache(maxsize=1)
def kernel() -> ctypes.CDLL:
    """The kernel of this installation; calls into it run without the global interpreter lock.

    Raises:
        DanceNowError: it is missing, cannot be loaded, or was built from another source.
    """
    return load_kernel(FOLDER)


def load_kernel(folder: Path) -> ctypes.CDLL:
    """The kernel whose source and library lie in ``folder``; raises as ``kernel`` does."""
    path = folder / LIBRARY_NAME
    if not path.is_file():
        raise DanceNowError(f"The drawing kernel {path.name} is missing. Run: {_REBUILD}")
    try:
        library = ctypes.CDLL(str(path))
        library.dance_now_kernel_hash.restype = c_char_p
        version = library.dance_now_kernel_hash().decode("ascii", "replace")
        declare(library)
    except (OSError, AttributeError) as error:
        raise DanceNowError(
            f"The drawing kernel {path.name} does not load ({error}). Run: {_REBUILD}"
        ) from error
    if version != source_hash(folder):
        raise DanceNowError(f"The drawing kernel {path.name} is not of this version. Run: {_REBUILD}")
    return library


def declare(library: ctypes.CDLL) -> None:
    """Tells ctypes the functions' arguments; AttributeError where one is missing."""
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


def kernel_version() -> str:
    """Hash of the source that the loaded kernel was built from; raises as ``kernel`` does."""
    version: bytes = kernel().dance_now_kernel_hash()
    return version.decode("ascii")


def address(array: npt.NDArray[Any]) -> int:
    """Where an array's numbers lie; they have to be contiguous."""
    if not array.flags.c_contiguous:
        raise ValueError("the kernel reads contiguous arrays only")
    return int(array.ctypes.data)

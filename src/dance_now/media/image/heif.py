"""HEIC reader, by the optional package pillow-heif. Source: ISO/IEC 23008-12 (HEIF)."""

from __future__ import annotations

import importlib
import importlib.util
import io
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError

_READER: Final = "pillow_heif"
_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})  # ISO/IEC 23008-12
_AVIF: Final = b"avif"


def is_heif(head: bytes) -> bool:
    """Detects HEIC and AVIF photos by the first bytes of a file."""
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS | {_AVIF}


def check_readable(head: bytes, name: str) -> None:
    """Raises with advice where a photo for which ``is_heif`` holds cannot be read.

    Raises:
        DanceNowError: pillow-heif is not installed, or the photo is AVIF.
    """
    if head[8:12] == _AVIF:
        raise DanceNowError(f"{name} is an AVIF photo, which is not supported. Convert it to jpg or png.")
    if importlib.util.find_spec(_READER) is None:
        raise DanceNowError(
            f'{name} is a HEIC photo. Run: pip install "dance-now[heic]". Or convert it to jpg or png.'
        )


def heif_size(data: bytes) -> tuple[int, int]:
    """Size (width, height) of an upright HEIC photo; decodes nothing.

    Raises:
        ValueError: damaged.
    """
    width, height = _opened(data).size
    return int(width), int(height)


def read_heif(data: bytes) -> npt.NDArray[np.uint8]:
    """Decodes the primary image, upright: (H, W), (H, W, 3) or (H, W, 4) uint8 grey, RGB or straight RGBA.

    Raises:
        ValueError: damaged.
    """
    try:
        return np.asarray(_opened(data), np.uint8)
    except (EOFError, RuntimeError, OSError) as error:
        raise ValueError(str(error)) from error


def _opened(data: bytes) -> Any:
    try:
        return importlib.import_module(_READER).open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    except (EOFError, RuntimeError, OSError, SyntaxError) as error:
        raise ValueError(str(error)) from error

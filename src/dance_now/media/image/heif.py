"""HEIC photos: opened by Pillow through the optional package pillow-heif. Source: ISO/IEC 23008-12 (HEIF)."""

from __future__ import annotations

import importlib
import importlib.util
from functools import lru_cache
from typing import Final

from dance_now.core.errors import DanceNowError

_READER: Final = "pillow_heif"
_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})
_AVIF: Final = b"avif"  # among the compatible brands of an AVIF file whose main brand is mif1


def is_heif(head: bytes) -> bool:
    """Detects HEIC photos by the first bytes of a file."""
    brands = head[8 : min(int.from_bytes(head[:4], "big"), len(head))]
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS and _AVIF not in brands


def check_readable(name: str) -> None:
    """Registers the reader with Pillow.

    Raises:
        DanceNowError: pillow-heif is not installed.
    """
    if importlib.util.find_spec(_READER) is None:
        raise DanceNowError(
            f'{name} is a HEIC photo. Run: pip install "dance-now[heic]". Or convert it to jpg or png.'
        )
    _register()


@lru_cache(maxsize=1)
def _register() -> None:
    importlib.import_module(_READER).register_heif_opener()

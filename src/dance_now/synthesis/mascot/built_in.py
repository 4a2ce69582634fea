"""The avatar that comes with the program."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dance_now.synthesis.mascot.vrm_file import VrmBuilder

MASCOT: Final = "mascot"
"""What users write in place of an avatar's file."""


def mascot_vrm() -> bytes:
    """The mascot as a VRM 1.0 file; the same bytes every time.

    Example:
        >>> from pathlib import Path
        >>> Path("mascot.vrm").write_bytes(mascot_vrm())  # doctest: +SKIP
    """
    return VrmBuilder().to_bytes()


@contextmanager
def avatar_file(source: Path) -> Iterator[Path]:
    """The file of an avatar: ``source`` itself, or for ``mascot`` one that is made and lasts as long.

    A file or folder of that name goes before the built-in avatar.
    """
    if str(source) != MASCOT or source.exists():
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="dance_now_") as folder:
        path = Path(folder) / f"{MASCOT}.vrm"
        path.write_bytes(mascot_vrm())
        yield path

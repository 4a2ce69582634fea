"""Mascot: Tempo, the avatar that ships with the package (VRM 1.0, CC0; written by ``make mascot``)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MASCOT: Final = "mascot"
"""What users write in place of an avatar's file."""


def avatar_file(source: Path) -> Path:
    """File of an avatar: ``source`` itself, or for ``mascot`` the one that ships.

    A file or folder named ``mascot`` goes before the mascot.

    Example:
        >>> avatar_file(Path("mascot")).name
        'mascot.vrm'
    """
    if str(source) != MASCOT or source.exists():
        return source
    return Path(__file__).with_name(f"{MASCOT}.vrm")

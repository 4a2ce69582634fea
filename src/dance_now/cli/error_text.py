"""Error messages on the command line: one printable line, in which options are called by their flags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from dance_now.core.errors import DanceNowError

_FLAGS: Final[Mapping[str, str]] = {
    "source": "SOURCE",
    "output": "-o",
    "frame_rate": "--fps",
    "has_permission": "--i-have-permission",
}
"""Flags that are not called like the argument in Python."""


def error_text(error: Exception) -> str:
    """One line for a failure.

    Args:
        error: of a command; anything but a ``DanceNowError`` is a fault of the program.
    """
    words = " ".join(str(error).split())
    # Messages quote names and texts of files: none of them shall steer the terminal.
    text = "".join(character if character.isprintable() else "?" for character in words)
    if isinstance(error, DanceNowError):
        return text if error.option is None else with_flag(text, error.option)
    return f"unexpected {type(error).__name__} ({text}). --verbose shows where."


def flag_of(option: str) -> str:
    """The flag of an argument in Python.

    Example:
        >>> flag_of("keypoint_scale")
        '--keypoint-scale'
    """
    return _FLAGS.get(option, f"--{option.replace('_', '-')}")


def with_flag(text: str, option: str) -> str:
    """Calls an option by its flag: where the text begins with its name or passes it; else in front.

    Example:
        >>> with_flag("frame_rate must be at least 1, not 0.", "frame_rate")
        '--fps must be at least 1, not 0.'
        >>> with_flag("out.mp4 already exists; pass overwrite=True to replace it.", "overwrite")
        'out.mp4 already exists; pass --overwrite to replace it.'
    """
    flag = flag_of(option)
    named, found = re.subn(rf"\b{option}=True\b|^{option}\b", flag.replace("\\", r"\\"), text)
    return named if found else f"{flag}: {text}"

"""Error messages on the command line: one printable line, in which options are called by their flags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from dance_now.app.dance_options import DanceOptions
from dance_now.cli.terminal.printable import printable
from dance_now.core.errors import DanceNowError

_FLAGS: Final[Mapping[str, str]] = {
    "source": "SOURCE",
    "output": "-o",
    "frame_rate": "--fps",
    "has_permission": "--i-have-permission",
}
"""Flags that are not called like the argument in Python."""

_LONGEST: Final = 2000  # characters; messages quote names of files and texts in them
_OPTIONS: Final = frozenset(field.name for field in fields(DanceOptions))
_TRAINING_OPTIONS: Final = frozenset(
    {"bones", "credits", "has_permission", "licence", "motions", "steps", "timeout"}
)
# "poses does not exist" names a folder
_ABOUT_FILES: Final = (
    "does not exist|already exists|holds|has|is (?:being|empty|damaged|not|neither)|can|could"
)


def error_text(error: Exception) -> str:
    """One line for a failure.

    Args:
        error: of a command; anything but a ``DanceNowError`` is a fault of the program.
    """
    text = printable(" ".join(str(error).split()))
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}..."
    if isinstance(error, DanceNowError):
        return with_flags(text, error.option)
    return f"unexpected {type(error).__name__} ({text}). --verbose shows where."


def flag_of(option: str) -> str:
    """The flag of an argument in Python.

    Example:
        >>> flag_of("keypoint_scale")
        '--keypoint-scale'
    """
    return _FLAGS.get(option, f"--{option.replace('_', '-')}")


def with_flags(text: str, option: str | None = None) -> str:
    """Calls options by their flags where a message names them as arguments.

    Messages do that at their beginning ("start and end leave ..."), after "set", "needs" or "with", and as
    ``overwrite=True``.

    Args:
        text: the message.
        option: the argument that is to blame, if known; it is put in front if the message names none.

    Example:
        >>> with_flags("frame_rate must be at least 1, not 0.")
        '--fps must be at least 1, not 0.'
        >>> with_flags("out.mp4 already exists. Set overwrite to replace it.")
        'out.mp4 already exists. Set --overwrite to replace it.'
    """
    names = "|".join(_OPTIONS)
    known = rf"(?:{names})(?:(?:, | and | or )(?:{names}))*(?=[ ,.;:]|$)"
    patterns = [
        rf"^{known}(?! (?:{_ABOUT_FILES})\b)(?!\.\w)",
        rf"(?<=\b[Ss]et )(?:{names}|{'|'.join(_TRAINING_OPTIONS)})\b",
        rf"(?<=\bneeds )(?:{names})\b",
        r"(?<=\bwith )model\b",
        rf"\b(?:{names})=True\b",
    ]
    if option is not None:
        patterns.insert(0, rf"^{re.escape(option)}\b")
    named = re.sub("|".join(patterns), lambda found: _flags_in(found[0]), text)
    return f"{flag_of(option)}: {text}" if named == text and option is not None else named


def _flags_in(names: str) -> str:
    def translated(word: re.Match[str]) -> str:
        return word[0] if word[0] in ("and", "or") else flag_of(word[0])

    return re.sub(r"\w+", translated, names.removesuffix("=True"))

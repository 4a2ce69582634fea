"""Text for a terminal without control characters: names and texts of files must not steer it."""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from functools import wraps
from types import TracebackType


def printable(text: str, keep: str = "") -> str:
    """Replaces every character that is not printable by ``?``, but those of ``keep``.

    Example:
        >>> printable("clip\\x1b[2J.mp4")
        'clip?[2J.mp4'
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or character in keep else "?" for character in text)


def print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Prints a traceback as Python does, in printable text; for ``sys.excepthook``."""
    lines = "".join(traceback.format_exception(kind, error, trace))
    sys.stderr.write(f"{printable(lines.rstrip(), keep=chr(10))}\n")


@contextmanager
def printable_usage_errors(words: Sequence[str]) -> Iterator[Callable[..., Callable[..., object]]]:
    """Makes a parser's messages printable where the words of the command line are not; they are quoted there.

    Yields:
        A decorator for the command, which prints as ever.
    """
    if all(word.isprintable() for word in words):
        yield lambda command: command
        return
    stderr, messages = sys.stderr, io.StringIO()

    def unchanged(command: Callable[..., object]) -> Callable[..., object]:
        @wraps(command)
        def run(*arguments: object, **named: object) -> object:
            with redirect_stderr(stderr):
                return command(*arguments, **named)

        return run

    try:
        with redirect_stderr(messages):
            yield unchanged
    finally:
        stderr.write(printable(messages.getvalue(), keep="\n"))

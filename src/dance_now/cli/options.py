"""Option types that several verbs share, and what they say in ``--help``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dance_now.errors import MissingExtraError

_arg = tyro.conf.arg

Source = Annotated[str, tyro.conf.Positional, _arg(metavar="SOURCE")]
Seconds = Annotated[float | None, _arg(metavar="SECONDS", help_behavior_hint="")]
Count = Annotated[int, _arg(metavar="N")]
OptionalCount = Annotated[int | None, _arg(metavar="N", help_behavior_hint="")]
OptionalFolder = Annotated[Path | None, _arg(metavar="DIR", help_behavior_hint="")]
Flag = Annotated[bool, _arg(help_behavior_hint="")]
Device = Literal["auto", "cpu", "cuda"]


def say(line: str) -> None:
    """Prints one line of results to stdout."""
    sys.stdout.write(f"{line}\n")


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Wraps imports of an optional part of the package.

    Raises:
        MissingExtraError: one of its dependencies is not installed.
    """
    try:
        yield
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "dance_now"):
            raise
        raise MissingExtraError(missing, extra) from error

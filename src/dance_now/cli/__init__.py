"""The command line: ``dance-now VERB ...``; one module a verb."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from dance_now import __version__
from dance_now.core.errors import DanceNowError

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as shells count

_VERBS: Final = ("dance", "pose", "render", "train", "evaluate", "characters", "doctor")
_DESCRIPTION = (
    "Make an anime character move as a person in a photo or a video moves. --version prints the version; "
    "--verbose with any command prints a log and, after a failure, the traceback."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: the words after the program's name; those of the process by default.

    Returns:
        The exit code: 0, 1 (failed, one line on stderr says why), or 130 (interrupted).

    Raises:
        SystemExit: with 2 for wrong usage, with 0 after ``--help``.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:
        sys.stdout.write(f"dance-now {__version__}\n")
        return 0
    verbose = "--verbose" in words
    words = [word for word in words if word != "--verbose"]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may not fit the terminal's encoding
    try:
        _run(words, verbose)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except Exception as error:  # the last resort of a program whose users should not read tracebacks
        if verbose:
            raise
        sys.stderr.write(f"error: {_one_line(error)}\n")
        return FAILED
    return 0


def _run(words: list[str], verbose: bool) -> None:
    import tyro

    from dance_now.cli.progress import set_up_logging

    set_up_logging(verbose)
    config = (tyro.conf.FlagCreatePairsOff,)
    if words and words[0] in _VERBS:  # the others take a while to import
        tyro.cli(_verb(words[0]), prog=f"dance-now {words[0]}", args=words[1:], config=config)
        return
    tyro.extras.subcommand_cli_from_dict(
        {name: _verb(name) for name in _VERBS},
        prog="dance-now",
        description=_DESCRIPTION,
        args=words,
        config=config,
    )


def _verb(name: str) -> Callable[..., object]:
    verb: Callable[..., object] = getattr(import_module(f"dance_now.cli.{name}"), name)
    return verb


def _one_line(error: Exception) -> str:
    words = " ".join(str(error).split())
    # Messages quote names and texts of files: none of them shall steer the terminal.
    text = "".join(character if character.isprintable() else "?" for character in words)
    if isinstance(error, DanceNowError):
        return text
    return f"unexpected {type(error).__name__} ({text}). --verbose shows where."

"""Command line: ``dance-now COMMAND ...``; one module per command."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from importlib import import_module
from typing import Final

from dance_now import __version__
from dance_now.cli.terminal.printable import print_traceback, printable_usage_errors

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count
_TERMINATED: Final = ("SIGTERM", "SIGHUP")  # end a program as Ctrl-C does; the second where there is one

_COMMANDS: Final = (
    *("dance", "live", "pose", "inspect", "render", "rig", "train", "evaluate"),
    *("convert", "export", "batch-report", "characters", "fetch", "doctor"),
)
_DESCRIPTION = (
    "Replace people in photos and videos with anime characters that copy their poses. "
    "All options: dance-now COMMAND --help. --version (-V) prints the version; "
    "--verbose prints a log with any command and, after a failure, the traceback."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: the words after the program's name; those of the process by default.

    Returns:
        The exit code: 0, 1 (failed, one line on stderr says why; of a batch, some files did), 2 (no command:
        the help is on stderr; or a batch that cannot begin), or 130 (interrupted; 143 and 129 for SIGTERM and
        SIGHUP).

    Raises:
        SystemExit: with 2 for wrong usage, with 0 after ``--help``.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["--version"], ["-V"]):
        sys.stdout.write(f"dance-now {__version__}\n")
        return 0
    # Matrices here are small: OpenBLAS's threads would only wait, which takes a tenth of a second each. numpy
    # is not loaded yet.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    verbose = "--verbose" in words
    words = [word for word in words if word != "--verbose"]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may not fit the terminal's encoding
    ended_by: list[int] = []
    _interrupt_on_termination(ended_by)
    try:
        if not words:
            with redirect_stdout(sys.stderr), suppress(SystemExit):
                _run(["--help"], verbose)
            return WRONG_USAGE
        _run(words, verbose)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 128 + ended_by[0] if ended_by else INTERRUPTED
    except Exception as error:  # the last resort of a program whose users should not read tracebacks
        if verbose:
            sys.excepthook = print_traceback
            raise
        from dance_now.cli.terminal.error_text import error_text  # loads numpy, which --version needs not
        from dance_now.core.errors import UsageError

        sys.stderr.write(f"error: {error_text(error)}\n")
        return WRONG_USAGE if isinstance(error, UsageError) else FAILED
    return 0


def _interrupt_on_termination(ended_by: list[int]) -> None:
    """Turns signals that would end the program at once into interrupts: nothing half-written is left.

    Args:
        ended_by: gets the signal's number.
    """
    if threading.current_thread() is not threading.main_thread():  # others may not set handlers
        return

    def interrupt(number: int, _: object) -> None:
        if not ended_by:  # cleaning up is not interrupted
            ended_by.append(number)
            raise KeyboardInterrupt

    for name in _TERMINATED:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, interrupt)


def _run(words: list[str], verbose: bool) -> None:
    if os.environ.get("NO_COLOR"):  # rich obeys it, tyro has a variable of its own, which it reads once
        os.environ.setdefault("PYTHON_TYRO_ANSI_CODES", "False")
    import tyro

    from dance_now.cli.progress import set_up_logging

    set_up_logging(verbose)
    config = (tyro.conf.FlagCreatePairsOff,)
    if words and words[0] in _COMMANDS:  # the others take a while to import
        with printable_usage_errors(words) as command:
            tyro.cli(command(_command(words[0])), prog=f"dance-now {words[0]}", args=words[1:], config=config)
        return
    with printable_usage_errors(words) as command:
        tyro.extras.subcommand_cli_from_dict(
            {name: command(_command(name)) for name in _COMMANDS},
            prog="dance-now",
            description=_DESCRIPTION,
            args=words,
            config=config,
        )


def _command(name: str) -> Callable[..., object]:
    name = name.replace("-", "_")
    command: Callable[..., object] = getattr(import_module(f"dance_now.cli.{name}"), name)
    return command

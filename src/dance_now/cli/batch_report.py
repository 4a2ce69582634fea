"""``dance-now batch-report``: a table of what a batch has done, and a sheet of first frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import tyro

from dance_now.cli.options import say
from dance_now.cli.terminal.printable import printable

if TYPE_CHECKING:
    from rich.table import Table

    from dance_now.batch.batch_report import BatchReport

_Folder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
_COLORS: Final = {"ok": "green", "skipped": "cyan", "error": "red"}
_WIDTH: Final = 160  # characters, where the output is no terminal


def batch_report(folder: _Folder, /) -> None:
    """Print a table of what a batch has done, and write a sheet of first frames, report.jpg.

    Args:
        folder: output folder of dance, pose or train with several sources.
    """
    from rich.console import Console

    from dance_now.batch.batch_report import batch_report as read_report

    report = read_report(folder)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(_table(report))
    say(
        f"{report.count('ok', 'skipped')} done, {report.count('error')} failed; {report.frames} frames, "
        f"{report.seconds:.0f} seconds of work"
    )
    if report.sheet is not None:
        say(f"{report.sheet}: sheet of first frames")


def _table(report: BatchReport) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(show_edge=False, pad_edge=False)
    for title in ("source", "status", "output or message", "host"):
        table.add_column(title, overflow="fold")
    for title in ("frames", "missed", "seconds", "frames/s"):
        table.add_column(title, justify="right")
    for result in report.results:
        rate = result.frames / result.seconds if result.seconds > 0 and result.frames else 0.0
        table.add_row(
            Text(printable(result.source)),
            Text(result.status, style=_COLORS[result.status]),
            Text(printable(result.message if result.status == "error" else result.output)),
            Text(printable(result.host)),
            str(result.frames or ""),
            str(result.missed or ""),
            f"{result.seconds:.1f}" if result.seconds else "",
            f"{rate:.1f}" if rate else "",
        )
    return table

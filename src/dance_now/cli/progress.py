"""Progress on stderr: bars on a terminal, a line now and then in a log file; and reports of finished runs."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import cv2
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from dance_now.cli.options import remark, say
from dance_now.cli.printable import printable

if TYPE_CHECKING:
    from dance_now.app.dance import DanceResult

_logger = logging.getLogger(__name__)

CONSOLE: Final = Console(stderr=True)
_PATIENCE_SECONDS: Final = 1.0
_LINE_EVERY_SECONDS: Final = 10.0


class ProgressBars:
    """One bar a stage, shown when the stage has taken more than a second; use it as a context manager.

    Example:
        >>> with ProgressBars() as bars:
        ...     for frame in range(3):
        ...         bars.update("draw", frame + 1, 3)
    """

    def __init__(self, console: Console = CONSOLE, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds."""
        self._console = console
        self._clock = clock
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[remark]}"),
            console=console,
            get_time=clock,
        )
        self._tasks: dict[str, TaskID] = {}
        self._shown = False
        self._last_line = -_LINE_EVERY_SECONDS

    def update(self, stage: str, done: int, total: int | None, remark: str = "") -> None:
        """Tells how far a stage is; ``total`` is None where nobody knows."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(
                stage, total=total, completed=done, visible=False, remark=remark
            )
        identity = self._tasks[stage]
        self._progress.update(identity, completed=done, total=total, remark=remark)
        task = self._progress.tasks[identity]
        if (task.elapsed or 0.0) < _PATIENCE_SECONDS:
            return
        if self._console.is_terminal:
            self._progress.update(identity, visible=True)
            if not self._shown:
                self._progress.start()
                self._shown = True
        elif self._clock() - self._last_line >= _LINE_EVERY_SECONDS:
            self._last_line = self._clock()
            self._console.print(_line(task), markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._progress.stop()


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(_rate(task), style="progress.data.speed")


def _rate(task: Task) -> str:
    speed = task.finished_speed or task.speed
    if not speed:
        return ""
    return f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each"


def _line(task: Task) -> str:
    parts = [f"{task.description} {task.completed:.0f}"]
    if task.total is not None:
        parts[0] += f"/{task.total:.0f}"
    left = task.time_remaining
    if left is not None:
        minutes, seconds = divmod(round(left), 60)
        parts.append(f"{minutes}:{seconds:02d} left")
    return ", ".join(part for part in (parts[0], _rate(task), *parts[1:], task.fields["remark"]) if part)


class _ConsoleHandler(logging.Handler):
    """Prints records above the bars."""

    def emit(self, record: logging.LogRecord) -> None:
        text = printable(self.format(record), keep="\n")
        CONSOLE.print(text, markup=False, highlight=False, soft_wrap=True)


def _silence_opencv() -> None:
    set_level = getattr(cv2, "setLogLevel", None)  # OpenCV 4; 5 has moved it
    if set_level is None:
        set_level = cv2.utils.logging.setLogLevel
    set_level(0)


def set_up_logging(verbose: bool) -> None:
    """Sends the package's log to stderr: all of it, or only what is fetched, read raw, or skipped."""
    if not verbose:
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx._internal").setLevel(logging.ERROR)  # names packages nobody needs
        _silence_opencv()  # our errors say what is damaged
    package = logging.getLogger("dance_now")
    package.setLevel(logging.DEBUG if verbose else logging.ERROR)
    for module in (
        "dance_now.assets.wheels",
        "dance_now.media.raw_sink",
        "dance_now.training.data.dataset_reader",
        "dance_now.training.sources",
    ):
        logging.getLogger(module).setLevel(logging.INFO)
    handler = _ConsoleHandler()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s" if verbose else "%(message)s"))
    package.handlers[:] = [handler]


def report(result: DanceResult, to_stdout: bool = True) -> None:
    """Prints what is worth knowing about a run; its last line is the summary.

    Args:
        result: of the run.
        to_stdout: otherwise to stderr, because stdout carries the frames.
    """
    tell = say if to_stdout else remark
    stages = ", ".join(f"{name} {milliseconds:.1f}" for name, milliseconds in result.processor.items())
    _logger.info("CPU milliseconds per frame: %s", stages)
    if result.missed:
        tell(f"no person found in {result.missed} of {frame_count(result.frames)}")
    if result.left_out:
        from dance_now.pose.tracking.tracker import MAX_PEOPLE  # only then: it loads numpy

        people = "1 person" if result.left_out == 1 else f"{result.left_out} people"
        tell(f"left out {people}: at most {MAX_PEOPLE} are replaced at once")
    if result.skipped:
        tell(f"skipped {frame_count(result.skipped, 'damaged ')} (--verbose lists them)")
    if result.preview is not None:
        tell(f"{result.preview}: contact sheet")
    rate = result.frames / max(result.seconds, 1e-3)
    tell(f"{result.output}: {frame_count(result.frames)} in {result.seconds:.1f} s ({rate:.1f} frames/s)")


def frame_count(number: int, kind: str = "") -> str:
    """``1 frame`` or ``5 frames``."""
    return f"{number} {kind}frame{'' if number == 1 else 's'}"

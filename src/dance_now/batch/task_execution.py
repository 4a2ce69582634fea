"""Execution of one task in a worker: skip or make, under a lock, with sidecar and scratch copies."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dance_now import __version__
from dance_now.batch.batch_task import BatchResult, Outcome, Process, Status, Task, Work
from dance_now.batch.runners.runner import JobReporter
from dance_now.batch.sidecar import Existing, Sidecar, file_hash, finished
from dance_now.batch.storage import download, is_remote, join, scratch_folder, stamp, upload
from dance_now.core.errors import DanceNowError
from dance_now.core.file_lock import FileLock

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaskService:
    """What workers of a batch offer: tasks are executed and never raise.

    Attributes:
        work: what is done with each source.
        identity: of the work; it is hashed once, not in each worker.
        overwrite: replace results that were made from something else.
    """

    work: Work
    identity: Mapping[str, Any]
    overwrite: bool

    def open(self) -> TaskExecution:
        """Loads the work's networks."""
        return TaskExecution(self.work.open(), self.identity, self.overwrite)


class TaskExecution:
    """Executes tasks with loaded networks."""

    def __init__(self, process: Process, identity: Mapping[str, Any], overwrite: bool) -> None:
        self._process = process
        self._identity = identity
        self._overwrite = overwrite

    def __call__(self, task: Task, report: JobReporter) -> BatchResult:
        """Executes one task; whatever goes wrong is in the result."""
        begun = time.perf_counter()

        def result(status: Status, message: str = "", outcome: Outcome | None = None) -> BatchResult:
            counted = outcome or Outcome()
            seconds = time.perf_counter() - begun
            return BatchResult(
                task.source, task.output, status, message, counted.frames, counted.missed, seconds
            )

        try:
            with _lock(task.output):
                outcome = self._made(task, report)
        except DanceNowError as error:
            return result("error", " ".join(str(error).split()))
        except MemoryError:
            return result("error", "there is not enough memory. Use fewer jobs.")
        except Exception as error:  # one bad file stops nothing
            _logger.debug("%s failed", task.source, exc_info=True)
            return result("error", f"unexpected {type(error).__name__} ({' '.join(str(error).split())}).")
        return result("skipped") if outcome is None else result("ok", outcome.note, outcome)

    def _made(self, task: Task, report: JobReporter) -> Outcome | None:
        """Makes the output; None if it is there already."""
        existing = Existing(task, self._identity)
        if existing.is_done():  # by another run, since this one began
            return None
        with ExitStack() as stack:
            scratch: Path | None = None
            if is_remote(task.source) or is_remote(task.output):
                scratch = stack.enter_context(scratch_folder())
            source_stamp = stamp(task.source)
            source = task.source if not is_remote(task.source) else str(_copied(task.source, scratch))
            source_hash = file_hash(Path(source))
            if existing.is_done(source_hash):
                assert existing.sidecar is not None
                # next time, no hash is needed
                replace(existing.sidecar, source_stamp=source_stamp).write(task.output)
                return None
            if not self._overwrite:
                existing.check_replaceable(source_hash)
            # Written before the output: a run that dies between the two knows its own output again.
            Sidecar(self._identity, __version__, source_hash, source_stamp).write(task.output)
            output = Path(task.output) if scratch is None else _scratch_output(task, scratch)
            try:
                outcome = self._process(source, output, bool(existing.output_stamp), report)
            except BaseException:
                if existing.sidecar is None:
                    remove_sidecar(task.output)
                else:  # of the earlier output, which is still there
                    existing.sidecar.write(task.output)
                raise
            if scratch is not None and is_remote(task.output):
                for path in sorted(output.parent.iterdir()):  # a contact sheet may lie beside the output
                    upload(path, join(task.output.rstrip("/").rpartition("/")[0], path.name))
            finished(task, self._identity, (source_hash, source_stamp), outcome).write(task.output)
        return outcome


def _copied(url: str, scratch: Path | None) -> Path:
    assert scratch is not None
    folder = scratch / "source"
    folder.mkdir()
    return download(url, folder)


def _scratch_output(task: Task, scratch: Path) -> Path:
    """Where an output is made: in scratch if it is uploaded then."""
    if not is_remote(task.output):
        return Path(task.output)
    folder = scratch / "output"
    folder.mkdir()
    return folder / task.output.rstrip("/").rpartition("/")[2]


@contextmanager
def _lock(output: str) -> Iterator[None]:
    """Keeps other runs from an output and its sidecar; remote ones are not locked.

    Raises:
        DanceNowError: another run is at it, or its folder cannot be written.
    """
    if is_remote(output):
        yield
        return
    path = lock_target(output)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
    except DanceNowError as error:
        raise DanceNowError(f"{output} is being written by another dance-now. Run again later.") from error
    except OSError as error:
        raise DanceNowError(f"{output} could not be written: {error.strerror or error}.") from error
    try:
        yield
    finally:
        lock.release()


def lock_target(output: str) -> Path:
    """The path whose lock guards an output and its sidecar."""
    path = Path(output)
    return path.with_name(f"{path.name}.task")


def remove_sidecar(output: str) -> None:
    """Takes back the sidecar of an output that was not made."""
    if not is_remote(output):
        with suppress(OSError):
            Path(Sidecar.path(output)).unlink()

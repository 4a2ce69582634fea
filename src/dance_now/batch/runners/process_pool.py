"""Worker processes on this machine: spawned, each with its own networks and its share of the cores."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pickle import PicklingError
from typing import Any, Final

from dance_now.batch.runners.runner import Service, Watcher
from dance_now.batch.runners.supervisor import (
    Advanced,
    Died,
    Event,
    Finished,
    Ready,
    Refused,
    Supervisor,
    TimeLimit,
)
from dance_now.core.errors import DanceNowError
from dance_now.core.processor_cores import available_cores, limit_cores
from dance_now.core.worker_process import end_with_parent

_REPORT_EVERY: Final = 0.2  # seconds
_GRACE: Final = 5.0  # seconds for a worker to end by itself


class ProcessRunner:
    """Carries out jobs in worker processes of this machine; see ``Runner``."""

    def __init__(self, workers: int, limit: TimeLimit) -> None:
        """``workers``: processes at once; each uses an equal share of the cores."""
        self._workers = workers
        self._limit = limit

    def run(self, service: Service, jobs: Sequence[Any], watch: Watcher) -> Generator[tuple[int, Any]]:
        """Carries out the jobs in worker processes."""
        if not jobs:
            return
        size = min(self._workers, len(jobs))
        pool = ProcessPool(size, service, max(1, available_cores() // size))
        yield from Supervisor(pool, self._limit).run(jobs, watch)


class ProcessPool:
    """Pool of spawned processes, for a ``Supervisor``.

    Attributes:
        size: number of workers.
    """

    def __init__(self, size: int, service: Service, threads: int) -> None:
        """``threads``: cores that each worker may use."""
        self.size = size
        self._service = service
        self._threads = threads
        self._context = multiprocessing.get_context("spawn")
        self._processes: dict[int, tuple[BaseProcess, Connection]] = {}

    def start(self, worker: int) -> None:
        """Starts a worker.

        Raises:
            DanceNowError: what it needs cannot be sent to another process.
        """
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._service, self._threads))
        try:
            process.start()
        except (PicklingError, AttributeError, TypeError) as error:
            raise DanceNowError(
                f"jobs needs characters and estimators that other processes can load ({error}). "
                "Give their names or paths."
            ) from error
        finally:
            theirs.close()
        self._processes[worker] = (process, ours)

    def submit(self, worker: int, job: Any) -> None:
        """Sends a job; a worker that is gone is noticed by ``wait``."""
        with suppress(OSError):
            self._processes[worker][1].send(job)

    def kill(self, worker: int) -> None:
        """Kills a worker."""
        process, pipe = self._processes.pop(worker)
        pipe.close()
        process.kill()
        process.join()

    def wait(self, seconds: float) -> Iterable[Event]:
        """Waits for messages, and for workers that end."""
        workers = {pipe: worker for worker, (_, pipe) in self._processes.items()}
        events: list[Event] = []
        for pipe in wait(list(workers), seconds):
            assert isinstance(pipe, Connection)
            worker = workers[pipe]
            try:
                kind, *content = pipe.recv()
                events.append(kind(worker, *content))
            except (EOFError, OSError):
                events.append(Died(worker, self._buried(worker)))
        return events

    def close(self) -> None:
        """Ends all workers: those that wait for a job end by themselves, the others are killed."""
        for process, pipe in self._processes.values():
            pipe.close()
            process.terminate()
        deadline = time.monotonic() + _GRACE
        for process, _ in self._processes.values():
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        self._processes.clear()

    def _buried(self, worker: int) -> str:
        """Removes a worker that is ending; how it ended."""
        process, pipe = self._processes.pop(worker)
        pipe.close()
        process.join(_GRACE)
        if process.is_alive():
            process.kill()
            process.join()
        code = process.exitcode or 0
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"


class _PipeReporter:
    """Sends progress to the parent, not too often."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._last = 0.0

    def progress(self, stage: str, done: int, total: int | None) -> None:
        if time.monotonic() - self._last >= _REPORT_EVERY:
            self._last = time.monotonic()
            self._pipe.send((Advanced, stage, done, total))


def _work(pipe: Connection, service: Service, threads: int) -> None:
    """Main function of a worker process."""
    end_with_parent()
    limit_cores(threads)
    try:
        perform = service.open()
    except DanceNowError as error:
        pipe.send((Refused, error))
        return
    pipe.send((Ready,))
    reporter = _PipeReporter(pipe)
    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):  # the parent has closed its end
            return
        pipe.send((Finished, perform(job, reporter)))

"""Supervisor of workers: hands out jobs, replaces workers that died, and stops jobs that take too long."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from dance_now.batch.runners.runner import Lost, Watcher, WorkerProgress
from dance_now.core.errors import DanceNowError

MOST_ATTEMPTS: Final = 2  # of a job that its worker does not survive
_MOST_FAILED_STARTS: Final = 3  # in a row
_TICK: Final = 1.0  # seconds between looks at the clock
_FRAMES_A_SECOND: Final = 25  # that sources are taken to have


@dataclass(frozen=True)
class TimeLimit:
    """Time that a job may take: it grows with the length of its source.

    Attributes:
        factor: seconds allowed for each second that the source plays, at 25 frames a second; 0: no limit.
        least: seconds that each source counts in any case: for opening it, and for photos.
    """

    factor: float = 60.0
    least: float = 10.0

    def seconds(self, length: float) -> float:
        """Seconds for a source that plays ``length`` seconds."""
        return self.factor * (self.least + length) if self.factor > 0 else float("inf")


@dataclass(frozen=True)
class Ready:
    """A worker has opened its service, and waits for a job."""

    worker: int


@dataclass(frozen=True)
class Refused:
    """A worker cannot open its service; no other could."""

    worker: int
    error: Exception


@dataclass(frozen=True)
class Advanced:
    """A worker's job has gone on."""

    worker: int
    stage: str
    done: int
    total: int | None


@dataclass(frozen=True)
class Finished:
    """A worker's job is done."""

    worker: int
    result: Any


@dataclass(frozen=True)
class Died:
    """A worker is gone; ``reason`` says how."""

    worker: int
    reason: str


Event = Ready | Refused | Advanced | Finished | Died


class WorkerPool(Protocol):
    """Workers of one kind, by number; all calls return at once but ``wait``."""

    size: int

    def start(self, worker: int) -> None:
        """Starts a worker; ``Ready`` follows."""
        ...

    def submit(self, worker: int, job: Any) -> None:
        """Gives a worker that is ready a job; ``Finished`` follows."""
        ...

    def kill(self, worker: int) -> None:
        """Ends a worker; no event follows."""
        ...

    def wait(self, seconds: float) -> Iterable[Event]:
        """Events since the last call; waits for one, not longer than ``seconds``."""
        ...

    def close(self) -> None:
        """Ends all workers."""
        ...


@dataclass
class _Worker:
    job: int | None = None
    begun: float = 0.0
    length: float = 0.0
    is_ready: bool = False
    is_started: bool = False


@dataclass
class Supervisor:
    """Runs jobs on the workers of a pool.

    A job whose worker dies is tried once more, behind all others; if that worker dies as well, the job is to
    blame and is given up. A job beyond its time limit is given up at once.

    Attributes:
        pool: the workers.
        limit: time that each job may take.
        clock: gives seconds.
    """

    pool: WorkerPool
    limit: TimeLimit = TimeLimit()
    clock: Callable[[], float] = time.monotonic
    _workers: list[_Worker] = field(default_factory=list, init=False)
    _waiting: deque[int] = field(default_factory=deque, init=False)
    _deaths: Counter[int] = field(default_factory=Counter, init=False)
    _failed_starts: int = field(default=0, init=False)

    def run(self, jobs: Sequence[Any], watch: Watcher) -> Generator[tuple[int, Any]]:
        """Runs all jobs; the pool is closed in the end, however that comes.

        Yields:
            Index and result of each job, as it finishes.

        Raises:
            DanceNowError: workers cannot start.
        """
        self._waiting = deque(range(len(jobs)))
        self._workers = [_Worker() for _ in range(self.pool.size)]
        left = len(jobs)
        try:
            while left:
                self._hand_out(jobs)
                for event in self.pool.wait(_TICK):
                    for finished in self._handle(event, watch):
                        left -= 1
                        yield finished
                for finished in self._overdue():
                    left -= 1
                    yield finished
        finally:
            self.pool.close()

    def _hand_out(self, jobs: Sequence[Any]) -> None:
        """Starts as many workers as have something to do, and gives jobs to those that are ready."""
        for number, worker in enumerate(self._workers):
            if worker.is_ready and worker.job is None and self._waiting:
                worker.job = self._waiting.popleft()
                worker.begun, worker.length = self.clock(), 0.0
                self.pool.submit(number, jobs[worker.job])
        starting = sum(worker.is_started and not worker.is_ready for worker in self._workers)
        for number, worker in enumerate(self._workers):
            if not worker.is_started and starting < len(self._waiting):
                worker.is_started = True
                starting += 1
                self.pool.start(number)

    def _handle(self, event: Event, watch: Watcher) -> Generator[tuple[int, Any]]:
        worker = self._workers[event.worker]
        match event:
            case Ready():
                worker.is_ready, self._failed_starts = True, 0
            case Refused():
                raise event.error
            case Advanced() if worker.job is not None:
                worker.length = max(worker.length, (event.total or event.done) / _FRAMES_A_SECOND)
                watch(WorkerProgress(event.worker, worker.job, event.stage, event.done, event.total))
            case Finished() if worker.job is not None:
                job, worker.job = worker.job, None
                yield job, event.result
            case Died():
                yield from self._bury(event)

    def _bury(self, event: Died) -> Iterator[tuple[int, Any]]:
        """A worker died: its job is tried again, or given up."""
        job, self._workers[event.worker] = self._workers[event.worker].job, _Worker()
        if job is None:
            self._failed_starts += 1
            if self._failed_starts >= _MOST_FAILED_STARTS:
                raise DanceNowError(
                    f"workers die while they start ({event.reason}), perhaps for lack of memory. Use fewer "
                    'jobs; a script needs the line: if __name__ == "__main__":'
                )
            return
        self._deaths[job] += 1
        if self._deaths[job] < MOST_ATTEMPTS:
            self._waiting.append(job)
        else:
            yield job, Lost(f"killed its worker twice ({event.reason}), perhaps for lack of memory.")

    def _overdue(self) -> Iterator[tuple[int, Any]]:
        """Gives up jobs that have taken too long, and replaces their workers."""
        for number, worker in enumerate(self._workers):
            allowed = self.limit.seconds(worker.length)
            if worker.job is not None and self.clock() - worker.begun > allowed:
                self.pool.kill(number)
                self._workers[number] = _Worker()
                yield worker.job, Lost(f"took longer than {allowed:.0f} seconds. Set timeout to allow more.")

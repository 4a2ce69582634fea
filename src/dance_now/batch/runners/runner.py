"""Runner: the interface of everything that carries out many jobs, and what jobs report."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Perform = Callable[[Any, "JobReporter"], Any]
"""Carries out one job: called with the job and whom to tell about it; returns its result."""


class Service(Protocol):
    """What a worker offers; it is pickled, and opened once in each worker."""

    def open(self) -> Perform:
        """Loads what all jobs need.

        Raises:
            DanceNowError: it cannot be loaded; no job is carried out.
        """
        ...


class JobReporter(Protocol):
    """Whom a job tells how far it is; time limits follow from that, too."""

    def progress(self, stage: str, done: int, total: int | None) -> None:
        """Says how far a stage is; ``total`` is None where nobody knows."""
        ...


@dataclass(frozen=True)
class Lost:
    """Result of a job that no worker could finish.

    Attributes:
        message: the reason, one line.
    """

    message: str


@dataclass(frozen=True)
class WorkerProgress:
    """How far a worker is with its job.

    Attributes:
        worker: number of the worker, from 0 on.
        job: index of the job.
        stage: name of the stage.
        done: steps done, mostly frames.
        total: steps in all, if known.
    """

    worker: int
    job: int
    stage: str
    done: int
    total: int | None


Watcher = Callable[[WorkerProgress], None]


class Runner(Protocol):
    """Carries out jobs that do not depend on each other."""

    def run(self, service: Service, jobs: Sequence[Any], watch: Watcher) -> Generator[tuple[int, Any]]:
        """Carries out all jobs; close the generator to stop early.

        Args:
            service: what each worker opens.
            jobs: what it is called with; with several workers the first ones are begun first.
            watch: told about progress.

        Yields:
            The index of each job with its result, as jobs finish; ``Lost`` where workers died of it.

        Raises:
            DanceNowError: the service cannot be opened, or there are no workers.
        """
        ...

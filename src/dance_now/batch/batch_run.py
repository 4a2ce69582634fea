"""Run of a batch: plan, skip what is done, hand the rest to a runner, keep the journal."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from dance_now.batch.batch_journal import Journal
from dance_now.batch.batch_sources import BatchSource
from dance_now.batch.batch_task import BatchResult, Task, Work
from dance_now.batch.runners.cluster import Cluster
from dance_now.batch.runners.in_process import InProcessRunner
from dance_now.batch.runners.process_pool import ProcessRunner
from dance_now.batch.runners.runner import Lost, Runner, WorkerProgress
from dance_now.batch.runners.supervisor import TimeLimit
from dance_now.batch.sharding import Shard, longest_first
from dance_now.batch.sidecar import Existing
from dance_now.batch.storage import are_same, check_writable, is_remote, join, size_of
from dance_now.batch.task_execution import TaskService, lock_target, remove_sidecar
from dance_now.core.argument_checks import check_number, check_type
from dance_now.core.atomic_write import remove_dead_parts
from dance_now.core.errors import DanceNowError, UsageError
from dance_now.core.file_lock import FileLock

MOST_JOBS: Final = 256


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """How a batch is carried out; its results do not depend on it.

    Attributes:
        jobs: worker processes on this machine; None: one file after the other in this process.
        cluster: a Ray cluster instead.
        shard: only this part of the sources.
        timeout: factor of ``TimeLimit``, 0 for none; it needs ``jobs`` or ``cluster``.
        overwrite: replace results that were made from something else.

    Raises:
        DanceNowError: a value out of range, or jobs and cluster together.
    """

    jobs: int | None = None
    cluster: Cluster | None = None
    shard: Shard | None = None
    timeout: float = 60.0
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.jobs is not None:
            check_type("jobs", self.jobs, int, "an int")
            check_number("jobs", self.jobs, 1, MOST_JOBS)
        check_number("timeout", self.timeout, 0)

    def runner(self) -> Runner:
        """Where tasks are carried out.

        Raises:
            MissingExtraError: Ray is not installed.
        """
        limit = TimeLimit(self.timeout)
        if self.cluster is not None:
            from dance_now.batch.runners.ray_pool import RayRunner

            return RayRunner(self.cluster, self.jobs, limit)
        return InProcessRunner() if self.jobs is None else ProcessRunner(self.jobs, limit)


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch is.

    Attributes:
        done: sources done, skipped ones among them.
        total: sources in all.
        worker: how far one worker is, where that is what changed.
        source: what that worker works on.
    """

    done: int
    total: int
    worker: WorkerProgress | None = None
    source: str = ""


def _nobody(progress: BatchProgress) -> None:
    """Progress that nobody watches."""


@dataclass
class Batch:
    """A batch that is planned: all that can be checked before any work has been.

    Attributes:
        work: what is done with each source.
        folder: the output folder.
        options: how.
        tasks: those of this run, in the order in which they are begun.
    """

    work: Work
    folder: str
    options: BatchOptions
    tasks: list[Task]
    _identity: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def plan(cls, work: Work, sources: Sequence[BatchSource], folder: str, options: BatchOptions) -> Batch:
        """Plans a batch.

        Raises:
            UsageError: two sources with the same output, or an output that is no folder.
            DanceNowError: files that the work needs cannot be read, or the output cannot be written.
        """
        if is_remote(folder):
            check_writable(folder)
        elif Path(folder).exists() and not Path(folder).is_dir():
            raise UsageError(f"output {folder} is a file. Choose a folder.", option="output")
        if options.cluster is not None:  # whose workers have other working folders
            folder = folder if is_remote(folder) else str(Path(folder).absolute())
            sources = [each.absolute() for each in sources]
        tasks = [
            Task(each.path, join(folder, str(each.folder / work.output_name(each.path, each.name))))
            for each in sources
        ]
        _check_outputs(tasks)
        identity = work.identity()
        if options.shard or options.jobs or options.cluster:
            sizes = [size_of(task.source) for task in tasks]
            order = options.shard.select(sizes) if options.shard else longest_first(sizes)
            tasks = [replace(tasks[index], size=sizes[index]) for index in order]
        return cls(work, folder, options, tasks, identity)

    def run(self, watch: Callable[[BatchProgress], None] = _nobody) -> Generator[BatchResult]:
        """Carries the batch out; close the iterator to stop early.

        Yields:
            The result of each source as it is known: first those that are skipped.

        Raises:
            DanceNowError: there are no workers, or the journal cannot be written.
        """
        runner = self.options.runner()
        made = _make_folders(self.folder)
        journal = Journal(self.folder, self.options.shard)
        done = 0
        try:
            with closing(self._results(runner, watch)) as results:
                for result in results:
                    journal.write(result)
                    done += 1
                    watch(BatchProgress(done, len(self.tasks)))
                    yield result
        finally:
            journal.upload()
            self._clean(made)

    def _results(self, runner: Runner, watch: Callable[[BatchProgress], None]) -> Generator[BatchResult]:
        missing: list[Task] = []
        finished = 0
        for task in self.tasks:
            skipped = self._skipped(task)
            if skipped is None:
                missing.append(task)
            else:
                finished += 1
                yield skipped
        if not missing:
            return

        def tell(progress: WorkerProgress) -> None:
            watch(BatchProgress(finished, len(self.tasks), progress, missing[progress.job].source))

        service = TaskService(self.work, self._identity, self.options.overwrite)
        left = dict(enumerate(missing))
        try:
            with closing(runner.run(service, missing, tell)) as results:
                for index, result in results:
                    finished += 1
                    task = left.pop(index)
                    if isinstance(result, Lost):
                        self._clear(task)
                        result = BatchResult(task.source, task.output, "error", result.message)
                    yield result
        finally:  # after an interrupt
            for task in left.values():
                self._clear(task)

    def _skipped(self, task: Task) -> BatchResult | None:
        """The result of a task that needs no work; errors are left to the worker."""
        try:
            existing = Existing(task, self._identity)
            if existing.is_done() and existing.sidecar is not None:
                counted = existing.sidecar.outcome or {}
                frames, missed = (int(counted.get(name, 0)) for name in ("frames", "missed"))
                return BatchResult(task.source, task.output, "skipped", "", frames, missed)
        except (DanceNowError, ValueError, TypeError):
            pass
        return None

    def _clear(self, task: Task) -> None:
        """Removes what a killed worker has left: files of locks, and a sidecar without its output."""
        if is_remote(task.output):
            return
        try:
            lock = FileLock(lock_target(task.output))
        except (OSError, DanceNowError):  # no such folder; or another run is at it
            return
        with suppress(OSError, DanceNowError):
            FileLock(Path(task.output)).release()
        if not Path(task.output).exists():
            remove_sidecar(task.output)
        lock.release()

    def _clean(self, made: list[Path]) -> None:
        """Removes what killed workers left unfinished, and folders that were made but stayed empty."""
        if is_remote(self.folder):
            return
        if self.options.jobs is not None or self.options.cluster is not None:
            remove_dead_parts(Path(self.folder))
        top = Path(self.folder)
        inner = {
            each for task in self.tasks for each in Path(task.output).parents if each.is_relative_to(top)
        }
        for folder in [*sorted(inner - {top}, reverse=True), *reversed(made)]:
            with suppress(OSError):
                folder.rmdir()


def _check_outputs(tasks: Sequence[Task]) -> None:
    """Checks that no two sources have one output, not even where capitals do not count.

    Raises:
        UsageError: two have; both are named.
    """
    known: dict[str, Task] = {}
    for task in tasks:
        key = os.path.normcase(task.output).casefold()
        other = known.setdefault(key, task)
        if other is not task:
            raise UsageError(
                f"{other.source} and {task.source} have the same output, {task.output}. Rename one of them, "
                "or run them into two folders."
            )
        if are_same(task.source, task.output):
            raise UsageError(
                f"output {task.output} is the source itself. Choose another folder.", option="output"
            )


def _make_folders(folder: str) -> list[Path]:
    """Creates the output folder; those that were missing, from the outermost on.

    Raises:
        DanceNowError: it cannot be created.
    """
    if is_remote(folder):
        return []
    path = Path(folder).absolute()
    missing = [each for each in [*reversed(path.parents), path] if not each.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DanceNowError(
            f"the folder {folder} cannot be created: {error.strerror or error}. Choose another."
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise DanceNowError(f"the folder {folder} is not writable. Choose another output.")
    return missing

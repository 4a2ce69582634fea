"""Options of commands that process several files: where they run, and which part of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from dance_now.cli.options import remark, say
from dance_now.cli.progress import ProgressBars
from dance_now.cli.shared.report import frame_count
from dance_now.cli.terminal.error_text import error_text
from dance_now.core.errors import DanceNowError, UsageError

if TYPE_CHECKING:
    from dance_now.batch.batch_run import BatchOptions, BatchProgress
    from dance_now.batch.batch_sources import BatchSource
    from dance_now.batch.batch_task import BatchResult, Work
    from dance_now.batch.runners.cluster import Cluster

_arg = tyro.conf.arg
_Jobs = Annotated[int | None, _arg(metavar="N", help_behavior_hint="")]
_Cluster = Annotated[str | None, _arg(metavar="auto|ADDRESS", help_behavior_hint="")]
_Shard = Annotated[str | None, _arg(metavar="I/N", help_behavior_hint="")]


@dataclass(frozen=True, kw_only=True)
class BatchFlags:
    """Several files; see docs/batch.md."""

    jobs: _Jobs = None
    """worker processes on this machine; on a cluster, workers at most."""
    cluster: _Cluster = None
    """Ray cluster instead: auto (this machine's), local (a new one here) or HOST:PORT; needs [cluster]."""
    shard: _Shard = None
    """only part I of N, for job arrays."""
    cpus: Annotated[float, _arg(metavar="N")] = 1.0
    """cores for each worker of a cluster."""
    gpus: Annotated[float, _arg(metavar="N")] = 0.0
    """GPUs for each worker of a cluster, or a share of one."""
    memory: Annotated[float, _arg(metavar="GB")] = 0.0
    """memory to set aside for each worker of a cluster; 0: none."""
    timeout: Annotated[float, _arg(metavar="FACTOR")] = 60.0
    """seconds that a worker may take for each second of a clip, and for ten more; 0: no limit."""

    @property
    def is_given(self) -> bool:
        """Whether a batch was asked for, however many sources there are."""
        return not (self.jobs is self.cluster is self.shard is None)

    def options(self, overwrite: bool, timeout: float | None = None) -> BatchOptions:
        """What the flags say.

        Args:
            overwrite: replace results that were made from something else.
            timeout: instead of the flag's default.

        Raises:
            UsageError: they do not go together.
            DanceNowError: a value out of range.
        """
        from dance_now.batch.batch_run import BatchOptions
        from dance_now.batch.sharding import Shard

        return BatchOptions(
            jobs=self.jobs,
            cluster=None if self.cluster is None else self.cluster_options(),
            shard=None if self.shard is None else Shard.parse(self.shard),
            timeout=self.timeout if timeout is None or self.timeout != 60.0 else timeout,
            overwrite=overwrite,
        )

    def cluster_options(self) -> Cluster:
        """The cluster, and what each worker takes of it."""
        from dance_now.batch.runners.cluster import Cluster

        return Cluster(address=self.cluster or "auto", cpus=self.cpus, gpus=self.gpus, memory=self.memory)


Batch = Annotated[BatchFlags, tyro.conf.OmitArgPrefixes]
NO_FLAGS = BatchFlags()


def folder_for(output: str | Path | None) -> str:
    """Output folder of a batch: the working folder by default.

    Raises:
        UsageError: the output is one file.
    """
    if output is None:
        return "."
    text = str(output)
    if text == "-" or (Path(text).suffix and not Path(text).is_dir() and not text.endswith("/")):
        raise UsageError(
            f"output {text} is one file, there are several sources. Choose a folder.", option="output"
        )
    return text


def run_batch(work: Work, sources: Sequence[BatchSource], output: str, options: BatchOptions) -> None:
    """Runs a batch: a line for each file, bars or lines about progress, and a line in the end.

    Raises:
        DanceNowError: some files failed, or the batch cannot be carried out.
    """
    from dance_now.batch.batch_run import Batch as PlannedBatch

    batch = PlannedBatch.plan(work, sources, output, options)
    counts = {"ok": 0, "skipped": 0, "error": 0}
    with _progress(len(batch.tasks)) as watch, closing(batch.run(watch)) as results:
        for result in results:
            counts[result.status] += 1
            _print(result)
    listed = f"{counts['ok']} done, {counts['skipped']} skipped, {counts['error']} failed"
    if counts["error"]:
        raise DanceNowError(f"{counts['error']} of {len(batch.tasks)} sources failed ({listed}).")
    say(f"{output}: {listed}")


def _print(result: BatchResult) -> None:
    if result.status == "error":
        remark(f"{result.source}: {error_text(DanceNowError(result.message))}")
    elif result.status == "ok":
        counted = f"{frame_count(result.frames)} in " if result.frames else ""
        missed = f", no person found in {result.missed}" if result.missed else ""
        note = f", {result.message}" if result.message else ""
        say(f"{result.output}: {counted}{result.seconds:.1f} s{missed}{note}")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[BatchProgress], None]]:
    """A bar for all files, and one for each worker; in a log file, one line for all of that."""
    with ProgressBars() as bars:
        bars.update("files", 0, total)

        at_work: dict[int, str] = {}

        def watch(progress: BatchProgress) -> None:
            if progress.worker is not None:
                each, name = progress.worker, Path(progress.source).name
                if bars.are_shown:
                    bars.update(f"worker {each.worker + 1}", each.done, each.total, f"{each.stage} {name}")
                else:
                    of = "" if each.total is None else f"/{each.total}"
                    at_work[each.worker] = f"{name}: {each.stage} {each.done}{of}"
            bars.update("files", progress.done, progress.total, "; ".join(at_work.values()))

        yield watch

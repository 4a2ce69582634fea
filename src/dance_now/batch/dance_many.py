"""Dance of many files: the Python interface to batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

from dance_now.app.character_loading import CharacterLike
from dance_now.app.dance_options import DanceOptions
from dance_now.batch.batch_run import Batch, BatchOptions, BatchProgress
from dance_now.batch.batch_sources import list_sources
from dance_now.batch.batch_task import BatchResult
from dance_now.batch.runners.cluster import Cluster
from dance_now.batch.sharding import Shard
from dance_now.batch.works.dance_work import DanceWork
from dance_now.core.argument_checks import check_path, check_type
from dance_now.core.errors import UsageError


def dance_many(
    sources: str | Path | Sequence[str | Path],
    character: CharacterLike | Sequence[CharacterLike] = "godette",
    output: str | Path = ".",
    *,
    jobs: int | None = None,
    cluster: str | Cluster | None = None,
    shard: str | None = None,
    timeout: float = 60.0,
    options: DanceOptions | None = None,
    progress: Callable[[BatchProgress], None] | None = None,
) -> Generator[BatchResult]:
    """Replaces people with characters in many files: one after the other, in processes, or on Ray.

    Arguments are checked at once; files are processed while the results are read. What was made before from
    the same source, character, options and version is skipped. Each result has a sidecar, and the folder a
    journal, ``report.jsonl``. With ``jobs`` or ``cluster``, a script needs ``if __name__ == "__main__":``.

    Args:
        sources: files, folders, globs, URLs, and lists of them (``"@list.txt"``).
        character: as for ``dance``; names or paths where other processes are to load it.
        output: the folder, or the URL of one; ``NAME_CHARACTER.EXT`` is written there, or in the same folders
            below it in which sources lie.
        jobs: worker processes on this machine; on a cluster, workers at most.
        cluster: address of a Ray cluster, ``auto``, ``local``, or a ``Cluster``.
        shard: ``"I/N"``: only the I-th of N parts, for job arrays.
        timeout: seconds that a file may take for each second that it plays, and ten seconds more.
        options: all options of ``dance``; ``overwrite`` replaces what was made from something else.
        progress: called when something has advanced.

    Returns:
        An iterator over the results, as they finish; one that failed has the status ``error``.

    Raises:
        DanceNowError: arguments that cannot be carried out, before any work; or no workers.
        TypeError: an argument of a wrong type.

    Example:
        >>> for result in dance_many("clips/**/*.mp4", "tempo", "out", jobs=4):  # doctest: +SKIP
        ...     print(result.status, result.output, result.message)
    """
    chosen = options or DanceOptions()
    check_type("options", chosen, DanceOptions, "DanceOptions")
    check_path("output", output)
    listed = [sources] if isinstance(sources, str | Path) else list(sources)
    if not listed:
        raise UsageError("source must be at least one file, not an empty list.")
    batch_options = BatchOptions(
        jobs=jobs,
        cluster=Cluster(address=cluster) if isinstance(cluster, str) else cluster,
        shard=None if shard is None else Shard.parse(shard),
        timeout=timeout,
        overwrite=chosen.overwrite,
    )
    work = DanceWork(character, replace(chosen, overwrite=False))
    found = list_sources(listed, split_folders=chosen.sequence is None)
    batch = Batch.plan(work, found, str(output), batch_options)
    return batch.run() if progress is None else batch.run(progress)

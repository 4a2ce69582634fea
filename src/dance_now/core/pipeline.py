"""Parallel pipeline over threads: stages work at the same time, each on another item."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

_END: Final = object()


@dataclass(frozen=True)
class ParallelStage:
    """Stateless pipeline stage that may process several items at once.

    Attributes:
        stage: called with an item, in any of its threads.
        workers: how many items at once.
    """

    stage: Callable[[Any], Any]
    workers: int


def run_pipeline(
    items: Iterable[Any], *stages: Callable[[Any], Any] | ParallelStage, max_in_flight: int | None = None
) -> Generator[Any]:
    """Runs every item through all stages; while one stage has an item, the others work on its neighbours.

    The results are those of calling the stages one after the other, in the items' order: every stage that is
    not a ``ParallelStage`` sees the items one at a time, in order, always in the same thread, and so may keep
    state. ``items`` is read in a thread of its own, too. What an iterator or a stage raises is raised here,
    in the place of the item's result. When the generator is closed or ends in any other way, items in flight
    are dropped and all threads have ended: use it with ``contextlib.closing``.

    Args:
        items: read no further ahead than needed; a generator is closed at the end.
        stages: called with the result of the stage before.
        max_in_flight: items in the pipeline at once; by default one for each thread and one more.

    Example:
        >>> from contextlib import closing
        >>> with closing(run_pipeline([1, 2, 3], lambda x: x + 1, lambda x: 10 * x)) as results:
        ...     list(results)
        [20, 30, 40]
    """
    parallel = [stage if isinstance(stage, ParallelStage) else ParallelStage(stage, 1) for stage in stages]
    thread_counts = [1, *(each.workers for each in parallel)]
    max_in_flight = sum(thread_counts) + 1 if max_in_flight is None else max_in_flight
    iterator = iter(items)
    executors = [ThreadPoolExecutor(count, thread_name_prefix="stage") for count in thread_counts]
    in_flight: deque[Future[Any]] = deque()
    try:
        while True:
            while len(in_flight) < max_in_flight:
                future = executors[0].submit(next, iterator, _END)
                for executor, each in zip(executors[1:], parallel, strict=True):
                    future = executor.submit(_apply_stage, future, each.stage)
                in_flight.append(future)
            result = in_flight.popleft().result()
            if result is _END:
                return
            yield result
    finally:
        for executor in executors:
            executor.shutdown(wait=False, cancel_futures=True)
        for executor in executors:
            executor.shutdown(wait=True)
        if isinstance(iterator, Generator):
            iterator.close()


def _apply_stage(before: Future[Any], stage: Callable[[Any], Any]) -> Any:
    item = before.result()
    return item if item is _END else stage(item)

"""Stages that work side by side, each on another item."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

_END: Final = object()


@dataclass(frozen=True)
class ParallelStage:
    """A stage that remembers nothing, so that several items may be in it at once.

    Attributes:
        stage: called with an item, in any of its threads.
        width: how many items at once.
    """

    stage: Callable[[Any], Any]
    width: int


def pipelined(
    items: Iterable[Any], *stages: Callable[[Any], Any] | ParallelStage, ahead: int | None = None
) -> Generator[Any]:
    """Sends every item through all stages; while one stage has an item, the others work on its neighbours.

    The results are those of calling the stages one after the other, in the items' order: every stage that is
    not wide sees the items one at a time, in order, always in the same thread, and so may remember things.
    ``items`` is read in a thread of its own, too. What an iterator or a stage raises is raised here, in the
    place of the item's result. When the generator is closed or ends in any other way, what was under way is
    dropped and all threads have ended: use it with ``contextlib.closing``.

    Args:
        items: read no further ahead than needed; a generator is closed at the end.
        stages: called with the result of the stage before.
        ahead: how many items may be under way at once; by default one for each thread and one more.

    Example:
        >>> from contextlib import closing
        >>> with closing(pipelined([1, 2, 3], lambda x: x + 1, lambda x: 10 * x)) as results:
        ...     list(results)
        [20, 30, 40]
    """
    wide = [stage if isinstance(stage, ParallelStage) else ParallelStage(stage, 1) for stage in stages]
    widths = [1, *(each.width for each in wide)]
    ahead = sum(widths) + 1 if ahead is None else ahead
    iterator = iter(items)
    workers = [ThreadPoolExecutor(width, thread_name_prefix="stage") for width in widths]
    under_way: deque[Future[Any]] = deque()
    try:
        while True:
            while len(under_way) < ahead:
                future = workers[0].submit(next, iterator, _END)
                for worker, each in zip(workers[1:], wide, strict=True):
                    future = worker.submit(_following, future, each.stage)
                under_way.append(future)
            result = under_way.popleft().result()
            if result is _END:
                return
            yield result
    finally:
        for worker in workers:
            worker.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.shutdown(wait=True)
        if isinstance(iterator, Generator):
            iterator.close()


def _following(before: Future[Any], stage: Callable[[Any], Any]) -> Any:
    item = before.result()
    return item if item is _END else stage(item)

"""Stages that work side by side, each on another item."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

_END: Final = object()


def pipelined(
    items: Iterable[Any], *stages: Callable[[Any], Any], ahead: int | None = None
) -> Generator[Any]:
    """Sends every item through all stages; while one stage has an item, the others work on its neighbours.

    The results are those of calling the stages one after the other, in the items' order: every stage sees
    the items one at a time, in order, always in the same thread, and so may remember things. ``items`` is
    read in a thread of its own, too. What an iterator or a stage raises is raised here, in the place of the
    item's result. When the generator is closed or ends in any other way, what was under way is dropped and
    all threads have ended: use it with ``contextlib.closing``.

    Args:
        items: read no further ahead than needed; a generator is closed at the end.
        stages: called with the result of the stage before.
        ahead: how many items may be under way at once; by default one for each stage and two more.

    Example:
        >>> from contextlib import closing
        >>> with closing(pipelined([1, 2, 3], lambda x: x + 1, lambda x: 10 * x)) as results:
        ...     list(results)
        [20, 30, 40]
    """
    ahead = len(stages) + 2 if ahead is None else ahead
    iterator = iter(items)
    workers = [ThreadPoolExecutor(1, thread_name_prefix="stage") for _ in range(len(stages) + 1)]
    under_way: deque[Future[Any]] = deque()
    try:
        while True:
            while len(under_way) < ahead:
                future = workers[0].submit(next, iterator, _END)
                for worker, stage in zip(workers[1:], stages, strict=True):
                    future = worker.submit(_following, future, stage)
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

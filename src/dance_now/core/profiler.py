"""Where the time goes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

_Item = TypeVar("_Item")


@dataclass
class Profiler:
    """Seconds spent by stage. Stages may run at the same time in different threads.

    Attributes:
        seconds: by the clock, by stage.
        processor_seconds: that the stage's own thread kept a processor busy; what libraries do in threads
            of their own is not in it.

    Example:
        >>> watch = Profiler()
        >>> with watch.stage("draw"):
        ...     pass
        >>> list(watch.seconds)
        ['draw']
    """

    seconds: dict[str, float] = field(default_factory=dict)
    processor_seconds: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time spent in the ``with`` block to a stage."""
        begun, begun_processor = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            spent, spent_processor = time.perf_counter() - begun, time.thread_time() - begun_processor
            with self._lock:
                self.seconds[name] = self.seconds.get(name, 0.0) + spent
                self.processor_seconds[name] = self.processor_seconds.get(name, 0.0) + spent_processor

    def each(self, name: str, items: Iterable[_Item]) -> Iterator[_Item]:
        """Hands items on and adds the time spent getting them to a stage."""
        iterator = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

"""Profiler of pipeline stages: wall-clock and CPU time."""

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
    """Measures the time spent in each stage; stages may run at the same time in different threads.

    Attributes:
        seconds: wall-clock seconds by stage.
        processor_seconds: CPU seconds of the stage's own thread, by stage; threads that libraries start are
            not counted.

    Example:
        >>> profiler = Profiler()
        >>> with profiler.stage("draw"):
        ...     pass
        >>> list(profiler.seconds)
        ['draw']
    """

    seconds: dict[str, float] = field(default_factory=dict)
    processor_seconds: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures a ``with`` block and adds its time to a stage."""
        start, processor_start = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            spent, processor_spent = time.perf_counter() - start, time.thread_time() - processor_start
            with self._lock:
                self.seconds[name] = self.seconds.get(name, 0.0) + spent
                self.processor_seconds[name] = self.processor_seconds.get(name, 0.0) + processor_spent

    def iterate(self, name: str, items: Iterable[_Item]) -> Iterator[_Item]:
        """Iterates over ``items`` and adds the time spent getting them to a stage."""
        iterator = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

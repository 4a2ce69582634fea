"""Runner in this process: one job after the other, with all cores."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from dance_now.batch.runners.runner import Service, Watcher, WorkerProgress


class InProcessRunner:
    """Carries out jobs in this process. There is no time limit: nobody could enforce it."""

    def run(self, service: Service, jobs: Sequence[Any], watch: Watcher) -> Generator[tuple[int, Any]]:
        """Carries out the jobs in their order; see ``Runner``."""
        perform = service.open()
        for index, job in enumerate(jobs):
            yield index, perform(job, _Reporter(index, watch))


@dataclass(frozen=True)
class _Reporter:
    index: int
    watch: Watcher

    def progress(self, stage: str, done: int, total: int | None) -> None:
        """Passed on."""
        self.watch(WorkerProgress(0, self.index, stage, done, total))

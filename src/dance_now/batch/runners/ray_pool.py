"""Worker actors on a Ray cluster.

Source: Moritz et al., *Ray: A Distributed Framework for Emerging AI Applications*, OSDI 2018.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from dance_now.batch.runners.cluster import Cluster
from dance_now.batch.runners.ray_connection import connected
from dance_now.batch.runners.runner import Perform, Service, Watcher
from dance_now.batch.runners.supervisor import (
    Advanced,
    Died,
    Event,
    Finished,
    Ready,
    Refused,
    Supervisor,
    TimeLimit,
)
from dance_now.core.errors import DanceNowError
from dance_now.core.processor_cores import limit_cores

_ASK_EVERY: Final = 1.0  # seconds between questions for progress
_ASKED_A_SECOND: Final = 100  # at most, on large clusters


class RayRunner:
    """Carries out jobs in actors of a Ray cluster; see ``Runner``."""

    def __init__(self, cluster: Cluster, workers: int | None, limit: TimeLimit) -> None:
        """``workers``: actors at most; None: as many as the cluster has room for."""
        self._cluster = cluster
        self._workers = workers
        self._limit = limit

    def run(self, service: Service, jobs: Sequence[Any], watch: Watcher) -> Generator[tuple[int, Any]]:
        """Carries out the jobs on the cluster."""
        if not jobs:
            return
        with connected(self._cluster) as ray:
            room = self._workers or _room(ray, self._cluster)
            pool = RayPool(ray, self._cluster, min(room, len(jobs)), service)
            yield from Supervisor(pool, self._limit).run(jobs, watch)


class RayPool:
    """Pool of Ray actors, for a ``Supervisor``.

    Attributes:
        size: number of actors.
    """

    def __init__(self, ray: Any, cluster: Cluster, size: int, service: Service) -> None:
        self.size = size
        self._ray = ray
        self._service = ray.put(service)
        self._threads = max(1, int(cluster.cpus))
        self._actor = ray.remote(RayWorker).options(
            num_cpus=cluster.cpus,
            num_gpus=cluster.gpus,
            memory=int(cluster.memory * 1e9) or None,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=2,  # a job, and a question for its progress
        )
        self._actors: dict[int, Any] = {}
        self._calls: dict[Any, tuple[int, str]] = {}  # by the reference of the result
        self._last_asked = 0.0

    def start(self, worker: int) -> None:
        """Starts an actor; it waits until the cluster has room."""
        self._actors[worker] = self._actor.remote(self._service, self._threads, os.getcwd())
        self._calls[self._actors[worker].start.remote()] = (worker, "start")

    def submit(self, worker: int, job: Any) -> None:
        """Calls an actor."""
        self._calls[self._actors[worker].perform.remote(job)] = (worker, "job")

    def kill(self, worker: int) -> None:
        """Kills an actor."""
        self._calls = {call: known for call, known in self._calls.items() if known[0] != worker}
        self._ray.kill(self._actors.pop(worker))

    def wait(self, seconds: float) -> Iterable[Event]:
        """Waits for results."""
        self._ask()
        if not self._calls:
            time.sleep(seconds)
            return []
        done, _ = self._ray.wait(list(self._calls), num_returns=1, timeout=seconds)
        more, _ = self._ray.wait(list(self._calls), num_returns=len(self._calls), timeout=0)
        return [event for call in dict.fromkeys([*done, *more]) for event in self._events(call)]

    def close(self) -> None:
        """Kills all actors."""
        for worker in list(self._actors):
            self.kill(worker)

    def _events(self, call: Any) -> Iterable[Event]:
        """What a finished call means; nothing if its actor has died meanwhile."""
        if call not in self._calls:
            return
        worker, kind = self._calls.pop(call)
        try:
            result = self._ray.get(call)
        except self._ray.exceptions.RayTaskError as error:  # of Python code
            reason = " ".join(str(error.cause).split()) or type(error.cause).__name__
            yield Refused(worker, DanceNowError(f"a worker of the cluster failed: {reason}"))
            return
        except self._ray.exceptions.RayError as error:
            if worker in self._actors:
                self.kill(worker)
                lines = [line.strip() for line in str(error).splitlines() if line.strip()]
                yield Died(
                    worker, f"{type(error).__name__}: {lines[-1][:200]}" if lines else type(error).__name__
                )
            return
        if kind == "progress":
            if result is not None:
                yield Advanced(worker, *result)
        elif kind == "job":
            yield Finished(worker, result)
        else:
            yield Ready(worker) if result is None else Refused(worker, result)

    def _ask(self) -> None:
        """Asks actors at work how far they are."""
        if time.monotonic() - self._last_asked < _ASK_EVERY * max(1.0, self.size / _ASKED_A_SECOND):
            return
        self._last_asked = time.monotonic()
        known = set(self._calls.values())
        for worker in [worker for worker, kind in known if kind == "job"]:
            if (worker, "progress") not in known:
                self._calls[self._actors[worker].progress.remote()] = (worker, "progress")


class RayWorker:
    """Actor that performs one job at a time."""

    def __init__(self, service: Service, threads: int, folder: str) -> None:
        """``folder``: the working folder, if there is one of that name; relative paths begin there."""
        with suppress(OSError):
            os.chdir(folder)
        self._service = service
        self._threads = threads
        self._perform: Perform | None = None
        self._progress: tuple[str, int, int | None] | None = None

    def start(self) -> Exception | None:
        """Opens the service; what users should know is returned, since Ray would wrap it."""
        limit_cores(self._threads)
        try:
            self._perform = self._service.open()
        except DanceNowError as error:
            return error
        return None

    def perform(self, job: Any) -> Any:
        """Performs a job."""
        assert self._perform is not None
        self._progress = None
        return self._perform(job, _ActorReporter(self))

    def progress(self) -> tuple[str, int, int | None] | None:
        """How far the job is, as ``Advanced`` has it."""
        return self._progress

    def note(self, stage: str, done: int, total: int | None) -> None:
        """Notes progress for the next question."""
        self._progress = (stage, done, total)


class _ActorReporter:
    def __init__(self, worker: RayWorker) -> None:
        self._worker = worker

    def progress(self, stage: str, done: int, total: int | None) -> None:
        self._worker.note(stage, done, total)


def _room(ray: Any, cluster: Cluster) -> int:
    """How many actors fit on the cluster's nodes now.

    Raises:
        DanceNowError: not one.
    """
    asked = {"CPU": cluster.cpus, "GPU": cluster.gpus, "memory": cluster.memory * 1e9}
    wanted = {kind: amount for kind, amount in asked.items() if amount}
    room = sum(
        math.floor(
            min(node["Resources"].get(kind, 0.0) / amount for kind, amount in wanted.items() if amount)
        )
        for node in ray.nodes()
        if node["Alive"]
    )
    if room < 1:
        raise DanceNowError(
            f"no node of the cluster has room for a worker with {cluster.cpus:g} CPUs, {cluster.gpus:g} GPUs "
            f"and {cluster.memory:g} GB. Ask for less, or set jobs if nodes are still to be started.",
            option="cluster",
        )
    return room

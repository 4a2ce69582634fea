"""Rules of the supervisor, with a pool that does what a script says."""

import pytest

from dance_now.batch.runners.runner import Lost
from dance_now.batch.runners.supervisor import (
    Advanced,
    Died,
    Finished,
    Ready,
    Refused,
    Supervisor,
    TimeLimit,
)
from dance_now.core.errors import DanceNowError


class ScriptedPool:
    """Workers that answer at once: ``die`` kills, ``hang`` does nothing, all else is the result."""

    def __init__(self, size=2, start=Ready):
        self.size = size
        self.log = []
        self._events = []
        self._start = start

    def start(self, worker):
        self.log.append(("start", worker))
        self._events.append(self._start(worker))

    def submit(self, worker, job):
        self.log.append(("job", job))
        if job == "die":
            self._events.append(Died(worker, "SIGKILL"))
        elif job == "long":
            self._events.append(Advanced(worker, "dance", 1, 2500))
        elif job != "hang":
            self._events.append(Finished(worker, job.upper()))

    def kill(self, worker):
        self.log.append(("kill", worker))

    def wait(self, seconds):
        events, self._events = self._events, []
        return events

    def close(self):
        self.log.append(("close", None))


def run(jobs, pool, **options):
    return dict(Supervisor(pool, **options).run(jobs, lambda progress: None))


def test_all_jobs_are_done_in_their_order():
    pool = ScriptedPool()
    assert run(["a", "b", "c"], pool) == {0: "A", 1: "B", 2: "C"}
    assert [job for what, job in pool.log if what == "job"] == ["a", "b", "c"]
    assert pool.log[-1] == ("close", None)


def test_no_more_workers_are_started_than_there_are_jobs():
    pool = ScriptedPool(size=8)
    run(["a", "b"], pool)
    assert sum(what == "start" for what, _ in pool.log) == 2


def test_a_job_that_kills_its_worker_twice_is_given_up_after_all_others():
    pool = ScriptedPool(size=1)
    results = run(["die", "a", "b"], pool)
    assert (results[1], results[2]) == ("A", "B")
    assert "killed its worker twice (SIGKILL)" in results[0].message
    assert [job for what, job in pool.log if what == "job"] == ["die", "a", "b", "die"]


def test_a_job_beyond_its_time_is_given_up_and_its_worker_replaced():
    ticks = iter(range(1000))
    pool = ScriptedPool(size=1)
    results = run(["hang", "a"], pool, limit=TimeLimit(factor=2), clock=lambda: float(next(ticks)))
    assert "took longer than 20 seconds" in results[0].message
    assert results[1] == "A"
    assert ("kill", 0) in pool.log


def test_long_sources_have_more_time():
    ticks = iter(range(10_000))
    results = run(["long"], ScriptedPool(size=1), limit=TimeLimit(factor=2), clock=lambda: float(next(ticks)))
    assert "took longer than 220 seconds" in results[0].message  # 2500 frames are 100 seconds


def test_without_a_limit_nothing_is_given_up():
    assert TimeLimit(factor=0).seconds(1) == float("inf")


def test_a_service_that_does_not_open_ends_it_all():
    pool = ScriptedPool(start=lambda worker: Refused(worker, DanceNowError("no such character")))
    with pytest.raises(DanceNowError, match="no such character"):
        run(["a"], pool)
    assert pool.log[-1] == ("close", None)


def test_workers_that_die_at_once_are_not_started_for_ever():
    pool = ScriptedPool(start=lambda worker: Died(worker, "SIGKILL"))
    with pytest.raises(DanceNowError, match=r"workers die while they start \(SIGKILL\)"):
        run(["a"], pool)


def test_an_iterator_that_is_closed_closes_the_pool():
    pool = ScriptedPool()
    results = Supervisor(pool).run(["a", "b"], lambda progress: None)
    next(results)
    results.close()
    assert pool.log[-1] == ("close", None)


def test_a_lost_job_is_no_result():
    assert Lost("x") != "x"

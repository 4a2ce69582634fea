"""Worker processes: who dies, hangs or refuses."""

import os
import sys
from contextlib import closing

import pytest
from batch_services import DyingService, ScriptedService

from dance_now.batch.runners.process_pool import ProcessRunner
from dance_now.batch.runners.runner import Lost
from dance_now.batch.runners.supervisor import TimeLimit
from dance_now.core.errors import DanceNowError
from dance_now.core.processor_cores import available_cores

NO_LIMIT = TimeLimit(factor=0)


def run(jobs, service=None, workers=2, limit=NO_LIMIT, watch=lambda progress: None):
    return dict(ProcessRunner(workers, limit).run(service or ScriptedService(), jobs, watch))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_workers_that_die_or_hang_stop_nobody_else(tmp_path):
    seen = []
    jobs = ["double 1", "die", f"die once {tmp_path / 'mark'}", "hang", "double 2", "process"]
    results = run(jobs, limit=TimeLimit(factor=1, least=2), watch=seen.append)  # and a second for 25 frames
    assert (results[0], results[2], results[4]) == (2, "die", 4)
    assert "killed its worker twice (SIGKILL)" in results[1].message
    assert "took longer than 3 seconds" in results[3].message
    assert results[5] != os.getpid()
    assert {progress.stage for progress in seen} >= {"double", "die", "hang"}


def test_cores_are_shared():
    assert run(["cores"] * 2) == dict.fromkeys(range(2), max(1, available_cores() // 2))


def test_a_service_that_does_not_open_says_why():
    with pytest.raises(DanceNowError, match="no such character"):
        run(["double 1"], ScriptedService("no such character"))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_workers_that_cannot_start_end_it():
    with pytest.raises(DanceNowError, match="workers die while they start"):
        run(["double 1"], DyingService(), workers=1)


def test_what_cannot_be_sent_is_said():
    class Local:
        def open(self):
            raise AssertionError

    with pytest.raises(DanceNowError, match="that other processes can load"):
        run(["double 1"], Local())


def test_stopping_early_leaves_no_process():
    runner = ProcessRunner(1, TimeLimit())
    with closing(runner.run(ScriptedService(), ["process", "hang"], lambda progress: None)) as results:
        _, process = next(results)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert not isinstance(process, Lost)

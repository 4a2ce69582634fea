"""Time is counted where it was spent."""

import time

import pytest

from dance_now.core.profiler import Profiler


def test_waiting_is_time_but_no_work():
    profiler = Profiler()
    for _ in range(2):
        with profiler.stage("wait"):
            time.sleep(0.02)
    assert profiler.seconds["wait"] >= 0.04
    assert profiler.processor_seconds["wait"] < profiler.seconds["wait"]


def test_a_failing_stage_counts_too():
    profiler = Profiler()
    with pytest.raises(ValueError), profiler.stage("fail"):
        raise ValueError
    assert profiler.seconds.keys() == profiler.processor_seconds.keys() == {"fail"}


def test_getting_items_is_a_stage_and_using_them_is_not():
    def slow():
        for number in range(3):
            time.sleep(0.01)
            yield number

    profiler = Profiler()
    got = []
    begun = time.perf_counter()
    for number in profiler.iterate("read", slow()):
        time.sleep(0.05)
        got.append(number)
    assert got == [0, 1, 2]
    assert 0.03 <= profiler.seconds["read"] <= time.perf_counter() - begun - 0.15

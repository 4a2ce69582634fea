"""Stages side by side give what stages in a row give, and end as cleanly."""

import threading
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dance_now.core.pipeline import ParallelStage, run_pipeline


class Sum:
    """A stage that remembers: the sum so far, and the threads that called it."""

    def __init__(self):
        self.total = 0
        self.threads = set()

    def __call__(self, item):
        self.threads.add(threading.get_ident())
        self.total += item
        return self.total


class Numbers:
    """Counts how far it was read, and whether it was closed."""

    def __init__(self, count):
        self.count = count
        self.read = 0
        self.closed = False

    def __iter__(self):
        try:
            for number in range(self.count):
                self.read += 1
                yield number
        finally:
            self.closed = True


def stages_running():
    return [thread for thread in threading.enumerate() if thread.name.startswith("stage")]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert not stages_running()


@given(st.lists(st.integers(-1000, 1000), max_size=30), st.integers(1, 6))
def test_results_and_order_are_those_of_one_stage_after_the_other(items, max_in_flight):
    first, second = Sum(), Sum()
    expected = [second(2 * first(item)) for item in items]
    got = run_pipeline(items, Sum(), lambda item: 2 * item, Sum(), max_in_flight=max_in_flight)
    assert list(got) == expected


def test_without_stages_items_are_read_ahead():
    assert list(run_pipeline(range(5))) == [0, 1, 2, 3, 4]


def test_every_stage_keeps_to_a_thread_of_its_own():
    first, second = Sum(), Sum()
    list(run_pipeline(range(20), first, second))
    assert len(first.threads) == len(second.threads) == 1
    assert len(first.threads | second.threads | {threading.get_ident()}) == 3


def test_stages_work_at_the_same_time():
    both = threading.Barrier(2, timeout=10)

    def meet(item):
        if 0 < item < 5:  # the neighbour is in the other stage then
            both.wait()
        return item

    def meet_later(item):
        if item < 4:
            both.wait()
        return item

    assert list(run_pipeline(range(6), meet, meet_later)) == list(range(6))


def test_a_wide_stage_has_several_items_at_once_and_keeps_their_order():
    both = threading.Barrier(2, timeout=10)

    def meet(item):
        both.wait()
        if item % 2 == 0:
            time.sleep(0.01)
        return item

    last = Sum()
    assert list(run_pipeline(range(6), ParallelStage(meet, 2), last)) == [0, 1, 3, 6, 10, 15]
    assert len(last.threads) == 1


@pytest.mark.parametrize("max_in_flight", [1, 3])
def test_no_more_than_asked_for_is_under_way(max_in_flight):
    numbers = Numbers(100)
    with closing(run_pipeline(numbers, lambda item: item, max_in_flight=max_in_flight)) as results:
        for result in results:
            time.sleep(0.001)
            assert numbers.read <= result + max_in_flight + 1
            if result == 20:
                break


@pytest.mark.parametrize("place", ["read", "first", "second"])
def test_an_error_comes_in_the_place_of_its_result(place):
    def read():
        for number in range(10):
            if place == "read" and number == 3:
                raise OSError("gone")
            yield number

    def stage(name):
        def run(item):
            if place == name and item == 3:
                raise OSError("gone")
            return item

        return run

    got = []
    with pytest.raises(OSError, match="gone"):
        got.extend(run_pipeline(read(), stage("first"), stage("second")))
    assert got == [0, 1, 2]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_leaving_the_loop_ends_everything_at_once(error):
    numbers = Numbers(1000)

    def crawl(item):
        time.sleep(0.01)
        return item

    def leave_at_the_first():
        with closing(run_pipeline(numbers, crawl, crawl)) as results:
            for result in results:
                assert result == 0
                raise error

    with pytest.raises(error):
        leave_at_the_first()
    assert not stages_running()
    assert numbers.closed
    assert numbers.read < 10

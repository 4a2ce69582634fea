"""When progress shows, and what it says."""

from io import StringIO

import pytest
from rich.console import Console

from dance_now.cli.progress import ProgressBars


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def watch(terminal: bool, steps: int, seconds: float, total: int | None = 100) -> str:
    """What is printed while ``steps`` of ``total`` pass, ``seconds`` apart."""
    screen, clock = StringIO(), Clock()
    console = Console(file=screen, force_terminal=terminal, width=100, color_system=None)
    with ProgressBars(console, clock) as bars:
        for step in range(steps):
            bars.update("draw", step + 1, total, "loss 0.5")
            clock.now += seconds
    return screen.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_quick_shows_nothing(terminal):
    assert watch(terminal, steps=9, seconds=0.1) == ""


def test_a_terminal_gets_a_bar_with_rate_and_time_left():
    screen = watch(True, steps=50, seconds=0.5)
    assert "draw" in screen
    assert "50/100" in screen
    assert "2.0/s" in screen
    assert "0:00:2" in screen
    assert "loss 0.5" in screen


def test_a_log_file_gets_a_line_every_ten_seconds():
    lines = watch(False, steps=50, seconds=0.5).splitlines()
    assert len(lines) == 3
    assert lines[-1].startswith("draw 43/100, 2.0/s, 0:2")


def test_an_unknown_total_has_no_time_left():
    assert watch(False, steps=3, seconds=4.0, total=None).splitlines()[0] == "draw 2, loss 0.5"


def test_slow_steps_are_told_in_seconds():
    assert "4.0 s each" in watch(True, steps=10, seconds=4.0)

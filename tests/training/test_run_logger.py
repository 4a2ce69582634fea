"""The log of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from dance_now.core.errors import DanceNowError
from dance_now.training.distributed import SINGLE_WORKER
from dance_now.training.run_logger import LossMeter, RunLogger


def write(journal: RunLogger, *steps: int) -> None:
    """Lines of made-up numbers."""
    for step in steps:
        journal.write(step, {"reconstruction": 1 / step}, 1e-3, 12.345, 6.789)


def steps_of(folder: Path) -> list[int]:
    """Of all lines."""
    return [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]


def test_lines_tell_losses_rate_and_time(tmp_path: Path) -> None:
    write(RunLogger(tmp_path, 0), 5)
    assert json.loads((tmp_path / "log.jsonl").read_text()) == {
        "step": 5,
        "losses": {"reconstruction": 0.2},
        "learning_rate": 1e-3,
        "pictures_per_second": 12.35,
        "seconds": 6.8,
    }


@pytest.mark.parametrize("rest", ["", '{"step": 7, "los', "\0\0\0"])
def test_what_was_not_saved_is_taken_back(tmp_path: Path, rest: str) -> None:
    write(RunLogger(tmp_path, 0), 1, 2, 3, 4)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write(rest)
    write(RunLogger(tmp_path, 2), 3, 4)
    assert steps_of(tmp_path) == [1, 2, 3, 4]


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(DanceNowError, match="could not be written"):
        RunLogger(tmp_path, 0)


def test_means_are_of_the_steps_that_had_the_loss() -> None:
    meter = LossMeter()
    for a in (1.0, 2.0, 6.0):
        meter.add({"a": torch.tensor(a)})
    meter.add({"a": torch.tensor(3.0), "b": torch.tensor(5.0)})
    assert meter.means(SINGLE_WORKER) == {"a": 3.0, "b": 5.0}
    assert meter.means(SINGLE_WORKER) == {}


def test_a_meter_goes_on_from_its_state() -> None:
    meter, other = LossMeter(), LossMeter()
    meter.add({"a": torch.tensor(0.1)})
    other.restore(json.loads(json.dumps(meter.state())), torch.device("cpu"))
    for each in (meter, other):
        each.add({"a": torch.tensor(0.7)})
    assert meter.means(SINGLE_WORKER) == other.means(SINGLE_WORKER)


def test_what_is_no_number_stays_known() -> None:
    meter = LossMeter()
    assert meter.is_finite()
    for value in (1.0, float("nan"), 2.0):
        meter.add({"a": torch.tensor(value)})
    assert not meter.is_finite()


def test_tensorboard_gets_what_the_log_gets(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write(RunLogger(tmp_path, 0), 1, 2)
    write(RunLogger(tmp_path, 1), 2, 3)
    found = EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    assert {event.step for event in found.Scalars("loss/reconstruction")} == {1, 2, 3}

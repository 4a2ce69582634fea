"""Spoiled files of every kind: each is read or refused. ``make fuzz`` tries ten thousand of each."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz_cases import run_case
from fuzz_targets import TARGETS

_COUNTS = {"characters": 100, "layouts": 8, "videos": 60}  # of the others:
_COUNT = 40


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TARGETS)
def test_spoiled_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    case = TARGETS[name]()
    count = _COUNTS.get(name, _COUNT)
    outcomes = Counter(run_case(case, name, number, tmp_path / "case") for number in range(count))
    assert set(outcomes) <= {"read", "refused"}
    assert outcomes["refused"] > 0 or name == "kernel"

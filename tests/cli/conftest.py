"""Runs the command line inside the test's process."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from dance_now.cli import main


@dataclass(frozen=True)
class Outcome:
    """What one command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def _logging_as_it_was() -> Iterator[None]:
    """The command line sets up the process's logging; other tests want theirs back."""
    names = ("dance_now", "dance_now.assets.wheels", "dance_now.media.raw_sink", "torch.onnx._internal")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], _logging_as_it_was: None) -> Run:
    """Runs ``dance-now`` with some words."""

    def run_words(*words: object) -> Outcome:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_words

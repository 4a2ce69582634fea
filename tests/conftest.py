"""Shared fixtures."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["avatars"]

# A property is a matter of truth, not of time: a busy machine must not fail it.
settings.register_profile("dance_now", deadline=None)
settings.load_profile("dance_now")

_DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """The command line sets up the process's logging; other tests want theirs back."""
    known = [name for name in logging.root.manager.loggerDict if name.startswith(("dance_now", "torch.onnx"))]
    loggers = [logging.getLogger(name) for name in {"dance_now", *known}]
    before = [(logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of avatars, motions and videos named by DANCE_NOW_DATA; the test skips without it."""
    folder = Path(os.environ.get("DANCE_NOW_DATA", _DEFAULT_DATA))
    if not (folder / "characters").is_dir():
        pytest.skip(
            "set DANCE_NOW_DATA to the folder with characters/, motions/ and people/ to run this test"
        )
    return folder

"""Shared fixtures."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["avatars"]

# A property is a matter of truth, not of time: a busy machine must not fail it.
settings.register_profile("dance_now", deadline=None)
settings.load_profile("dance_now")

_DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of avatars, motions and videos named by DANCE_NOW_DATA; the test skips without it."""
    folder = Path(os.environ.get("DANCE_NOW_DATA", _DEFAULT_DATA))
    if not (folder / "characters").is_dir():
        pytest.skip(
            "set DANCE_NOW_DATA to the folder with characters/, motions/ and people/ to run this test"
        )
    return folder

"""A small character for the tests beside this file."""

import pytest


@pytest.fixture(scope="session")
def character_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound character file."""
    from generators import content, file_bytes

    return file_bytes(tmp_path_factory.mktemp("character"), content())

"""A kernel that is missing, broken or of other source is refused in one line that says what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dance_now.character.kernel.kernel_source import source_hash, sources
from dance_now.character.kernel.library import FOLDER, LIBRARY_NAME, kernel_version, load_kernel
from dance_now.core.errors import DanceNowError


def test_the_loaded_kernel_is_of_this_source() -> None:
    assert kernel_version() == source_hash(FOLDER)
    assert len(source_hash(FOLDER)) == 16
    assert [path.suffix for path in sources(FOLDER)] == [".c"] * len(sources(FOLDER))


def test_a_missing_kernel_is_named(tmp_path: Path) -> None:
    with pytest.raises(DanceNowError, match=r"missing.*pip install") as caught:
        load_kernel(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_broken_kernel_is_refused(tmp_path: Path) -> None:
    (tmp_path / LIBRARY_NAME).write_bytes(b"no library")
    with pytest.raises(DanceNowError, match=r"does not load.*pip install"):
        load_kernel(tmp_path)


def test_a_kernel_of_other_source_is_refused(tmp_path: Path) -> None:
    shutil.copy(FOLDER / LIBRARY_NAME, tmp_path)
    for path in [*FOLDER.glob("*.c"), *FOLDER.glob("*.h")]:
        shutil.copy(path, tmp_path)
    load_kernel(tmp_path)
    with (tmp_path / "shade.c").open("a") as file:
        file.write("\n")
    with pytest.raises(DanceNowError, match=r"not of this version.*pip install"):
        load_kernel(tmp_path)

"""Atomic output files: written beside the target, renamed on success."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from dance_now.core.errors import DanceNowError


def check_target(target: Path, inputs: frozenset[Path], overwrite: bool) -> None:
    """Validates an output path before any work is done.

    Args:
        target: the file or folder to write.
        inputs: paths that are being read.
        overwrite: whether an existing target may be replaced.

    Raises:
        DanceNowError: the target is an input, exists, or its folder is missing or not writable.
    """
    if any(is_same_file(target, each) for each in inputs):
        raise DanceNowError(f"the output {target} is the input itself. Choose another output.")
    parent = target.absolute().parent
    if not parent.is_dir():
        raise DanceNowError(f"the folder {parent} does not exist. Create it, or choose another output.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise DanceNowError(f"the folder {parent} is not writable. Choose another output.")
    filled = target.is_file() or (target.is_dir() and any(target.iterdir()))
    if filled and not overwrite:
        raise DanceNowError(f"{target} already exists. Set overwrite to replace it.")


def is_same_file(one: Path, other: Path) -> bool:
    """Tests whether two paths are one file or folder, also through links or case-insensitive file systems."""
    try:
        return one.samefile(other)
    except OSError:  # at least one does not exist
        return one.resolve() == other.resolve()


def part_path(target: Path) -> Path:
    """Temporary path of an unfinished output: ``.NAME.part.EXT`` in the same folder, for an atomic rename."""
    return target.with_name(f".{target.stem}.part{target.suffix}")


def make_folder(folder: Path) -> None:
    """Creates a folder inside an existing one, unless it exists.

    Raises:
        DanceNowError: it cannot be created.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DanceNowError(
            f"the folder {folder} cannot be created: {error.strerror}. Choose another."
        ) from error


def write_file(target: Path, content: bytes, overwrite: bool) -> None:
    """Writes a small file atomically.

    Raises:
        DanceNowError: it already exists, or cannot be written.
    """
    check_target(target, frozenset(), overwrite)
    part = part_path(target)
    try:
        part.write_bytes(content)
        os.replace(part, target)
    except OSError as error:
        raise DanceNowError(f"{target} could not be written: {error.strerror or error}.") from error
    finally:
        discard(part)


def discard(part: Path) -> None:
    """Deletes an unfinished output file or folder, if there is one."""
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)

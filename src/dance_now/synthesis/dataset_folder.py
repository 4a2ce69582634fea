"""Resumable output folder of a data set, and packing into WebDataset shards."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dance_now.core.atomic_write import (
    check_replaceable,
    recover,
    remove_dead_parts,
    replace_file,
    replace_path,
    replacing,
)
from dance_now.core.errors import DanceNowError
from dance_now.core.file_lock import FileLock

logger = logging.getLogger(__name__)

SPLITS: Final = ("train", "test")
LABEL_SUFFIX: Final = "_keypoints.json"
DESCRIPTION: Final = "dataset.json"
"""File that is written last: a data set that has it is complete."""
_FINGERPRINT_FILE: Final = "begun.json"
_RESULT: Final = re.compile(
    r"(train|test)_(img|label)|(train|test)-\d+\.tar|points\.npz|dataset\.json|begun\.json"
)
_SHARD_PICTURES: Final = 1000


def check_output(output: Path, overwrite: bool) -> None:
    """Raises DanceNowError if ``output`` exists and may not be overwritten."""
    if not output.exists():
        return
    if (output / DESCRIPTION).exists():  # the fingerprint is left by a process that died a moment later
        (output / _FINGERPRINT_FILE).unlink(missing_ok=True)
    if not overwrite:
        raise DanceNowError(
            f"{output} already exists. Set overwrite to replace it, or choose another folder."
        )
    check_replaceable(output, lambda name: _RESULT.fullmatch(name) is not None)


@contextmanager
def resumable_folder(output: Path, fingerprint: Mapping[str, str], overwrite: bool) -> Iterator[Path]:
    """A folder that replaces ``output`` once it is complete.

    After an interruption the finished images stay in ``NAME.part``, and the next call with the same
    fingerprint resumes there. The caller writes DESCRIPTION last: from then on the folder is complete, and a
    call that finds it only has to pack it away.

    Args:
        output: the data set.
        fingerprint: hashes of everything the images depend on; ``avatar`` among them.
        overwrite: replace an existing ``output``, or a part with another fingerprint.

    Raises:
        DanceNowError: ``output`` exists or is being written by another process, its part has another
            fingerprint, or it cannot be written.
    """
    try:
        lock = FileLock(output)
        try:
            yield from _locked_folder(output, lock, fingerprint, overwrite)
        finally:
            lock.release()
    except OSError as error:
        raise DanceNowError(f"{output} could not be written: {error.strerror or error}.") from error


def shared_folder(output: Path, fingerprint: Mapping[str, str]) -> Path:
    """The part ``NAME.part`` of a data set for one of several processes that render it together.

    Nobody locks it: each process writes other images, each file as a whole. The last one completes the data
    set by ``resumable_folder``.

    Args:
        output: the data set.
        fingerprint: as for ``resumable_folder``.

    Raises:
        DanceNowError: ``output`` exists, its part has another fingerprint, or it cannot be written.
    """
    part = output.with_name(output.name + ".part")
    check_output(output, overwrite=False)
    try:
        if (part / _FINGERPRINT_FILE).exists():
            _can_resume(part, fingerprint, overwrite=False)
        part.mkdir(exist_ok=True)
        replace_file(part / _FINGERPRINT_FILE, json.dumps(dict(fingerprint)).encode())
        for folder in split_folders(part):
            folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DanceNowError(f"{part} could not be written: {error.strerror or error}.") from error
    return part


def _locked_folder(
    output: Path, lock: FileLock, fingerprint: Mapping[str, str], overwrite: bool
) -> Iterator[Path]:
    recover(output, lock)
    part = output.with_name(output.name + ".part")
    note = json.dumps(dict(fingerprint)).encode()
    check_output(output, overwrite)
    if part.exists() and not _can_resume(part, fingerprint, overwrite):
        shutil.rmtree(part)
    remove_dead_parts(part)
    part.mkdir(exist_ok=True)
    replace_file(part / _FINGERPRINT_FILE, note)
    if not (part / DESCRIPTION).exists():
        for folder in split_folders(part):
            folder.mkdir(exist_ok=True)
    try:
        yield part
    except BaseException:
        if any(finished_names(part, split) for split in SPLITS) or (part / DESCRIPTION).exists():
            logger.warning("Finished images are kept in %s; run the same command again to resume.", part)
        else:
            shutil.rmtree(part, ignore_errors=True)
        raise
    replace_path(part, output)
    (output / _FINGERPRINT_FILE).unlink(missing_ok=True)  # last: until then a rerun knows the part as its own


def split_folders(folder: Path) -> list[Path]:
    """The four folders of images and labels in a data set."""
    return [folder / f"{split}_{kind}" for split in SPLITS for kind in ("img", "label")]


def finished_names(folder: Path, split: str) -> set[str]:
    """Names of a split's finished images: a label is written after its image, and atomically."""
    return {
        path.name.removesuffix(LABEL_SUFFIX) for path in (folder / f"{split}_label").glob(f"*{LABEL_SUFFIX}")
    }


def _can_resume(part: Path, fingerprint: Mapping[str, str], overwrite: bool) -> bool:
    """Whether a part can be resumed; one that cannot may be deleted if this returns."""
    try:
        begun = json.loads((part / _FINGERPRINT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        begun = None
    if begun == dict(fingerprint):
        return True
    if not overwrite:
        other = not isinstance(begun, dict) or begun.get("avatar") == fingerprint["avatar"]
        what = "other motions or settings" if other else "another avatar"
        raise DanceNowError(
            f"{part} was begun with {what}. Use the same to resume, delete it, or set overwrite."
        )
    return False


def pack_shards(folder: Path) -> list[str]:
    """Packs images and labels into tar shards of the WebDataset format; returns the files' names.

    Each image is NAME.png followed by its label NAME.json; dots in names become underscores, since WebDataset
    keys end at the first dot. The same images give the same bytes.

    Args:
        folder: holds the four folders of a data set, which stay.
    """
    shards = []
    for split in SPLITS:
        names = sorted(finished_names(folder, split))
        for first in range(0, len(names), _SHARD_PICTURES):
            shards.append(f"{split}-{first // _SHARD_PICTURES:06d}.tar")
            with (
                replacing(folder / shards[-1]) as part,
                tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as shard,
            ):
                for name in names[first : first + _SHARD_PICTURES]:
                    key = name.replace(".", "_")
                    _add(shard, f"{key}.png", folder / f"{split}_img" / f"{name}.png")
                    _add(shard, f"{key}.json", folder / f"{split}_label" / f"{name}{LABEL_SUFFIX}")
    return shards


def _add(shard: tarfile.TarFile, name: str, path: Path) -> None:
    data = path.read_bytes()
    member = tarfile.TarInfo(name)
    member.size = len(data)
    shard.addfile(member, io.BytesIO(data))

"""The folder that a data set grows in, which outlives an interruption, and its packing into shards."""

from __future__ import annotations

import io
import json
import logging
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dance_now.core.errors import DanceNowError

logger = logging.getLogger(__name__)

SPLITS: Final = ("train", "test")
LABEL_SUFFIX: Final = "_keypoints.json"
_NOTE: Final = "begun.json"
_SHARD_PICTURES: Final = 1000


def check_output(output: Path, overwrite: bool) -> None:
    """Raises DanceNowError where something stands in the way of a new data set."""
    if not output.exists():
        return
    if not overwrite:
        raise DanceNowError(f"{output} exists already. Choose another folder or add --overwrite.")
    if not (output / "dataset.json").is_file() and not (output.is_dir() and not any(output.iterdir())):
        raise DanceNowError(f"{output} is not a data set, so it is not overwritten. Choose another folder.")


@contextmanager
def growing_folder(output: Path, made_from: Mapping[str, str], overwrite: bool) -> Iterator[Path]:
    """A folder that takes the place of ``output`` once it is complete.

    If work on it is interrupted, what was drawn is kept in ``NAME.part``, and the next time the same is made
    it goes on from there.

    Args:
        output: the data set.
        made_from: hashes of what the pictures depend on; ``avatar`` among them.
        overwrite: replace an existing ``output``, or a part of something else.

    Raises:
        DanceNowError: ``output`` exists, or its part was begun from something else.
    """
    check_output(output, overwrite)
    part = output.with_name(output.name + ".part")
    if part.exists() and not _goes_on(part, made_from, overwrite):
        shutil.rmtree(part)
    for split in SPLITS:
        for kind in ("img", "label"):
            (part / f"{split}_{kind}").mkdir(parents=True, exist_ok=True)
    (part / _NOTE).write_text(json.dumps(dict(made_from)), encoding="utf-8")
    try:
        yield part
        (part / _NOTE).unlink()
    except BaseException:
        if any(drawn(part, split) for split in SPLITS):
            logger.warning("What was drawn is kept in %s; the same command goes on from there.", part)
        else:
            shutil.rmtree(part, ignore_errors=True)
        raise
    if output.is_dir():
        shutil.rmtree(output)
    part.rename(output)


def drawn(folder: Path, split: str) -> set[str]:
    """Names of the pictures of a split that are done: a label is written after its picture, and at once."""
    return {
        path.name.removesuffix(LABEL_SUFFIX) for path in (folder / f"{split}_label").glob(f"*{LABEL_SUFFIX}")
    }


def _goes_on(part: Path, made_from: Mapping[str, str], overwrite: bool) -> bool:
    """Whether a part can be continued; one that cannot may be thrown away if this returns."""
    try:
        begun = json.loads((part / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        begun = None
    if begun == dict(made_from):
        return True
    if not overwrite:
        other = not isinstance(begun, dict) or begun.get("avatar") == made_from["avatar"]
        what = "other motions or settings" if other else "another avatar"
        raise DanceNowError(
            f"{part} was begun with {what}. Give the same to go on, delete it, or add --overwrite."
        )
    return False


def pack_shards(folder: Path) -> list[str]:
    """Moves pictures and labels into tar files as WebDataset reads them; returns the files' names.

    Each picture is NAME.png followed by its label NAME.json; dots in names become underscores, since there a
    key ends at the first dot. The same pictures give the same bytes.

    Args:
        folder: with the four folders of a data set, which are removed.
    """
    shards = []
    for split in SPLITS:
        names = sorted(drawn(folder, split))
        for first in range(0, len(names), _SHARD_PICTURES):
            shards.append(f"{split}-{first // _SHARD_PICTURES:06d}.tar")
            with tarfile.open(folder / shards[-1], "w", format=tarfile.USTAR_FORMAT) as shard:
                for name in names[first : first + _SHARD_PICTURES]:
                    key = name.replace(".", "_")
                    _add(shard, f"{key}.png", folder / f"{split}_img" / f"{name}.png")
                    _add(shard, f"{key}.json", folder / f"{split}_label" / f"{name}{LABEL_SUFFIX}")
    for split in SPLITS:
        for kind in ("img", "label"):
            shutil.rmtree(folder / f"{split}_{kind}")
    return shards


def _add(shard: tarfile.TarFile, name: str, path: Path) -> None:
    data = path.read_bytes()
    member = tarfile.TarInfo(name)
    member.size = len(data)
    shard.addfile(member, io.BytesIO(data))

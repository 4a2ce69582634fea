"""Folders of data sets that resume: killed at every moment, they end as if nothing had happened."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dance_now.core.errors import DanceNowError
from dance_now.core.file_lock import FileLock
from dance_now.synthesis.dataset_folder import (
    DESCRIPTION,
    finished_names,
    pack_shards,
    resumable_folder,
    split_folders,
)

_FINGERPRINT = {"avatar": "a", "plan": "b"}


def grow(output: Path) -> None:
    """Makes a data set of two images as the renderer does."""
    with resumable_folder(output, _FINGERPRINT, overwrite=False) as folder:
        if not (folder / DESCRIPTION).exists():
            for split in ("train", "test"):
                if not finished_names(folder, split):
                    (folder / f"{split}_img" / "0.png").write_bytes(b"p")
                    (folder / f"{split}_label" / "0_keypoints.json").write_text("{}")
            (folder / DESCRIPTION).write_text(json.dumps({"shards": pack_shards(folder)}))
        for packed in split_folders(folder):
            if packed.exists():
                shutil.rmtree(packed)


_DYING = """
import os, sys
sys.path.insert(0, sys.argv[2])
import shutil
from pathlib import Path
from dance_now.synthesis import dataset_folder
from test_dataset_folder import grow
{patch}
grow(Path(sys.argv[1]))
"""
_PATCHES = {
    "before the first image": "dataset_folder.finished_names = lambda *_: os._exit(9)",
    "before the first shard": "dataset_folder.tarfile.open = lambda *_, **__: os._exit(9)",
    "while images are removed": (
        "real = shutil.rmtree\ndef remove(*path, **more):\n    real(*path, **more)\n    os._exit(9)\n"
        "shutil.rmtree = remove"
    ),
    "before the folder is renamed": "dataset_folder.replace_path = lambda *_: os._exit(9)",
    "after the folder was renamed": (
        "real = dataset_folder.replace_path\ndef move(*paths):\n    real(*paths)\n    os._exit(9)\n"
        "dataset_folder.replace_path = move"
    ),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(os.name == "nt", reason="the lock's file stays where processes are killed")
@pytest.mark.parametrize("moment", _PATCHES)
def test_a_rerun_after_death_completes(tmp_path: Path, moment: str) -> None:
    grow(tmp_path / "undisturbed")
    expected = contents(tmp_path / "undisturbed")
    output = tmp_path / "set"
    code = _DYING.format(patch=_PATCHES[moment])
    done = subprocess.run(
        [sys.executable, "-c", code, str(output), str(Path(__file__).parent)],
        check=False,
        capture_output=True,
    )
    assert done.returncode == 9, done.stderr
    if output.exists():
        with pytest.raises(DanceNowError, match="already exists"):
            grow(output)
    else:
        grow(output)
    assert contents(output) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "undisturbed"]


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "set")
    with pytest.raises(DanceNowError, match="being written by another"):
        grow(tmp_path / "set")
    lock.release()
    grow(tmp_path / "set")

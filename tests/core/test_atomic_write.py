"""Atomic output: what is there afterwards, whoever dies, links or writes at the same time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dance_now.core.atomic_write import (
    Output,
    check_replaceable,
    remove_dead_parts,
    replace_file,
    write_file,
)
from dance_now.core.errors import DanceNowError

POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and links")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def dies_while_writing(target: Path, is_folder: bool = False) -> None:
    """Lets a process begin an output, write something, and be killed."""
    write = (
        '(output.part / "000005.png").write_text("dead")' if is_folder else 'output.part.write_text("dead")'
    )
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom dance_now.core.atomic_write import Output\n"
        f"output = Output(Path(sys.argv[1]), is_folder={is_folder})\n{write}\nos.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(target.parent)) >= 2  # the part and the lock


def test_an_output_appears_when_it_is_committed(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with Output(target) as output:
        assert output.part.suffix == ".mp4"  # encoders go by it
        output.part.write_text("new")
        assert not target.exists()
        output.commit()
    assert target.read_text() == "new"
    assert names(tmp_path) == ["out.mp4"]


def test_without_a_commit_nothing_is_left(tmp_path: Path) -> None:
    with Output(tmp_path / "out.mp4") as output:
        output.part.write_text("new")
    with Output(tmp_path / "frames", is_folder=True) as output:
        (output.part / "a").write_text("new")
    assert names(tmp_path) == []


def test_two_writers_of_one_target(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with Output(target) as first:
        with pytest.raises(DanceNowError, match=r"out\.mp4 is being written by another"):
            Output(target)
        Output(tmp_path / "out.mov").discard()  # another target is free
        first.part.write_text("first")
        first.commit()
        with Output(target) as second:
            second.part.write_text("second")
            second.commit()
    assert target.read_text() == "second"
    assert names(tmp_path) == ["out.mp4"]


@POSIX
def test_a_dead_process_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    target = tmp_path / "frames"
    dies_while_writing(target, is_folder=True)
    with Output(target, is_folder=True) as output:
        (output.part / "000000.png").write_text("alive")
        output.commit()
    assert names(tmp_path) == ["frames"]
    assert names(target) == ["000000.png"]


@POSIX
def test_parts_of_other_targets_stay(tmp_path: Path) -> None:
    dies_while_writing(tmp_path / "a.b.png")
    left = names(tmp_path)
    write_file(tmp_path / "a.png", b"x", overwrite=False)
    write_file(tmp_path / "b.png", b"x", overwrite=False)
    assert names(tmp_path) == sorted([*left, "a.png", "b.png"])


@POSIX
def test_links_are_replaced_not_followed(tmp_path: Path) -> None:
    victim, target = tmp_path / "victim", tmp_path / "out.txt"
    victim.write_text("precious")
    target.symlink_to(victim)
    write_file(target, b"new", overwrite=True)
    assert victim.read_text() == "precious"
    assert not target.is_symlink()
    lock = tmp_path / ".other.txt.lock"
    lock.symlink_to(victim)
    with pytest.raises(DanceNowError, match=r"other\.txt could not be written"):
        write_file(tmp_path / "other.txt", b"new", overwrite=True)
    assert victim.read_text() == "precious"


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "frames"
    target.mkdir()
    (target / "000009.png").write_text("old")
    with Output(target, is_folder=True) as output:
        (output.part / "000000.png").write_text("new")
        output.commit()
    assert names(target) == ["000000.png"]
    assert names(tmp_path) == ["frames"]


def test_a_merge_leaves_other_files(tmp_path: Path) -> None:
    target = tmp_path / "poses"
    (target / "both").mkdir(parents=True)
    for name in ("mine.txt", "both/old.png"):
        (target / name).write_text("old")
    with Output(target, is_folder=True) as output:
        (output.part / "both").mkdir()
        (output.part / "both" / "new.png").write_text("new")
        output.merge()
    assert names(target) == ["both", "mine.txt"]
    assert names(target / "both") == ["new.png"]
    assert names(tmp_path) == ["poses"]


@POSIX
def test_a_folder_that_a_dead_process_moved_aside_comes_back(tmp_path: Path) -> None:
    target = tmp_path / "frames"
    target.mkdir()
    (target / "000009.png").write_text("old")
    target.rename(tmp_path / f".frames.host-{2**22 + 1}-0123abcd.old")  # and then it died
    Output(target, is_folder=True).discard()
    assert names(tmp_path) == ["frames"]
    assert names(target) == ["000009.png"]


def test_only_folders_of_results_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "000000.png").write_text("x")
    check_replaceable(tmp_path, lambda name: name.endswith(".png"))
    check_replaceable(tmp_path / "missing", lambda name: False)
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(DanceNowError, match=r"thesis\.txt"):
        check_replaceable(tmp_path, lambda name: name.endswith(".png"))


@POSIX
def test_dead_parts_of_a_folder_are_removed_and_living_ones_stay(tmp_path: Path) -> None:
    replace_file(tmp_path / "kept.png", b"x")
    tags = [Output(tmp_path / "a.png")]
    living = tags[0].part.name
    dead = living.replace(f"-{os.getpid()}-", f"-{2**22 + 1}-")
    (tmp_path / "below").mkdir()
    for folder in (tmp_path, tmp_path / "below"):
        (folder / dead).write_text("half")
    remove_dead_parts(tmp_path)
    assert names(tmp_path / "below") == []
    assert names(tmp_path) == sorted([".a.png.lock", living, "below", "kept.png"])
    tags[0].discard()


@pytest.mark.parametrize(
    "name", ["x" * 250, "ü" * 100 + ".png", "a.b.c", ".hidden", "-", "con trol\x1b[2J.png"]
)
def test_strange_names(tmp_path: Path, name: str) -> None:
    try:
        (tmp_path / name).write_text("")
    except OSError:
        pytest.skip("no such names here")
    write_file(tmp_path / name, b"new", overwrite=True)
    assert names(tmp_path) == [name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out.txt").write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DanceNowError, match=r"out\.txt could not be written: No space left"):
        write_file(tmp_path / "out.txt", b"new", overwrite=True)
    assert (tmp_path / "out.txt").read_text() == "old"
    assert names(tmp_path) == ["out.txt"]

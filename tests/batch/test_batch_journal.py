"""Journals, and what is read from them."""

import os

import pytest
from fakes import with_person, write_photo

from dance_now.batch.batch_journal import Journal, read_journals
from dance_now.batch.batch_report import batch_report
from dance_now.batch.batch_task import BatchResult
from dance_now.batch.sharding import Shard
from dance_now.core.errors import DanceNowError


def write(folder, *results, shard=None):
    journal = Journal(str(folder), shard)
    for result in results:
        journal.write(result)


def test_the_last_result_of_each_output_counts(tmp_path):
    write(
        tmp_path,
        BatchResult("a", "x", "error", "no person"),
        BatchResult("b", "y", "ok", frames=3, seconds=1),
    )
    write(tmp_path, BatchResult("a", "x", "ok", frames=2, seconds=2), shard=Shard(2, 3))
    results = read_journals(tmp_path)
    assert [(each.source, each.status, each.frames) for each in results] == [("a", "ok", 2), ("b", "ok", 3)]


def test_damaged_lines_are_left_out(tmp_path):
    write(tmp_path, BatchResult("a", "x", "ok"))
    with (tmp_path / "report.jsonl").open("ab") as file:
        file.write(b'\xff\n{"time": 1}\n[]\n{"time": "2026", "sou')  # cut off by a full disk
    write(tmp_path, BatchResult("b", "y\n\x1b[2J", "ok"))
    assert [each.source for each in read_journals(tmp_path)] == ["a", "b"]


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_a_journal_is_not_written_through_a_link(tmp_path):
    (tmp_path / "diary.txt").write_text("mine")
    (tmp_path / "report.jsonl").symlink_to(tmp_path / "diary.txt")
    with pytest.raises(DanceNowError, match="could not be written"):
        write(tmp_path, BatchResult("a", "x", "ok"))
    assert (tmp_path / "diary.txt").read_text() == "mine"


def test_the_sheet_shows_first_frames_of_what_is_left(tmp_path):
    write_photo(tmp_path / "x.png", with_person(60))
    write(
        tmp_path,
        BatchResult("a", str(tmp_path / "x.png"), "ok", frames=1, seconds=0.5),
        BatchResult("b", str(tmp_path / "gone.png"), "ok", frames=1, seconds=0.5),
        BatchResult("c", str(tmp_path / "never.png"), "error", "no person"),
    )
    report = batch_report(tmp_path)
    assert (report.count("ok"), report.count("error"), report.frames, report.seconds) == (2, 1, 2, 1.0)
    assert report.sheet is not None
    assert report.sheet.stat().st_size > 0


def test_a_folder_without_a_journal_is_refused(tmp_path):
    with pytest.raises(DanceNowError, match=r"holds no report\.jsonl"):
        batch_report(tmp_path)
    write(tmp_path, BatchResult("c", "never.png", "error", "no person"))
    assert batch_report(tmp_path).sheet is None

"""Batches in this process: outputs, sidecars, journal, and what is refused."""

import errno
import json
import os
import shutil
import sys

import numpy as np
import pytest
from fakes import (
    MagentaEstimator,
    RedCharacter,
    pictures,
    red,
    scenery,
    with_person,
    write_photo,
    write_video,
)

import dance_now.batch.batch_journal
import dance_now.batch.sidecar
from dance_now import DanceOptions, dance_many
from dance_now.batch.batch_run import BatchOptions
from dance_now.core.errors import DanceNowError, UsageError
from dance_now.core.file_lock import FileLock


@pytest.fixture
def desk(tmp_path):
    """Two photos, one of them in a folder, and a video."""
    (tmp_path / "in" / "sub").mkdir(parents=True)
    write_photo(tmp_path / "in" / "sub" / "park.png", with_person(60))
    write_photo(tmp_path / "in" / "gym.png", with_person(140)[:141, 20:])
    write_video(tmp_path / "in" / "clip.mp4", [50, 60, 70])
    return tmp_path


def run(desk, sources=None, character=None, output=None, options=None, **batch):
    chosen = DanceOptions(estimator=MagentaEstimator(), **(options or {}))
    results = dance_many(
        sources or f"{desk}/in/**/*.*",
        character or RedCharacter(),
        output or desk / "out",
        options=chosen,
        **batch,
    )
    return {os.path.basename(result.source): result for result in results}


def statuses(results):
    return {name: result.status for name, result in results.items()}


def names(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".json"
    )


def journal(desk):
    return [json.loads(line) for line in (desk / "out" / "report.jsonl").read_text().splitlines()]


DONE = dict.fromkeys(("clip.mp4", "gym.png", "park.png"), "ok")
FILES = ["clip_red.mp4", "gym_red.png", "report.jsonl", "sub/park_red.png"]


def test_every_source_is_a_file_of_its_name_in_its_folder(desk):
    results = run(desk)
    assert statuses(results) == DONE
    assert names(desk / "out") == FILES
    assert (results["clip.mp4"].frames, results["clip.mp4"].missed) == (3, 0)
    (alone,) = pictures(desk / "in" / "gym.png")
    (image,) = pictures(desk / "out" / "gym_red.png")
    assert image.shape == alone.shape
    assert red(image).any()
    columns = [np.nonzero(red(image))[1].mean() for image in pictures(desk / "out" / "clip_red.mp4")]
    assert columns == pytest.approx([50, 60, 70], abs=8)


def test_the_journal_has_a_line_for_each(desk):
    write_photo(desk / "in" / "empty.png", scenery())
    run(desk)
    lines = {os.path.basename(line["source"]): line for line in journal(desk)}
    assert {name: line["status"] for name, line in lines.items()} == {**DONE, "empty.png": "error"}
    assert "No person was found" in lines["empty.png"]["message"]
    assert lines["clip.mp4"]["frames"] == 3
    assert lines["clip.mp4"]["seconds"] > 0
    assert lines["clip.mp4"]["host"]


def test_bad_sources_stop_nothing_and_leave_nothing(desk):
    write_photo(desk / "in" / "nobody.png", scenery())
    (desk / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (desk / "in" / "empty.mp4").write_bytes(b"")
    clip = (desk / "in" / "clip.mp4").read_bytes()
    (desk / "in" / "cut.mp4").write_bytes(clip[: len(clip) // 3])  # without its table of frames
    if sys.platform != "win32":
        os.mkfifo(desk / "in" / "pipe.mp4")
    results = run(desk, [f"{desk}/in/**/*.*", f"{desk}/in/nowhere.mp4"])
    failed = {name: result.message for name, result in results.items() if result.status == "error"}
    assert failed.keys() - {"pipe.mp4"} == {"nobody.png", "broken.png", "empty.mp4", "cut.mp4", "nowhere.mp4"}
    assert "is empty" in failed["empty.mp4"]
    assert "does not exist" in failed["nowhere.mp4"]
    assert "neither a file nor a folder" in failed.get("pipe.mp4", "neither a file nor a folder")
    assert names(desk / "out") == FILES
    assert len([*(desk / "out").rglob("*.json")]) == 3


def test_the_same_again_is_skipped_without_reading_it(desk, monkeypatch):
    run(desk)

    def unread(path):
        raise AssertionError(path)

    monkeypatch.setattr(dance_now.batch.sidecar, "file_hash", unread)
    again = run(desk)
    assert statuses(again) == dict.fromkeys(DONE, "skipped")
    assert again["clip.mp4"].frames == 3
    assert [line["status"] for line in journal(desk)] == ["ok"] * 3 + ["skipped"] * 3


def test_a_source_with_a_new_time_is_read_and_skipped(desk):
    run(desk)
    os.utime(desk / "in" / "clip.mp4", (1, 1))
    assert statuses(run(desk)) == dict.fromkeys(DONE, "skipped")


def test_other_options_are_refused_and_named(desk):
    run(desk)
    before = (desk / "out" / "gym_red.png").read_bytes()
    results = run(desk, options={"match": 0.9})
    assert statuses(results) == dict.fromkeys(DONE, "error")
    assert "was made with another match. Set overwrite" in results["gym.png"].message
    assert (desk / "out" / "gym_red.png").read_bytes() == before
    assert statuses(run(desk, options={"match": 0.9, "overwrite": True})) == DONE
    assert statuses(run(desk, options={"match": 0.9})) == dict.fromkeys(DONE, "skipped")


def test_another_content_and_another_version_are_refused(desk, monkeypatch):
    run(desk)
    write_photo(desk / "in" / "gym.png", with_person(100))
    results = run(desk)
    assert "another content of its source" in results["gym.png"].message
    assert results["clip.mp4"].status == "skipped"
    monkeypatch.setattr(dance_now.batch.sidecar, "__version__", "9.9.9")
    assert "was made with dance-now 0." in run(desk)["clip.mp4"].message


def test_files_of_others_are_kept(desk):
    (desk / "out").mkdir()
    (desk / "out" / "gym_red.png").write_bytes(b"mine")
    results = run(desk)
    assert "already exists" in results["gym.png"].message
    assert (desk / "out" / "gym_red.png").read_bytes() == b"mine"
    assert statuses(run(desk, options={"overwrite": True}))["gym.png"] == "ok"


def test_a_failed_overwrite_claims_nothing(desk):
    write_photo(desk / "in" / "nobody.png", scenery())
    (desk / "out").mkdir()
    (desk / "out" / "nobody_red.png").write_bytes(b"mine")
    for overwrite in (True, False):
        results = run(desk, [desk / "in" / "nobody.png"], options={"overwrite": overwrite})
        assert results["nobody.png"].status == "error"
    assert "already exists" in results["nobody.png"].message
    assert (desk / "out" / "nobody_red.png").read_bytes() == b"mine"


def test_a_result_that_was_changed_is_not_replaced(desk):
    run(desk)
    (desk / "out" / "gym_red.png").write_bytes(b"painted over")
    assert "was changed since it was made" in run(desk)["gym.png"].message


def test_a_missing_result_is_made_again(desk):
    run(desk)
    before = (desk / "out" / "clip_red.mp4").read_bytes()
    (desk / "out" / "clip_red.mp4").unlink()
    assert statuses(run(desk)) == {"clip.mp4": "ok", "gym.png": "skipped", "park.png": "skipped"}
    assert (desk / "out" / "clip_red.mp4").read_bytes() == before


def test_a_run_that_died_between_output_and_sidecar_knows_its_own(desk):
    run(desk)
    sidecar = desk / "out" / "clip_red.mp4.json"
    entries = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps({**entries, "output_stamp": "", "outcome": None}))
    assert statuses(run(desk))["clip.mp4"] == "ok"
    assert json.loads(sidecar.read_text()) == entries


def test_an_interrupt_leaves_no_sidecar_without_output(desk):
    class Interrupting(MagentaEstimator):
        def __call__(self, image):
            raise KeyboardInterrupt

    options = DanceOptions(estimator=Interrupting())
    with pytest.raises(KeyboardInterrupt):
        list(dance_many([desk / "in" / "clip.mp4"], RedCharacter(), desk / "out", options=options))
    assert not (desk / "out").exists()


def test_two_runs_on_one_folder_do_not_write_one_file(desk):
    (desk / "out").mkdir()
    lock = FileLock(desk / "out" / "clip_red.mp4.task")
    results = run(desk)
    assert "is being written by another dance-now" in results["clip.mp4"].message
    lock.release()
    assert statuses(run(desk)) == {"clip.mp4": "ok", "gym.png": "skipped", "park.png": "skipped"}


def test_a_full_disk_ends_the_run_in_one_line(desk, monkeypatch):
    def full(path, line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(dance_now.batch.batch_journal, "append_line", full)
    with pytest.raises(DanceNowError, match=r"report.jsonl could not be written: No space left"):
        run(desk)
    monkeypatch.undo()
    assert set(statuses(run(desk)).values()) == {"ok", "skipped"}


def test_sources_with_one_output_are_refused_before_any_work(desk):
    write_photo(desk / "in" / "gym.jpg", with_person(80))
    with pytest.raises(UsageError, match=r"gym\.jpg and .*gym\.png have the same output, .*gym_red\.png"):
        run(desk)
    assert not (desk / "out").exists()
    shutil.move(desk / "in" / "gym.jpg", desk / "in" / "GYM.jpg")  # one file on Windows and macOS
    with pytest.raises(UsageError, match="have the same output"):
        run(desk)


def test_shards_are_a_partition(desk):
    parts = [run(desk, shard=f"{number}/2") for number in (1, 2)]
    assert all(parts)
    assert statuses({**parts[0], **parts[1]}) == DONE
    assert not parts[0].keys() & parts[1].keys()
    assert names(desk / "out") == [
        *("clip_red.mp4", "gym_red.png", "report-1-of-2.jsonl", "report-2-of-2.jsonl", "sub/park_red.png")
    ]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"shard": "0/2"}, "shard must be I/N"),
        ({"shard": "half"}, "shard must be I/N"),
        ({"jobs": 0}, "jobs must be between 1"),
        ({"timeout": -1.0}, "timeout must be"),
        ({"sources": []}, "at least one file"),
        ({"options": DanceOptions(poses="keys")}, "poses belong to one source"),
        ({"character": "nobody"}, "There is no character 'nobody'"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_at_once(desk, batch, message):
    arguments = {"sources": [desk / "in" / "gym.png"], "character": "tempo", "output": desk / "out", **batch}
    with pytest.raises(DanceNowError, match=message):
        dance_many(**arguments)
    assert not (desk / "out").exists()


def test_the_output_must_be_a_folder(desk):
    with pytest.raises(UsageError, match="is a file"):
        run(desk, output=desk / "in" / "gym.png")


def test_a_folder_of_photos_is_a_file_for_each(desk):
    results = run(desk, [desk / "in" / "sub", desk / "in"])
    assert results.keys() == {"gym.png", "park.png"}


def test_options_are_checked():
    with pytest.raises(TypeError, match="jobs must be an int"):
        BatchOptions(jobs="two")

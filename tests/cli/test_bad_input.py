"""What goes wrong at a user's desk: one clear line, exit code 1 or 2, and nothing left behind."""

import errno
import json
import os
from pathlib import Path

import av
import numpy as np
import pytest
from fakes import (
    BlindEstimator,
    MagentaEstimator,
    RedCharacter,
    standing,
    with_person,
    write_photo,
    write_video,
)

import dance_now.app.network_cache
import dance_now.app.pose_export
import dance_now.core.atomic_write
from dance_now.character.character import Character
from dance_now.cli import main


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A working folder, a character called red, and an estimator that finds magenta."""
    load = Character.load

    def load_red(name, *options, **named):
        return RedCharacter() if name == "red" else load(name, *options, **named)

    monkeypatch.setattr(Character, "load", load_red)
    monkeypatch.setattr(dance_now.app.network_cache, "open_estimator", lambda *_, **__: MagentaEstimator())
    monkeypatch.setattr("dance_now.cli.progress._PATIENCE_SECONDS", 1e9)  # a slow machine shows progress
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def photo(desk):
    return write_photo(desk / "me.png", with_person(96))


@pytest.fixture
def video(desk):
    return write_video(desk / "clip.mp4", [40, 60, 80, 100])


def contents(folder):
    return {path.relative_to(folder): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def failing(desk, capture):
    """Runs a command that must fail with one line that names what is wrong, and change no file."""

    def run(*words):
        before = contents(desk)
        capture.readouterr()
        assert main([str(word) for word in words]) == 1
        printed = capture.readouterr()
        assert printed.out == ""
        lines = [line for line in printed.err.splitlines() if not line.startswith("fetching ")]
        assert len(lines) == 1, printed.err
        assert lines[0].startswith("error: ")
        assert "unexpected" not in lines[0]
        assert contents(desk) == before
        return printed.err

    return run


@pytest.fixture
def fails(desk, capfd, _logging_as_it_was):
    """``failing``, where what C libraries print counts too."""
    return failing(desk, capfd)


@pytest.mark.usefixtures("_logging_as_it_was")
def test_these_fakes_dance(photo, video):
    assert main(["dance", "me.png", "-c", "red"]) == 0
    assert main(["dance", "clip.mp4", "-c", "red"]) == 0
    assert {path.name for path in photo.parent.iterdir()} == {
        *("me.png", "clip.mp4"),
        *("me_red.png", "clip_red.mp4"),
    }


# Sources


def spoiled(path, content):
    path.write_bytes(content)
    return path


def cut_off(path, share):
    data = path.read_bytes()
    return spoiled(path, data[: int(len(data) * share)])


def song(path):
    with av.open(str(path), "w") as output:
        track = output.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48000
        output.mux(track.encode(frame))
        output.mux(track.encode(None))
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda desk: desk / "nowhere.mp4", "does not exist"),
        (lambda desk: spoiled(desk / "empty.mp4", b""), "is empty"),
        (lambda desk: spoiled(desk / "empty.png", b""), "is empty"),
        (lambda desk: spoiled(desk / "empty.json", b""), "is empty"),
        (lambda desk: cut_off(write_video(desk / "half.mp4", [50, 60, 70]), 0.5), "damaged"),
        (lambda desk: cut_off(write_photo(desk / "half.png", with_person(90)), 0.01), "damaged"),
        (lambda desk: cut_off(write_photo(desk / "half.jpg", with_person(90)), 0.02), "damaged"),
        (lambda desk: spoiled(desk / "notes.mp4", b"Dear diary,\n" * 99), "not a photo or video"),
        (lambda desk: spoiled(desk / "list.m3u8", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"), "not a photo or"),
        (lambda desk: spoiled(desk / "archive.png", b"PK\3\4" + bytes(400)), "not a photo or video"),
        (lambda desk: spoiled(desk / "noise.jpg", b"\xff\xd8\xff" + bytes(range(256)) * 9), "damaged"),
        (lambda desk: song(desk / "song.m4a"), "no video stream"),
        (lambda desk: desk, "holds no images"),
        (lambda desk: "", "SOURCE must not be empty"),
        (lambda desk: "/dev/null", "neither a file nor a folder"),
    ],
)
def test_an_unusable_source(desk, fails, make, message):
    source = make(desk)
    assert message in fails("dance", source, "-c", "red", "-o", "out.mp4")
    assert message in fails("pose", source) or message in fails("pose", source, "-o", "poses")


@pytest.mark.parametrize("verb", [("dance", "-c", "red"), ("dance", "-c", "red", "--scene", "alpha")])
def test_nobody_in_the_picture(photo, video, fails, monkeypatch, verb):
    monkeypatch.setattr(dance_now.app.network_cache, "open_estimator", lambda **_: BlindEstimator())
    for source in (photo, video):
        assert "No person was found" in fails(*verb, source)


def test_an_unknown_character(photo, desk, fails):
    assert "There is no character 'nemo'" in fails("dance", photo, "-c", "nemo")
    assert "no character file" in fails("dance", photo, "-c", "nemo.dance")
    spoiled(desk / "noise.dance", bytes(range(256)) * 40)
    assert "noise.dance" in fails("dance", photo, "-c", desk / "noise.dance")


# Keypoints


def keypoints(**parts):
    return json.dumps({"people": [parts]}).encode()


MALFORMED = {
    "blank": b" \n",
    "cut off": b'{"people": [{"pose_keypoints_2d": [1, 2',
    "binary": b"\x89PNG\r\n\x1a\n\0\0",
    "half a code": b"\xff\xfe\0",
    "nested": b'{"people":' * 100_000 + b"[]" + b"}" * 100_000,
    "a list": b"[1, 2, 3]",
    "no people": b'{"version": 1.3}',
    "people are an object": b'{"people": {"a": 1}}',
    "people are numbers": b'{"people": [1, 2]}',
    "too few numbers": keypoints(pose_keypoints_2d=[1, 2, 3]),
    "another model": keypoints(pose_keypoints_2d=[0.5] * 48),
    "text": keypoints(pose_keypoints_2d=["x"] * 75),
    "nulls": keypoints(pose_keypoints_2d=[None] * 75),
    "huge numbers": keypoints(pose_keypoints_2d=[10**400] * 75),
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_keypoints(photo, desk, fails, content):
    path = spoiled(desk / "bad_keypoints.json", content)
    assert "bad_keypoints.json" in fails("dance", path, "-c", "red")
    assert "bad_keypoints.json" in fails("dance", photo, "-c", "red", "--poses", path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_numbers_that_are_none_are_missing_points(photo, desk, fails, capfd, value):
    person = standing((96, 72), 104).to_openpose()
    body = person["pose_keypoints_2d"]
    body[3 * 4 : 3 * 4 + 2] = [value, value]  # the right wrist
    path = spoiled(desk / "a_keypoints.json", keypoints(pose_keypoints_2d=body))
    assert main(["dance", str(path), "-c", "red"]) == 0
    capfd.readouterr()
    path = spoiled(desk / "none_keypoints.json", keypoints(pose_keypoints_2d=[value, value, 1.0] * 25))
    assert "No person was found" in fails("dance", path, "-c", "red")


# Outputs


def test_an_output_that_is_the_input(photo, video, fails):
    for source in (photo, video):
        twin = source.with_stem("twin")
        os.link(source, twin)
        for output in (source, twin):
            assert "the input itself" in fails("dance", source, "-c", "red", "-o", output, "--overwrite")


def test_an_output_that_is_one_of_the_inputs(photo, desk, fails):
    assert "the input itself" in fails("dance", f"{desk}/*.png", "-c", "red", "-o", desk, "--overwrite")


def test_outputs_that_cannot_be(photo, video, desk, fails):
    spoiled(desk / "there.mp4", b"precious")
    for output, message in {
        "there.mp4": "--overwrite",
        "missing/out.mp4": "does not exist",
        "out.xyz": ".xyz files cannot be written",
        "out.png": "holds one image",
        "there.mp4/out.mp4": "does not exist",
    }.items():
        assert message in fails("dance", video, "-c", "red", "-o", output)
    assert "does not support transparency" in fails(
        "dance", video, "-c", "red", "-o", "a.mp4", "--scene", "alpha"
    )
    assert "is a file" in fails("pose", photo, "-o", "there.mp4")


def test_a_folder_that_may_not_be_written(photo, desk, fails, monkeypatch):
    (desk / "locked").mkdir(mode=0o500)
    if not hasattr(os, "geteuid") or os.geteuid() == 0:  # root may write anywhere
        monkeypatch.setattr(dance_now.core.atomic_write.os, "access", lambda *_: False)
    assert "not writable" in fails("dance", photo, "-c", "red", "-o", "locked/out.png")
    assert "not writable" in fails("pose", photo, "-o", "locked/poses")


@pytest.fixture
def fails_with_room_for(desk, capsys, _logging_as_it_was):
    """``failing`` while no file may grow beyond some bytes: the kernel refuses, as on a full disk."""
    resource = pytest.importorskip("resource", reason="POSIX only")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def run(room, *words):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        try:
            return failing(desk, capsys)(*words)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return run


@pytest.mark.parametrize("room", [0, 700])
@pytest.mark.parametrize(
    "output", ["out.png", "out.mp4", "out.webm", "out.webp", "out.gif", "out.mov", "frames"]
)
def test_a_full_disk(photo, video, fails_with_room_for, output, room):
    source = photo if output.endswith(".png") else video
    message = fails_with_room_for(room, "dance", source, "-c", "red", "--scene", "green", "-o", output)
    assert output in message
    assert "could not be written" in message


def test_a_full_disk_stops_keypoints_too(photo, fails_with_room_for, monkeypatch):
    monkeypatch.setattr(dance_now.app.pose_export, "open_estimator", lambda **_: MagentaEstimator())
    assert "could not be written" in fails_with_room_for(100, "pose", photo)


def test_no_space_left_is_said(photo, fails, monkeypatch):
    def write_bytes(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    message = fails("dance", photo, "-c", "red", "-o", "out.png")
    assert message == "error: out.png could not be written: No space left on device.\n"


def test_a_full_disk_keeps_what_was_to_be_overwritten(video, desk, fails_with_room_for):
    spoiled(desk / "out.mp4", b"precious")
    fails_with_room_for(100, "dance", video, "-c", "red", "-o", "out.mp4", "--overwrite")
    assert (desk / "out.mp4").read_bytes() == b"precious"


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--start", "-1"), "--start must be finite and at least 0 seconds, not -1.0"),
        (("--start", "nan"), "--start must be finite and at least 0 seconds"),
        (("--start", "99"), "--start 99 is after the end"),
        (("--start", "2", "--end", "1"), "--end must be greater than start (2 seconds), not 1"),
        (("--end", "inf"), "--end must"),
        (("--fps", "24"), "--fps is for folders"),
        (("--fps", "nan"), "--fps must be between"),
        (("--size", "64x64"), "--size is for keypoints"),
        (("--match", "1.5"), "--match must be between"),
        (("--match", "nan"), "--match must be between"),
        (("--height", "tall"), "--height must be person, own or a factor"),
        (("--person", "middle"), "--person must be largest, all, left or a person's ID, not 'middle'"),
        (("--person", "7"), "Person 7 is not in"),
        (("--background", "nowhere.png"), "does not exist"),
        (("--background", "#12"), "is not a color"),
        (("--background", "red", "--scene", "green"), "--background needs --scene replace or side-by-side"),
        (("--background", "out.mp4", "-o", "out.mp4"), "the background itself"),
        (("-c", "red,nemo"), "There is no character 'nemo'"),
    ],
)
def test_options_that_fit_nothing(video, fails, options, message):
    assert message in fails("dance", video, "-c", "red", *options)


@pytest.mark.parametrize("size", ["0x0", "0x100", "99999x99999"])
def test_sizes_that_no_picture_has(desk, fails, size):
    path = spoiled(desk / "a_keypoints.json", json.dumps({"people": []}).encode())
    assert "--size must be at least 1x1" in fails("dance", path, "-c", "red", "--size", size)


def test_wrong_usage_is_2_and_writes_nothing(desk, photo, run):
    before = contents(desk)
    for words in (
        ("dance",),
        ("dance", photo, "--scene", "moon"),
        ("sing",),
        ("dance", photo, "--nope"),
        ("dance", photo, "--estimator", "magic"),
    ):
        outcome = run(*words)
        assert outcome.code == 2
        assert outcome.out == ""
    assert contents(desk) == before

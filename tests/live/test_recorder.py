"""Recordings are complete, transparent where asked, and never hold the performance up."""

import time
from dataclasses import replace
from datetime import datetime

import av
import numpy as np
import pytest
from fakes import HEIGHT, WIDTH, red, with_person, write_video
from live_fakes import SETTINGS, captured, red_stage, running, wait_for

from dance_now.core.errors import DanceNowError
from dance_now.live.camera_capture import DeviceCamera, FileCamera, open_camera
from dance_now.live.headless import record
from dance_now.live.recorder import Recorder, output_path

IMAGE = with_person(90)


@pytest.fixture(scope="module")
def results():
    """Six drawn frames."""
    with running() as (engine, found):
        for number in range(6):
            engine.submit(captured(IMAGE, number))
            wait_for(lambda: len(found) > number)  # noqa: B023
    return found


def frames(path):
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


@pytest.mark.parametrize("extension", [".mp4", ".webm", ".mov"])
def test_a_recording_has_every_frame_at_its_time(results, tmp_path, extension):
    recorder = Recorder(tmp_path / f"x{extension}", (0, 0, 255))
    for result in results:
        recorder.write(result)
    assert recorder.close()
    found = frames(recorder.path)
    assert recorder.written == len(found) == len(results)
    times = [result.time - results[0].time for result in results]
    np.testing.assert_allclose([time for time, _ in found], times, atol=2e-3)
    assert red(found[0][1]).any()
    assert np.abs(found[0][1][2, 2].astype(int) - [0, 0, 255]).max() < 12


def test_what_an_encoder_has_no_time_for_is_left_out(results, tmp_path):
    recorder = Recorder(tmp_path / "x.webm", None)
    begun = time.perf_counter()
    for index in range(200):
        recorder.write(replace(results[0], time=results[0].time + index / 30))
    assert time.perf_counter() - begun < 1
    assert recorder.close()
    assert recorder.written + recorder.left_out == 200
    assert recorder.left_out > 100


def test_another_size_ends_a_recording_that_is_kept(results, tmp_path):
    told = []
    recorder = Recorder(tmp_path / "x.mp4", (0, 0, 0), told.append)
    recorder.write(results[0])
    recorder.write(replace(results[1], size=(WIDTH - 2, HEIGHT)))
    wait_for(lambda: told)
    recorder.write(results[2])
    assert recorder.close()
    assert len(frames(recorder.path)) == 1
    assert "resolution has changed" in told[0]


def test_nothing_is_left_of_a_recording_without_frames(tmp_path):
    told = []
    recorder = Recorder(tmp_path / "x.mp4", None, told.append)
    assert not recorder.close()
    assert told
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_gone(results, tmp_path):
    told = []
    recorder = Recorder(tmp_path / "gone" / "x.mp4", None, told.append)
    for result in results:
        recorder.write(result)
    assert not recorder.close()
    assert "could not be written" in told[0]


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(DanceNowError, match="cannot be recorded"):
        Recorder(tmp_path / "x.png", None)


def test_paths_are_free(tmp_path):
    now = datetime(2026, 12, 1, 5, 6, 7)
    first = output_path(tmp_path, "red", ".mp4", now)
    assert first.name == "dance_now_red_2026-12-01_05-06-07.mp4"
    first.touch()
    assert output_path(tmp_path, "red", ".mp4", now).name == "dance_now_red_2026-12-01_05-06-07_2.mp4"


@pytest.mark.parametrize("extension", [".mp4", ".webm"])
def test_headless(tmp_path, extension):
    """A file plays in real time and again from its beginning."""
    clip = write_video(tmp_path / "clip.mkv", [60, 70, 80, 90, 100])  # 0.2 s
    output = tmp_path / f"out{extension}"
    count = record(red_stage(), SETTINGS, FileCamera(clip), output, seconds=1.2)
    found = frames(output)
    assert count == len(found)
    assert 12 <= count <= 40
    assert 0.6 < found[-1][0] < 1.6
    places = [np.flatnonzero(red(image).any(axis=0)).mean() for _, image in found]
    assert np.ptp(places) > 15
    assert (np.diff(places) < -10).sum() >= 2  # it began anew


def test_headless_keeps_what_is_there(tmp_path):
    clip = write_video(tmp_path / "clip.mkv", [60])
    output = tmp_path / "out.mp4"
    output.write_bytes(b"mine")
    with pytest.raises(DanceNowError, match="already exists"):
        record(red_stage(), SETTINGS, FileCamera(clip), output, seconds=0.1)
    assert output.read_bytes() == b"mine"
    with pytest.raises(DanceNowError, match="input itself"):
        record(red_stage(), SETTINGS, FileCamera(clip), clip, seconds=0.1, overwrite=True)


def test_no_camera(tmp_path):
    with pytest.raises(DanceNowError, match="camera 93 cannot be opened"):
        record(red_stage(), SETTINGS, DeviceCamera(93), tmp_path / "out.mp4", seconds=0.3)
    assert not list(tmp_path.iterdir())


def test_cameras_are_numbers_or_videos(tmp_path):
    assert open_camera("2").name == "camera 2"
    with pytest.raises(DanceNowError, match="does not exist"):
        open_camera(str(tmp_path / "none.mp4"))
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(DanceNowError):
        open_camera(str(tmp_path / "text.mp4"))

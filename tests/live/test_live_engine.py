"""The newest frame wins, two are under way, nothing queues, and what is drawn is what files get."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from fakes import HEIGHT, WIDTH, MagentaEstimator, RedCharacter, magenta, red, standing, with_person
from live_fakes import SETTINGS, captured, red_stage, running, wait_for

from dance_now.app.dancer import Dancer
from dance_now.core.errors import DanceNowError
from dance_now.live.live_engine import LatestSlot
from dance_now.live.live_frames import CapturedFrame, read_camera_jpeg
from dance_now.media.frame import Frame
from dance_now.pose.model.detection import Detection, Person
from dance_now.pose.tracking.limb_hull import hull_mask
from dance_now.scene.compositing.composition import Scene

IMAGE = with_person(90)


def test_a_frame_comes_back_drawn():
    with running() as (engine, results):
        engine.submit(captured(IMAGE, number=7))
        wait_for(lambda: results)
    (result,) = results
    assert (result.number, result.size) == (7, (WIDTH, HEIGHT))
    assert 0 < result.latency < 10
    assert list(result.people) == [1]
    assert result.followed == (1,)
    left, top, width, height = result.people[1]
    assert 0.3 < left < left + width < 0.7
    assert 0 < top < top + height <= 1


@pytest.mark.parametrize("x", [90, 20])
def test_a_transparent_frame_is_the_one_of_files(x):
    """The layer is a part of ``Scene.ALPHA``'s frame, to the bit."""
    image = with_person(x)
    expected = Dancer(RedCharacter(), scene=Scene.ALPHA, estimator=MagentaEstimator())(
        Frame(image, 0.0, 0)
    ).image
    with running() as (engine, results):
        engine.submit(captured(image))
        wait_for(lambda: results)
    np.testing.assert_array_equal(results[0].with_alpha(), expected)
    assert results[0].layer.pixels.size < 0.5 * expected.size


def test_scenes():
    with running(replace(SETTINGS, scene="color", color="#0000ff")) as (engine, results):
        engine.submit(captured(IMAGE))
        wait_for(lambda: results)
        image = results[0].over_color(engine.settings.rgb)
        assert image[0, 0].tolist() == [0, 0, 255]
        assert red(image).any()
        engine.apply(replace(engine.settings, scene="replace"))
        wait_for(lambda: _submitted(engine, results) and results[-1].picture is not None)
        picture = results[-1].picture
        np.testing.assert_array_equal(picture[:, :10], IMAGE[:, :10])
        assert red(picture).any()


def _submitted(engine, results, image=IMAGE):
    """Hands in a frame and waits for one to be drawn."""
    count = len(results)
    engine.submit(captured(image))
    wait_for(lambda: len(results) > count)
    return True


def test_mirrored_frames():
    with running(replace(SETTINGS, mirror=True)) as (engine, results):
        _submitted(engine, results, with_person(50))
        box = results[0].layer.box
        assert box.left > WIDTH / 2


def test_the_newest_frame_wins_and_every_frame_is_released_once():
    gate, released, read = threading.Event(), [], []

    def slow(number):
        def decode():
            read.append(number)
            gate.wait(10)
            return IMAGE

        return CapturedFrame(number, time.perf_counter(), decode, lambda: released.append(number))

    with running() as (engine, results):
        engine.submit(slow(0))
        wait_for(lambda: read)
        for number in range(1, 20):
            engine.submit(slow(number))
        assert released == list(range(1, 19))
        gate.set()
        wait_for(lambda: len(results) == 2)
    assert [result.number for result in results] == [0, 19]
    assert sorted(released) == list(range(20))


def test_frames_come_no_faster_than_the_limit():
    with running(replace(SETTINGS, frame_rate_limit=10)) as (engine, results):
        begun = time.monotonic()
        while time.monotonic() < begun + 0.75:
            engine.submit(captured(IMAGE))
            time.sleep(0.005)
        assert 4 <= len(results) <= 9


def test_a_paused_engine_releases_frames_at_once():
    released = []
    with running(replace(SETTINGS, paused=True)) as (engine, results):
        engine.submit(captured(IMAGE, release=lambda: released.append(1)))
        assert released == [1]
        engine.apply(replace(engine.settings, paused=False))
        _submitted(engine, results)


def test_a_broken_frame_is_left_out_and_told():
    told = []
    with running() as (engine, results):
        engine.notify = told.append
        engine.submit(CapturedFrame(0, time.perf_counter(), lambda: read_camera_jpeg(b"no picture")))
        wait_for(lambda: told)
        _submitted(engine, results)
    assert told == ["a camera frame is not a JPEG image."]


def test_a_failing_step_does_not_end_the_performance():
    class Moody(MagentaEstimator):
        def __call__(self, image):
            people = super().__call__(image)
            if self.calls == 1:
                raise RuntimeError("not today")
            return people

    told, released = [], []
    stage = red_stage()
    stage._estimator = Moody()
    with running(stage=stage) as (engine, results):
        engine.notify = told.append
        engine.submit(captured(IMAGE, release=lambda: released.append(1)))
        wait_for(lambda: told and released)
        _submitted(engine, results)
    assert "not today" in told[0]


def test_an_unknown_character_is_refused():
    with running() as (engine, _), pytest.raises(DanceNowError, match="no character"):
        engine.apply(replace(SETTINGS, character="blue"))


def test_frames_of_another_size():
    with running(replace(SETTINGS, scene="replace")) as (engine, results):
        _submitted(engine, results)
        _submitted(engine, results, np.ascontiguousarray(IMAGE[:-20, :-30]))
        assert results[-1].picture.shape == (HEIGHT - 20, WIDTH - 30, 3)


def test_a_clean_plate_is_taken_once_nobody_is_there():
    told = []
    with running(replace(SETTINGS, scene="replace")) as (engine, results):
        stage = engine._stage
        _submitted(engine, results)
        assert not stage.has_clean_plate
        stage.take_clean_plate(told.append)
        for _ in range(5):
            _submitted(engine, results)
        assert not told
        while not told:
            _submitted(engine, results, with_person(None))
        assert told == [None]
        assert stage.has_clean_plate
        _submitted(engine, results)
        hole = ~red(results[-1].picture)
        away = np.abs(results[-1].picture.astype(int) - with_person(None))[hole].mean()
        assert away < 3


def test_a_clean_plate_fails_where_somebody_stays():
    told = []
    with running() as (engine, results):
        engine._stage.take_clean_plate(told.append)
        while not told:
            _submitted(engine, results)
    assert "Somebody is still" in told[0]


class TwoPeople(MagentaEstimator):
    """Two people who stand side by side, with IDs that start with every reset."""

    max_people = 2

    def __init__(self):
        super().__init__()
        self.resets = 0

    def __call__(self, image):
        (left,) = super().__call__(image)
        pose = standing((150.0, 72.0), 104.0)
        return (
            Person(4 + self.resets, left.detection),
            Person(5 + self.resets, Detection(pose, hull_mask(pose))),
        )

    def reset(self):
        self.resets += 10


def test_whoever_is_followed_keeps_the_id():
    """Also when scene and character change; the other one stays in the picture."""
    stage = red_stage(TwoPeople())
    with running(replace(SETTINGS, person="all"), stage) as (engine, results):
        _submitted(engine, results, with_person(40))
        (left, right), resets = results[-1].followed, stage._estimator.resets
        assert list(results[-1].people) == [left, right]
        engine.apply(replace(engine.settings, person=right))
        wait_for(lambda: _submitted(engine, results, with_person(40)) and results[-1].followed == (right,))
        assert results[-1].layer.box.left > 100
        engine.apply(replace(engine.settings, scene="replace"))
        wait_for(lambda: _submitted(engine, results, with_person(40)) and results[-1].picture is not None)
        assert results[-1].followed == (right,)
        assert magenta(results[-1].picture)[:, :70].sum() > 500
        assert stage._estimator.resets == resets


def test_a_slot_keeps_the_newest():
    slot = LatestSlot()
    assert slot.take(timeout=0) is None
    assert (slot.put(1), slot.put(2)) == (None, 1)
    assert (slot.take(timeout=0), slot.take(timeout=0)) == (2, None)

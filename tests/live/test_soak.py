"""Ten minutes of live do not grow."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import with_person
from live_fakes import SETTINGS, captured, red_stage, running, wait_for

from dance_now.live.recorder import Recorder

SECONDS = 600.0
SETTLING = 0.1  # of it, in which caches fill
CHANGE_EVERY = 20.0  # seconds between two changes of the scene
MOST_MB = 20.0

STATUS = Path("/proc/self/statm")


def resident():
    """Resident memory of this process, MB."""
    return int(STATUS.read_text().split()[1]) * 4096 / 1e6


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from Linux's /proc")
def test_memory_is_flat(tmp_path):
    """People come and go, scenes change, recordings begin and end."""
    images = [with_person(x) for x in (*range(40, 150, 2), *[None] * 20)]
    before, number, changed = 0.0, 0, 0.0
    scenes = ["alpha", "color", "replace"]
    recorder = None
    stage = red_stage()
    drawn = stage.library.load("red").poses  # the fake keeps what it has drawn
    with running(replace(SETTINGS, idle=True), stage) as (engine, results):
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < SECONDS:
            if passed - changed > CHANGE_EVERY:
                changed = passed
                scenes = [*scenes[1:], scenes[0]]
                engine.apply(replace(engine.settings, scene=scenes[0]))
                if recorder is not None:
                    recorder.close()
                recorder = Recorder(tmp_path / f"{number}.mp4", (0, 255, 0))
            engine.submit(captured(images[number % len(images)]))
            wait_for(lambda: results)
            if recorder is not None:
                recorder.write(results[-1])
            results.clear()
            drawn.clear()
            number += 1
            if not before and passed > SETTLING * SECONDS:
                before = resident()
        if recorder is not None:
            recorder.close()
    assert number > SECONDS  # frames
    assert resident() - before < MOST_MB

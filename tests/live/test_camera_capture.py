"""A camera that is busy, unplugged and back."""

from itertools import pairwise

import numpy as np
from live_fakes import wait_for

from dance_now.core.errors import DanceNowError
from dance_now.live import camera_capture
from dance_now.live.camera_capture import CameraThread


class Moody:
    """A camera that is busy at first, then plugged out once."""

    name = "camera 5"

    def __init__(self):
        self.opened = 0

    def frames(self):
        self.opened += 1
        if self.opened in (1, 2):
            raise DanceNowError("camera 5 cannot be opened.")
        count = 3 if self.opened == 3 else 10_000
        for _ in range(count):
            yield np.zeros((4, 4, 3), np.uint8)


def test_a_camera_is_tried_until_it_is_back(monkeypatch):
    monkeypatch.setattr(camera_capture, "_RETRY_SECONDS", 0.01)
    frames, told = [], []
    with CameraThread(Moody(), frames.append, told.append):
        wait_for(lambda: len(frames) > 5)
    assert told == [
        "camera 5 cannot be opened.",  # once, though it was tried twice
        "camera 5 is back.",
        "camera 5 is lost. Trying again.",
        "camera 5 is back.",
    ]
    assert [frame.number for frame in frames[:6]] == [0, 1, 2, 3, 4, 5]
    assert all(late.time >= early.time for early, late in pairwise(frames))

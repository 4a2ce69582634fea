"""Motion sender: sends the motion of a person in a clip to an avatar program while it is read."""

from __future__ import annotations

import time
from collections.abc import Sequence

from dance_now.media.frame import Frame
from dance_now.media.source import Source
from dance_now.pose.formats.vmc_sender import VmcSender
from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.detection import Person
from dance_now.pose.retarget.retargeter import Retargeter


class MotionSender:
    """Sends the motion of the first person that is seen, no faster than the clip plays."""

    def __init__(self, sender: VmcSender, source: Source) -> None:
        """Takes where the motion goes, and the clip."""
        self._sender = sender
        self._skeleton = adult_skeleton()
        self._size = source.size
        self._retarget = Retargeter(self._skeleton, smooth=source.kind != "photo")
        self._identity: int | None = None
        self._start = 0.0

    def send(self, frame: Frame, people: Sequence[Person]) -> None:
        """Sends a frame's pose."""
        if self._identity is None:
            if not people:
                return
            self._identity = people[0].identity
            self._start = time.perf_counter() - frame.time
        for person in people:
            if person.identity == self._identity:
                moved = self._retarget(person.detection.pose, frame.time, size=self._size)
                time.sleep(max(0.0, self._start + frame.time - time.perf_counter()))
                self._sender.send(self._skeleton, moved, frame.time)

"""Voice of a live performance: a microphone's sound as mouth shapes, in a thread."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from itertools import chain
from threading import Event, Thread
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.media.video.audio_samples import microphone_samples
from dance_now.pose.retarget.face_expression import VOWELS
from dance_now.pose.speech.formants import SAMPLE_RATE
from dance_now.pose.speech.lip_sync import LipSync

_STALE_SECONDS: Final = 0.3  # after which a voice that says nothing more is silent
_LARGEST_BLOCK: Final = SAMPLE_RATE // 50

_logger = logging.getLogger(__name__)


class Voice:
    """Listens to a microphone; the sound stays in this program. Use it as a context manager."""

    def __init__(self, microphone: str = "auto") -> None:
        """Opens the microphone, or a sound file, which is played once at its own speed.

        Raises:
            DanceNowError: it cannot be opened, or is silent by nature.
        """
        self._blocks = microphone_samples(microphone, SAMPLE_RATE)
        self._first = next(self._blocks, np.zeros(0))  # opens it, so that trouble is told at once
        self._newest = np.zeros(len(VOWELS))
        self._heard = -np.inf
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="voice", daemon=True)

    def __enter__(self) -> Voice:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def vowels_at(self, moment: float) -> npt.NDArray[np.float64]:
        """The newest weights (5,) of VOWELS, whatever the moment: a live frame shows what is heard now."""
        return self._newest if time.perf_counter() - self._heard < _STALE_SECONDS else np.zeros(len(VOWELS))

    def _run(self) -> None:
        lip_sync, begun, done = LipSync(), time.perf_counter(), 0
        try:
            with closing(self._blocks):
                for block in chain([self._first], self._blocks):
                    for start in range(0, len(block), _LARGEST_BLOCK):
                        part = block[start : start + _LARGEST_BLOCK]
                        done += len(part)
                        # A file is read faster than it sounds; a microphone never is.
                        if self._stopping.wait(max(0.0, begun + done / SAMPLE_RATE - time.perf_counter())):
                            return
                        shapes = lip_sync(part)
                        if len(shapes):
                            self._newest, self._heard = shapes[-1], time.perf_counter()
        except DanceNowError as error:
            _logger.warning("the microphone has ended: %s", error)

"""Live engine: frames in, drawn frames out, with bounded latency.

The newest frame wins and at most two are under way: latency is then two frames at whatever rate the machine
reaches. The steps are those of a file (``Dancer``), in the same pipeline; only the last one differs for
transparent scenes, which need no frame around what is drawn.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from threading import Condition, Event, Lock, Thread
from typing import Any, Final, Generic, TypeVar

from dance_now.app.dancer import Dancer
from dance_now.app.dancer_frames import DetectedFrame, PosedFrame
from dance_now.core.errors import DanceNowError
from dance_now.core.pipeline import run_pipeline
from dance_now.core.profiler import Profiler
from dance_now.live.live_frames import CapturedFrame, LiveResult
from dance_now.live.live_settings import LiveSettings
from dance_now.live.live_stage import LiveStage
from dance_now.media.frame import Frame

MAX_UNDER_WAY: Final = 2
_WAIT: Final = 0.1  # seconds after which a waiting thread looks whether it is to end
_RATE_SECONDS: Final = 2.0  # over which the rate is counted
_RETRY_SECONDS: Final = 1.0

_logger = logging.getLogger(__name__)

_Item = TypeVar("_Item")
Listener = Callable[[LiveResult], None]


class LatestSlot(Generic[_Item]):
    """Hands items from one thread to another; of several that wait, only the newest is kept.

    Example:
        >>> slot = LatestSlot[int]()
        >>> slot.put(1), slot.put(2), slot.take(timeout=1)
        (None, 1, 2)
    """

    def __init__(self) -> None:
        self._condition = Condition()
        self._item: _Item | None = None

    def put(self, item: _Item) -> _Item | None:
        """Leaves an item; returns the one that it replaces, if any."""
        with self._condition:
            replaced, self._item = self._item, item
            self._condition.notify()
        return replaced

    def take(self, timeout: float) -> _Item | None:
        """Takes the newest item; waits for one, ``timeout`` seconds at most, and then returns None."""
        with self._condition:
            if self._item is None:
                self._condition.wait(timeout)
            taken, self._item = self._item, None
        return taken


class LiveEngine:
    """Runs a live performance in threads of its own; use it as a context manager.

    Attributes:
        profiler: the time of each step.
        notify: told in one line what went wrong, in any thread.
    """

    def __init__(self, stage: LiveStage, settings: LiveSettings) -> None:
        """Takes what opens the dancer of some settings, and the first settings."""
        self.profiler: Profiler = stage.profiler
        self.notify: Callable[[str], None] = _logger.warning
        self._stage = stage
        self._settings = settings
        self._slot = LatestSlot[CapturedFrame]()
        self._listeners: list[Listener] = []
        self._under_way: dict[int, CapturedFrame] = {}
        self._lock = Lock()
        self._stopping = Event()
        self._changed = Event()
        self._index = 0
        self._begun = self._due = time.perf_counter()
        self._last_time = 0.0
        self._done: deque[float] = deque(maxlen=600)
        self._thread = Thread(target=self._run, name="live", daemon=True)

    @property
    def settings(self) -> LiveSettings:
        """The present settings."""
        return self._settings

    @property
    def frame_rate(self) -> float:
        """Frames drawn a second, lately."""
        now = time.perf_counter()
        recent = [moment for moment in list(self._done) if now - moment <= _RATE_SECONDS]
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0

    def subscribe(self, listener: Listener) -> None:
        """Adds what is called with every drawn frame, in the engine's thread; it must not take long."""
        self._listeners.append(listener)

    def submit(self, frame: CapturedFrame) -> None:
        """Hands in the newest frame; one that still waits is dropped. Never blocks."""
        if self._settings.paused or self._stopping.is_set():
            frame.release()
            return
        dropped = self._slot.put(frame)
        if dropped is not None:
            dropped.release()

    def apply(self, settings: LiveSettings) -> None:
        """Changes the settings from the next frame on.

        Raises:
            DanceNowError: a character that is not there.
        """
        self._stage.check(settings)
        with self._lock:
            if settings.needs_reopening(self._settings):
                self._changed.set()
            self._settings = settings

    def reopen(self) -> None:
        """Starts anew with the same settings: what the stage opens has changed."""
        self._changed.set()

    def __enter__(self) -> LiveEngine:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the threads."""
        self._stopping.set()
        self._thread.join()
        waiting = self._slot.take(0)
        if waiting is not None:
            waiting.release()

    def _run(self) -> None:
        told = ""
        while not self._stopping.is_set():
            self._changed.clear()
            trouble = ""
            try:
                self._perform(self._stage.open(self._settings))
            except DanceNowError as error:
                trouble = str(error)
            except Exception as error:
                _logger.exception("a live frame failed")
                trouble = f"unexpected {type(error).__name__} ({error}); starting anew."
            for index in list(self._under_way):
                self._release(index)
            if trouble:
                if trouble != told:  # once, not every second
                    self.notify(trouble)
                self._stopping.wait(_RETRY_SECONDS)
            told = trouble

    def _perform(self, dancer: Dancer) -> None:
        """Draws frames until the settings change."""

        def draw(found: DetectedFrame) -> LiveResult:
            return self._result(dancer, dancer.pose(found))

        steps = [self._ending_on_errors(step) for step in (dancer.detect, dancer.refine, draw)]
        with closing(run_pipeline(self._frames(), *steps, max_in_flight=MAX_UNDER_WAY)) as results:
            try:
                for result in results:
                    self._done.append(time.perf_counter())
                    for listener in self._listeners:
                        listener(result)
            finally:
                self._changed.set()  # else the pipeline would wait for the next frame before it ends

    def _ending_on_errors(self, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A step after whose failure no more frames are awaited."""

        def ending(item: Any) -> Any:
            try:
                return step(item)
            except BaseException:
                self._changed.set()
                raise

        return ending

    def _frames(self) -> Generator[Frame]:
        """Takes the newest frame, again and again, until the settings change."""
        while not (self._stopping.is_set() or self._changed.is_set()):
            interval = 1 / self._settings.frame_rate_limit
            pause = self._due - time.perf_counter()
            if pause > 0:
                self._stopping.wait(min(pause, _WAIT))
                continue
            captured = self._slot.take(_WAIT)
            if captured is None:
                continue
            self._due = max(self._due, time.perf_counter() - interval) + interval
            try:
                with self.profiler.stage("decode"):
                    image = self._stage.prepare(captured.read(), self._settings)
            except DanceNowError as error:
                captured.release()
                self.notify(str(error))
                continue
            # Filters want time to rise, whatever the clocks of cameras say.
            moment = max(captured.time - self._begun, self._last_time + 1e-3)
            self._last_time = moment
            self._under_way[self._index] = captured
            yield Frame(image, moment, self._index)
            self._index += 1

    def _result(self, dancer: Dancer, posed: PosedFrame) -> LiveResult:
        frame = posed.found.frame
        height, width = frame.image.shape[:2]
        layer, picture = self._stage.render(dancer, posed)
        captured = self._under_way[frame.index]
        result = LiveResult(
            number=captured.number,
            time=captured.time,
            latency=time.perf_counter() - captured.time,
            size=(width, height),
            layer=layer,
            picture=picture,
            color=self._settings.rgb,
            people=self._stage.boxes(posed.found),
            followed=tuple(part.person.identity for part in posed.found.parts),
            lead=next(iter(posed.found.parts), None),
        )
        self._release(frame.index)
        return result

    def _release(self, index: int) -> None:
        captured = self._under_way.pop(index, None)
        if captured is not None:
            with suppress(RuntimeError):  # the sender's event loop has ended
                captured.release()

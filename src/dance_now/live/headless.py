"""Headless live performance: from a camera to a file or a virtual camera, without a server."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any

from dance_now.core.argument_checks import check_number
from dance_now.core.atomic_write import check_target
from dance_now.core.errors import DanceNowError
from dance_now.live.camera_capture import Camera, CameraThread
from dance_now.live.live_engine import Listener, LiveEngine
from dance_now.live.live_settings import LiveSettings
from dance_now.live.live_stage import LiveStage
from dance_now.live.recorder import Recorder

_LONGEST_WAIT = 3600.0  # seconds at a time, so that signals are seen on every system


def record(
    stage: LiveStage,
    settings: LiveSettings,
    camera: Camera,
    output: Path,
    *,
    seconds: float | None = None,
    overwrite: bool = False,
    outputs: tuple[Listener, ...] = (),
) -> int:
    """Records a live performance until Ctrl-C, SIGTERM or some time has passed.

    Args:
        stage: what the characters are drawn with.
        settings: of the performance.
        camera: where the frames come from.
        output: .mp4, .webm or .mov; the last two keep transparency.
        seconds: when to stop.
        overwrite: replace an existing file.
        outputs: what gets every frame besides the file.

    Returns:
        How many frames were written.

    Raises:
        DanceNowError: an output that cannot be written, or a camera that gave no frame.
    """
    if seconds is not None:
        check_number("seconds", seconds, 0)
    check_target(output, frozenset({Path(camera.name).resolve()}), overwrite)
    stage.check(settings)
    troubles: list[str] = []
    color = {"alpha": None, "color": settings.rgb}.get(settings.scene, (255, 255, 255))
    engine = LiveEngine(stage, settings)
    engine.notify = troubles.append
    recorder = Recorder(output, color, troubles.append)
    try:
        with stop_on_signals() as stop, ExitStack() as running:
            for listener in (recorder.write, *outputs):
                engine.subscribe(listener)
            running.enter_context(engine)
            running.enter_context(CameraThread(camera, engine.submit, troubles.append))
            _wait(stop, seconds)
    finally:
        complete = recorder.close()
    if not complete:
        raise DanceNowError(troubles[0] if troubles else f"there was no frame to write to {output}.")
    return recorder.written


def _wait(stop: Event, seconds: float | None) -> None:
    if seconds is not None:
        stop.wait(seconds)
        return
    while not stop.wait(_LONGEST_WAIT):
        pass


@contextmanager
def stop_on_signals() -> Iterator[Event]:
    """An event that Ctrl-C and SIGTERM set, instead of ending the program at once."""
    stop = Event()

    def handle(number: int, frame: Any) -> None:
        stop.set()

    if current_thread() is not main_thread():  # signals belong to the main thread
        yield stop
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""A live stage whose estimator finds magenta and whose character is a red figure, and a server around it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from aiohttp import ClientSession, CookieJar, web
from fakes import MagentaEstimator, RedCharacter

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.live.live_engine import LiveEngine
from dance_now.live.live_frames import CapturedFrame, LiveResult
from dance_now.live.live_settings import LiveSettings
from dance_now.live.live_stage import LiveStage
from dance_now.live.web.access_guard import AccessGuard, Role
from dance_now.live.web.frame_hub import FrameHub
from dance_now.live.web.live_director import LiveDirector
from dance_now.live.web.live_routes import make_app
from dance_now.pose.model.detection import PoseEstimator

TOKENS = {Role.CONTROL: "control-token-of-a-test", Role.SHOW: "show-token-of-a-test"}
SETTINGS = LiveSettings(character="red", mirror=False, frame_rate_limit=120, idle=False)


class RedLibrary:
    """What a character library looks like to a stage."""

    def __init__(self) -> None:
        self._red = RedCharacter()

    def __contains__(self, name: object) -> bool:
        return name == "red"

    def load(self, name: str) -> RedCharacter:
        """The red figure."""
        if name not in self:
            raise DanceNowError(f"there is no character {name!r} here.")
        return self._red

    def preview(self, name: str) -> bytes | None:
        """A red picture."""
        picture = np.full((8, 8, 3), (10, 10, 250), np.uint8)
        return cv2.imencode(".png", picture)[1].tobytes() if name in self else None

    def listing(self) -> list[dict[str, Any]]:
        """The red figure alone."""
        return [{"name": "red", "licence": "CC0", "credits": "us"}]

    def open_bytes(self, data: bytes) -> str:
        """Refuses everything."""
        raise DanceNowError("The file is damaged or not a character file.")


def red_stage(estimator: PoseEstimator | None = None) -> LiveStage:
    """A stage of the fakes."""
    return LiveStage(RedLibrary(), estimator or MagentaEstimator())  # type: ignore[arg-type]


def jpeg(image: Image) -> bytes:
    """A camera's frame."""
    return cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 98])[
        1
    ].tobytes()


@contextmanager
def running(
    settings: LiveSettings = SETTINGS, stage: LiveStage | None = None
) -> Iterator[tuple[LiveEngine, list[LiveResult]]]:
    """A running engine and what it has drawn so far."""
    results: list[LiveResult] = []
    engine = LiveEngine(stage or red_stage(), settings)
    engine.subscribe(results.append)
    with engine:
        yield engine, results


def captured(image: Image, number: int = 0, release: Callable[[], None] = lambda: None) -> CapturedFrame:
    """A frame that comes now."""
    return CapturedFrame(number, time.perf_counter(), lambda: image, release)


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


async def wait_async(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits until something is true, while the event loop goes on."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.005)


class Served:
    """A server on a free port of loopback."""

    def __init__(self, guard: AccessGuard, director: LiveDirector) -> None:
        self.guard = guard
        self.director = director
        self.base = f"http://127.0.0.1:{guard.port}"

    @asynccontextmanager
    async def visitor(self, role: Role | None = Role.CONTROL) -> AsyncIterator[ClientSession]:
        """A browser that has opened a role's address; None has opened nothing."""
        async with ClientSession(self.base, cookie_jar=CookieJar(unsafe=True)) as session:
            if role is not None:
                async with session.get(self.guard.address(role)) as answer:
                    assert answer.status == 200
            yield session

    @property
    def own(self) -> dict[str, str]:
        """Headers that a browser sends with calls of the page's own."""
        return {"Origin": self.base, "Sec-Fetch-Site": "same-origin"}


@asynccontextmanager
async def served(
    folder: Path,
    settings: LiveSettings = SETTINGS,
    *,
    remote: bool = False,
    camera: str | None = None,
    port: int = 0,
    estimator: PoseEstimator | None = None,
) -> AsyncIterator[Served]:
    """A running server of the fakes.

    Args:
        folder: of recordings.
        settings: the first.
        remote: whether visitors seem to come from another computer.
        camera: the server's own.
        port: to listen on; 0 takes a free one.
        estimator: instead of the one that finds magenta.
    """
    stage = red_stage(estimator)
    engine, hub = LiveEngine(stage, settings), FrameHub()
    hub.bind(asyncio.get_running_loop())
    director = LiveDirector(engine, stage, hub, folder, camera, "http://show")
    engine.notify = director.notice
    engine.subscribe(hub.publish)

    class Guard(AccessGuard):
        def may_control(self, request: web.Request) -> bool:
            return not remote and super().may_control(request)

    listener = socket.create_server(("127.0.0.1", port))
    guard = Guard(frozenset({"127.0.0.1", "localhost"}), listener.getsockname()[1], False, TOKENS)
    runner = web.AppRunner(make_app(director, guard), shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        with engine:
            reporting = asyncio.create_task(director.report())
            yield Served(guard, director)
            reporting.cancel()
            await director.close()
    finally:
        await runner.cleanup()

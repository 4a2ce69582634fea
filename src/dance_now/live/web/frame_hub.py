"""Frame hub: hands drawn frames from the engine's thread to any number of pages, without queues."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from dance_now.live.live_frames import LiveResult
from dance_now.live.web.access_guard import Role
from dance_now.live.web.live_protocol import MAX_UNACKNOWLEDGED, pack_result

MAX_VIEWERS: Final = 32
_MAX_TEXTS: Final = 256  # messages that wait for one page; one that never reads is let go


class Viewer:
    """One page: it gets the newest frame as soon as it has acknowledged those before.

    Attributes:
        role: what the page may do.
    """

    def __init__(self, channel: web.WebSocketResponse, role: Role) -> None:
        """Takes the page's open WebSocket, and what it may do."""
        self.role = role
        self._channel = channel
        self._frame: bytes | None = None
        self._texts: list[dict[str, Any]] = []
        self._unacknowledged = 0
        self._wake = asyncio.Event()

    def offer(self, frame: bytes) -> None:
        """Offers a frame; it replaces one that still waits."""
        self._frame = frame
        self._wake.set()

    def say(self, message: dict[str, Any]) -> None:
        """Sends a JSON message, in order."""
        if len(self._texts) < _MAX_TEXTS:
            self._texts.append(message)
        self._wake.set()

    def acknowledge(self) -> None:
        """The page has shown a frame."""
        self._unacknowledged = max(0, self._unacknowledged - 1)
        self._wake.set()

    async def run(self) -> None:
        """Sends what is there until it is cancelled or the page has gone."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while self._texts:
                    await self._channel.send_json(self._texts.pop(0))
                if self._frame is not None and self._unacknowledged < MAX_UNACKNOWLEDGED:
                    frame, self._frame = self._frame, None
                    self._unacknowledged += 1
                    await self._channel.send_bytes(frame)
            except (ConnectionError, RuntimeError):  # the page has gone
                return


class FrameHub:
    """All pages that look on."""

    def __init__(self) -> None:
        self._viewers: set[Viewer] = set()
        self._latest: LiveResult | None = None
        self._packed: bytes | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sets the event loop of the pages."""
        self._loop = loop

    @property
    def latest(self) -> LiveResult | None:
        """The frame drawn last."""
        return self._latest

    @property
    def is_full(self) -> bool:
        """Whether there are as many pages as there may be."""
        return len(self._viewers) >= MAX_VIEWERS

    def publish(self, result: LiveResult) -> None:
        """Takes a drawn frame, in the engine's thread; packs it once, and only if somebody looks on."""
        self._latest = result
        loop = self._loop
        if loop is None or not self._viewers:
            self._packed = None
            return
        self._packed = packed = pack_result(result)
        with suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(self._offer, packed)

    def say(self, message: dict[str, Any], role: Role) -> None:
        """Sends a JSON message to all pages of a role; in the loop's thread."""
        for viewer in self._viewers:
            if viewer.role is role:
                viewer.say(message)

    def count(self, role: Role) -> int:
        """How many pages of a role look on."""
        return sum(viewer.role is role for viewer in self._viewers)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Calls a function in the loop's thread, from any other."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(function, *arguments)

    def add(self, viewer: Viewer) -> None:
        """Adds a page; it gets the frame drawn last at once."""
        self._viewers.add(viewer)
        if self._latest is not None:
            self._packed = self._packed or pack_result(self._latest)
            viewer.offer(self._packed)

    def remove(self, viewer: Viewer) -> None:
        """Removes a page."""
        self._viewers.discard(viewer)

    def _offer(self, packed: bytes) -> None:
        for viewer in self._viewers:
            viewer.offer(packed)

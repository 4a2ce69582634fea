"""Live director: carries out what the control page asks for, and tells all pages the state."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any, Final

from dance_now.core.errors import DanceNowError
from dance_now.live.live_engine import LiveEngine
from dance_now.live.live_frames import LiveResult
from dance_now.live.live_stage import LiveStage
from dance_now.live.recorder import Recorder, output_path, save_snapshot
from dance_now.live.web.access_guard import Role
from dance_now.live.web.frame_hub import FrameHub, Viewer

_STATS_SECONDS: Final = 0.5
_FORMATS: Final = (".mp4", ".webm")
_MAX_FILES: Final = 50  # of this run that the page lists

_logger = logging.getLogger(__name__)


class LiveDirector:
    """State of a live server that its pages share; its methods run in the event loop's thread.

    Attributes:
        engine: draws.
        stage: what the engine draws with.
        hub: the pages.
        files: recordings and snapshots of this run, by name.
    """

    def __init__(
        self,
        engine: LiveEngine,
        stage: LiveStage,
        hub: FrameHub,
        folder: Path,
        camera: str | None,
        show_address: str,
    ) -> None:
        """Takes the parts, the folder for recordings, and the server's own camera, if it has one."""
        self.engine, self.stage, self.hub = engine, stage, hub
        self.files: dict[str, Path] = {}
        self._folder = folder
        self._camera = camera
        self._show_address = show_address
        self._recorder: Recorder | None = None
        self._captor: Viewer | None = None
        engine.subscribe(self._record)

    @property
    def state(self) -> dict[str, Any]:
        """State for the control page."""
        recorder = self._recorder
        return {
            "type": "state",
            "settings": self.engine.settings.to_json(),
            "characters": self.stage.library.listing(),
            "camera": self._camera,
            "show": self._show_address,
            "recording": recorder.path.name if recorder else None,
            "files": list(self.files)[-_MAX_FILES:],
            "plate": self.stage.has_clean_plate,
            "calibrated": self.stage.is_calibrated,
            "picture": self.stage.picture_name,
        }

    @property
    def backdrop(self) -> dict[str, Any]:
        """What a page shows behind transparent frames."""
        settings = self.engine.settings
        return {"type": "backdrop", "color": settings.color if settings.scene == "color" else None}

    def greet(self, viewer: Viewer) -> None:
        """Sends a new page the state and the last frame."""
        if viewer.role is Role.CONTROL:
            viewer.say(self.state)
        viewer.say(self.backdrop)
        self.hub.add(viewer)

    def tell(self) -> None:
        """Sends all pages the state."""
        self.hub.say(self.state, Role.CONTROL)
        for role in Role:
            self.hub.say(self.backdrop, role)

    def notice(self, text: str, good: bool = False) -> None:
        """Shows a line on the control page; from any thread."""
        (_logger.info if good else _logger.warning)("%s", text)
        self.hub.call(self.hub.say, {"type": "notice", "text": text, "good": good}, Role.CONTROL)

    async def command(self, viewer: Viewer, message: dict[str, Any]) -> None:
        """Carries out one message of a control page; what is wrong with it is told to that page."""
        kind = message.get("type")
        try:
            if kind == "set":
                self._change(message.get("changes"))
            elif kind == "record":
                await self._switch_recording(message.get("on") is True, message.get("format"))
            elif kind == "snapshot":
                await self._take_snapshot()
            elif kind == "clean_plate":
                self.stage.take_clean_plate(self._plate_done)
            elif kind == "calibrate":
                self.stage.calibrate(self._calibration_done)
            elif kind == "forget_calibration":
                self.stage.forget_calibration()
                self.engine.reopen()
                self.tell()
            else:
                raise DanceNowError("this page and dance-now are of different versions. Reload the page.")
        except (DanceNowError, TypeError) as error:
            viewer.say({"type": "notice", "text": str(error)[:300], "good": False})

    def capture(self, viewer: Viewer) -> bool:
        """Makes a page the one that sends frames; another one stops. False if the server has a camera."""
        if self._camera is not None:
            return False
        if self._captor is not None and self._captor is not viewer:
            self._captor.say({"type": "released"})
        self._captor = viewer
        return True

    def captures(self, viewer: Viewer) -> bool:
        """Whether a page is the one that sends frames."""
        return self._captor is viewer

    def leave(self, viewer: Viewer) -> None:
        """A page has gone."""
        self.hub.remove(viewer)
        if self._captor is viewer:
            self._captor = None

    def show_picture(self) -> None:
        """Changes to the scene ``picture`` after the stage has opened one."""
        self.engine.reopen()
        self._change({"scene": "picture"})

    async def report(self) -> None:
        """Sends figures to the control pages, again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(_STATS_SECONDS)
            latest = self.hub.latest
            stats: dict[str, Any] = {
                "type": "stats",
                "rate": round(self.engine.frame_rate, 1),
                "shows": self.hub.count(Role.SHOW),
            }
            if latest is not None and time.perf_counter() - latest.time < 2:
                stats["latency"] = round(1000 * latest.latency)
                stats["people"] = {
                    number: [round(side, 4) for side in box] for number, box in latest.people.items()
                }
                stats["followed"] = latest.followed
            self.hub.say(stats, Role.CONTROL)

    async def close(self) -> None:
        """Ends a recording that runs, so that its file is complete."""
        await self._switch_recording(False, None)

    def _change(self, changes: object) -> None:
        if not isinstance(changes, dict):
            raise DanceNowError("settings must be an object.")
        before = self.engine.settings
        after = before.changed(changes)
        if (
            self._recorder is not None
            and after.is_transparent != before.is_transparent
            and self._recorder.keeps_alpha
        ):
            raise DanceNowError("stop the recording before you change to an opaque scene.")
        self.engine.apply(after)
        self.tell()

    async def _switch_recording(self, on: bool, extension: object) -> None:
        if on:
            if self._recorder is not None:
                return
            if extension not in _FORMATS:
                raise DanceNowError(f"recordings are {' or '.join(_FORMATS)}.")
            settings = self.engine.settings
            keeps_alpha = settings.scene == "alpha" and extension == ".webm"
            color = None if keeps_alpha else (settings.rgb if settings.scene == "color" else (255, 255, 255))
            path = output_path(self._folder, settings.character, str(extension))
            self._recorder = Recorder(path, color, self.notice)
        elif self._recorder is not None:
            recorder, self._recorder = self._recorder, None
            if await asyncio.to_thread(recorder.close):
                self._add_file(recorder.path)
        self.tell()

    async def _take_snapshot(self) -> None:
        latest = self.hub.latest
        if latest is None:
            raise DanceNowError("there is no frame yet.")
        path = output_path(self._folder, self.engine.settings.character, ".png")
        await asyncio.to_thread(save_snapshot, latest, path)
        self._add_file(path)
        self.tell()

    def _add_file(self, path: Path) -> None:
        self.files[path.name] = path
        self.notice(f"Saved {path}", good=True)

    def _record(self, result: LiveResult) -> None:
        recorder = self._recorder  # may become None at any moment
        if recorder is not None:
            recorder.write(result)

    def _plate_done(self, trouble: str | None) -> None:
        self.notice(trouble or "The empty scene is known now.", good=trouble is None)
        self.hub.call(self.tell)

    def _calibration_done(self, trouble: str | None) -> None:
        self.notice(trouble or "Calibrated; it is kept for the next time.", good=trouble is None)
        self.hub.call(self.tell)

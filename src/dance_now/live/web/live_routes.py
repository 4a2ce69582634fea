"""HTTP routes of the live server: pages, previews, uploads, recordings, and the two WebSockets."""

from __future__ import annotations

import asyncio
import json
import time
from importlib.resources import files
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from dance_now.core.errors import DanceNowError
from dance_now.live.live_frames import CapturedFrame, read_camera_jpeg
from dance_now.live.player_site import INDEX, character_index, player_files, read_player_file
from dance_now.live.web.access_guard import AccessGuard, Handler, Role, for_role
from dance_now.live.web.frame_hub import Viewer
from dance_now.live.web.live_director import LiveDirector
from dance_now.live.web.live_protocol import CREDITS, MAX_MESSAGE, unpack_capture

DIRECTOR: Final = web.AppKey("director", LiveDirector)

_MAX_CHARACTER: Final = 106 << 20  # bytes: the largest character file, and a little more
_MAX_PICTURE: Final = 32 << 20
_HEARTBEAT_SECONDS: Final = 20.0
_SHARED: Final = ("stage.js", "show.css", "show.js", "icon.svg")  # what the show page loads
_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".wasm": "application/wasm",
}
_BINARY: Final = "application/octet-stream"
_MEDIA_TYPES: Final = {".mp4": "video/mp4", ".webm": "video/webm", ".png": "image/png"}


def make_app(director: LiveDirector, guard: AccessGuard) -> web.Application:
    """The server's application."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await guard.handle(request, handler)

    app = web.Application(middlewares=[guarded], client_max_size=_MAX_CHARACTER)
    app[DIRECTOR] = director
    app.add_routes(
        [
            web.get("/", _control_page),
            web.get("/show", _show_page),
            web.get("/player", _player),
            web.get("/player/{name:.*}", _player_file),
            web.get("/pages/{name}", _page_file),
            web.get("/shared/{name}", _shared_file),
            web.get("/characters/{name}.png", _preview),
            web.post("/characters", _upload_character),
            web.post("/picture", _upload_picture),
            web.get("/files/{name}", _saved_file),
            web.get("/control", _control_socket),
            web.get("/watch", _show_socket),
        ]
    )
    return app


async def _control_page(request: web.Request) -> web.StreamResponse:
    return _package_file("control.html")


@for_role(Role.SHOW)
async def _show_page(request: web.Request) -> web.StreamResponse:
    return _package_file("show.html")


async def _page_file(request: web.Request) -> web.StreamResponse:
    return _package_file(request.match_info["name"])


@for_role(Role.SHOW)
async def _shared_file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in _SHARED:
        raise web.HTTPNotFound
    return _package_file(name)


def _package_file(name: str) -> web.Response:
    """A file of the pages; only names that the package holds are looked up."""
    known = {path.name: path for path in files("dance_now.live.web").joinpath("pages").iterdir()}
    suffix = f".{name.rpartition('.')[2]}"
    if name not in known or suffix not in _TYPES:
        raise web.HTTPNotFound
    return web.Response(body=known[name].read_bytes(), content_type=_TYPES[suffix], charset="utf-8")


async def _player(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/player/")


async def _player_file(request: web.Request) -> web.StreamResponse:
    """A file of the player page; only names that the page has are looked up."""
    name = request.match_info["name"] or "index.html"
    if name == INDEX:
        return web.Response(text=character_index(), content_type="application/json")
    try:
        known = player_files()
    except DanceNowError as error:
        raise web.HTTPNotFound(text=str(error)) from error
    if name not in known:
        raise web.HTTPNotFound
    data = await asyncio.to_thread(read_player_file, known[name])
    return web.Response(body=data, content_type=_TYPES.get(known[name].suffix, _BINARY))


async def _preview(request: web.Request) -> web.StreamResponse:
    preview = request.app[DIRECTOR].stage.library.preview(request.match_info["name"])
    if preview is None:
        raise web.HTTPNotFound
    return web.Response(body=preview, content_type="image/png")


async def _upload_character(request: web.Request) -> web.StreamResponse:
    director = request.app[DIRECTOR]
    data = await request.read()
    try:
        name = await asyncio.to_thread(director.stage.library.open_bytes, data)
    except DanceNowError as error:
        return web.json_response({"error": str(error)[:300]}, status=400)
    director.tell()
    return web.json_response({"name": name})


async def _upload_picture(request: web.Request) -> web.StreamResponse:
    director = request.app[DIRECTOR]
    if (request.content_length or _MAX_PICTURE + 1) > _MAX_PICTURE:
        raise web.HTTPRequestEntityTooLarge(max_size=_MAX_PICTURE, actual_size=request.content_length or 0)
    data = await request.read()
    try:
        await asyncio.to_thread(director.stage.open_picture, request.query.get("name", "picture"), data)
    except DanceNowError as error:
        return web.json_response({"error": str(error)[:300]}, status=400)
    director.show_picture()
    return web.json_response({})


async def _saved_file(request: web.Request) -> web.StreamResponse:
    path = request.app[DIRECTOR].files.get(request.match_info["name"])
    if path is None or not path.is_file():
        raise web.HTTPNotFound
    # With ranges, which a player asks for.
    return web.FileResponse(path, headers={"Content-Type": _MEDIA_TYPES[path.suffix]})


@for_role(Role.SHOW)
async def _show_socket(request: web.Request) -> web.StreamResponse:
    """Frames for a page that only shows; all that it may say is that it has shown one."""
    director = request.app[DIRECTOR]
    channel, viewer, sender = await _open_channel(request, Role.SHOW, max_size=256)
    try:
        async for message in channel:
            if message.type is WSMsgType.TEXT and message.data == "shown":
                viewer.acknowledge()
            else:
                break
    finally:
        await _close_channel(director, viewer, sender)
    return channel


async def _control_socket(request: web.Request) -> web.StreamResponse:
    """Frames both ways, and commands."""
    director = request.app[DIRECTOR]
    channel, viewer, sender = await _open_channel(request, Role.CONTROL, max_size=MAX_MESSAGE)
    sending = _FrameReceiver(director, viewer)
    try:
        async for message in channel:
            if message.type is WSMsgType.BINARY:
                if not sending.receive(message.data):
                    await channel.close(
                        code=WSCloseCode.POLICY_VIOLATION, message=b"more frames than credits"
                    )
            elif message.data == "shown":
                viewer.acknowledge()
            elif message.data == "capture":
                sending.begin()
            else:
                await director.command(viewer, _parsed(message.data))
    finally:
        await _close_channel(director, viewer, sender)
    return channel


class _FrameReceiver:
    """Frames that one page sends, each for a credit."""

    def __init__(self, director: LiveDirector, viewer: Viewer) -> None:
        self._director = director
        self._viewer = viewer
        self._credits = 0

    def begin(self) -> None:
        """The page wants to send frames."""
        if self._director.capture(self._viewer):
            self._credits = 0
            self._grant(CREDITS)

    def receive(self, message: bytes) -> bool:
        """Takes a frame; False if the page has sent more than it may."""
        if not self._director.captures(self._viewer):
            return True  # on its way when another page took over
        if self._credits < 1:
            return False
        self._credits -= 1
        try:
            number, jpeg = unpack_capture(message)
        except DanceNowError as error:
            self._viewer.say({"type": "notice", "text": str(error), "good": False})
            self._grant(1)
            return True
        hub = self._director.hub
        frame = CapturedFrame(
            number,
            time.perf_counter(),
            lambda: read_camera_jpeg(jpeg),
            lambda: hub.call(self._grant, 1),
        )
        self._director.engine.submit(frame)
        return True

    def _grant(self, count: int) -> None:
        if self._director.captures(self._viewer):
            count = min(count, CREDITS - self._credits)
            self._credits += count
            self._viewer.say({"type": "credit", "count": count})


async def _open_channel(
    request: web.Request, role: Role, max_size: int
) -> tuple[web.WebSocketResponse, Viewer, asyncio.Task[None]]:
    director = request.app[DIRECTOR]
    if director.hub.is_full:
        raise web.HTTPServiceUnavailable(text="Too many pages are open.")
    # Frames do not compress, and compression would cost more than it saves.
    channel = web.WebSocketResponse(max_msg_size=max_size, compress=False, heartbeat=_HEARTBEAT_SECONDS)
    await channel.prepare(request)
    viewer = Viewer(channel, role)
    sender = asyncio.create_task(viewer.run())
    director.greet(viewer)
    return channel, viewer, sender


async def _close_channel(director: LiveDirector, viewer: Viewer, sender: asyncio.Task[None]) -> None:
    director.leave(viewer)
    sender.cancel()
    await asyncio.gather(sender, return_exceptions=True)


def _parsed(text: object) -> dict[str, Any]:
    """A page's JSON object; an empty one for garbage."""
    try:
        message = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}

"""Live server: binds the ports, runs until it is told to stop, and closes recordings before it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from dance_now.core.errors import DanceNowError
from dance_now.live.camera_capture import Camera, CameraThread
from dance_now.live.live_engine import Listener, LiveEngine
from dance_now.live.live_settings import LiveSettings
from dance_now.live.live_stage import LiveStage
from dance_now.live.user_config import new_token, show_token
from dance_now.live.web.access_guard import AccessGuard, Role, is_loopback, names_of
from dance_now.live.web.frame_hub import FrameHub
from dance_now.live.web.live_director import LiveDirector
from dance_now.live.web.live_routes import make_app

DEFAULT_PORT: Final = 8770
_PORTS_TRIED: Final = 20
_SHUTDOWN_SECONDS: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """Options of the live server.

    Attributes:
        host: address to listen on; other than loopback, the control page needs ``tls``.
        port: to listen on; None takes 8770 or the next that is free.
        tls: certificate and key, PEM files.
        renew_token: whether the show page gets a new address.
        folder: of recordings and snapshots.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    tls: tuple[Path, Path] | None = None
    renew_token: bool = False
    folder: Path = Path()


def serve(
    stage: LiveStage,
    settings: LiveSettings,
    options: ServerOptions,
    *,
    camera: Camera | None = None,
    outputs: tuple[Listener, ...] = (),
    ready: Callable[[str, str], None],
) -> None:
    """Runs the server until Ctrl-C or SIGTERM.

    Args:
        stage: what the characters are drawn with.
        settings: the first.
        options: of the server.
        camera: of the server's own; by default a page's camera is used.
        outputs: what gets every frame besides the pages.
        ready: called with the addresses of the control and the show page once both can be opened.

    Raises:
        DanceNowError: a port in use, or certificates that cannot be read.
    """
    asyncio.run(_serve(stage, settings, options, camera, outputs, ready))


async def _serve(
    stage: LiveStage,
    settings: LiveSettings,
    options: ServerOptions,
    camera: Camera | None,
    outputs: tuple[Listener, ...],
    ready: Callable[[str, str], None],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
            loop.add_signal_handler(number, stop.set)
    context = None if options.tls is None else _tls_context(*options.tls)
    tokens = {Role.CONTROL: new_token(), Role.SHOW: show_token(options.renew_token)}
    hub = FrameHub()
    hub.bind(loop)
    listener, port = _bound_socket(options.host, options.port)
    guard = AccessGuard(names_of(options.host), port, context is not None, tokens)
    host = options.host
    if (is_loopback(host) and host != "::1") or host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    engine = LiveEngine(stage, settings)
    show = guard.address(Role.SHOW, _address_for_others(options.host))
    director = LiveDirector(engine, stage, hub, options.folder, camera.name if camera else None, show)
    engine.notify = director.notice
    engine.subscribe(hub.publish)
    for output in outputs:
        engine.subscribe(output)
    runner = web.AppRunner(
        make_app(director, guard), handle_signals=False, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener, ssl_context=context).start()
        with ExitStack() as running:
            running.enter_context(engine)
            if camera is not None:
                running.enter_context(CameraThread(camera, engine.submit, director.notice))
            reporting = asyncio.create_task(director.report())
            ready(guard.address(Role.CONTROL, host), show)
            await stop.wait()
            reporting.cancel()
            await director.close()
    finally:
        await director.close()
        await runner.cleanup()


def _address_for_others(host: str) -> str:
    """Address at which the show page is reached: of all that a server is bound to, one of the network."""
    if host not in ("0.0.0.0", "::"):
        return "127.0.0.1" if is_loopback(host) and host != "::1" else host
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; tells which of our addresses would be used
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def _bound_socket(host: str, port: int | None) -> tuple[socket.socket, int]:
    """Binds the port, or the first free one from the default on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    wanted = range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED) if port is None else (port,)
    reason = ""
    for number in wanted:
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if sys.platform != "win32":  # there it would let two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, number))
            listener.listen(128)
        except OSError as error:
            listener.close()
            reason = error.strerror or str(error)
            continue
        return listener, listener.getsockname()[1]
    where = f"port {port}" if port is not None else f"ports {wanted[0]} to {wanted[-1]}"
    raise DanceNowError(f"{host}, {where}: {reason}. Choose another with port.", option="port")


def _tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or str(error)
        raise DanceNowError(
            f"the certificate {certificate} with the key {key} cannot be used: {reason}.", option="tls"
        ) from error
    return context


def _no_password() -> str:
    """Instead of a prompt on the terminal, for a key that is encrypted."""
    raise DanceNowError("the key is encrypted. Give one without a password.", option="tls")

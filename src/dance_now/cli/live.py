"""``dance-now live``: a camera's frames danced as they arrive, for OBS, calls and browsers."""

from __future__ import annotations

import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from dance_now.app.dance_options import DEFAULT_CHARACTER
from dance_now.cli.options import Flag, Person, Seconds, needs_extra, remark, say
from dance_now.core.errors import DanceNowError

if TYPE_CHECKING:
    from dance_now.live.live_engine import Listener

_Character = Annotated[str, tyro.conf.arg(aliases=["-c"], metavar="CHARACTER")]
_Camera = Annotated[str | None, tyro.conf.arg(metavar="N|FILE", help_behavior_hint="(default: the page's)")]
_Output = Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE", help_behavior_hint="")]
_Device = Annotated[str | None, tyro.conf.arg(metavar="DEVICE|auto", help_behavior_hint="")]
_Vmc = Annotated[str | None, tyro.conf.arg(metavar="HOST:PORT", help_behavior_hint="")]
_Microphone = Annotated[str, tyro.conf.arg(metavar="NAME|FILE|auto")]
_Port = Annotated[
    int | None, tyro.conf.arg(metavar="PORT", help_behavior_hint="(default: 8770, or the next)")
]
_Tls = Annotated[tuple[Path, Path] | None, tyro.conf.arg(metavar="CERT KEY", help_behavior_hint="")]
_Folder = Annotated[Path, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: this folder)")]
_Color = Annotated[str, tyro.conf.arg(metavar="#RRGGBB")]
_Rate = Annotated[int, tyro.conf.arg(metavar="RATE")]


def live(
    character: _Character = DEFAULT_CHARACTER,
    *,
    camera: _Camera = None,
    scene: Literal["alpha", "color", "replace"] = "alpha",
    color: _Color = "#00b140",
    person: Person = "largest",
    no_mirror: Flag = False,
    idle: Literal["on", "off"] = "on",
    fps: _Rate = 30,
    output: _Output = None,
    virtual_camera: _Device = None,
    vmc: _Vmc = None,
    mouth: Literal["face", "sound", "auto"] = "face",
    microphone: _Microphone = "auto",
    seconds: Seconds = None,
    overwrite: Flag = False,
    folder: _Folder = Path(),
    host: str = "127.0.0.1",
    port: _Port = None,
    tls: _Tls = None,
    new_token: Flag = False,
    no_browser: Flag = False,
) -> None:
    """Perform live: your camera in, a character out, for OBS, video calls and browsers.

    Args:
        character: built-in character (see dance-now characters) or .dance file.
        camera: a camera's number on this computer (0 is the first), or a video file that loops.
        scene: alpha (transparent), color, or replace (the camera's picture without you).
        color: background of the scene color.
        person: who is replaced: largest, left, all or a person's ID.
        no_mirror: do not mirror the camera's picture.
        idle: what the character does while nobody is in view: idle, or vanish (off).
        fps: frames per second at most.
        output: record to this file without a server; needs --camera. Ctrl-C ends it.
        virtual_camera: also play into a virtual camera: a v4l2loopback device, or auto for the first.
        vmc: also send the pose to an avatar program by the VMC protocol; a port alone means this computer.
        mouth: what the mouth follows: face, sound (the microphone), or auto: sound where no face can be read.
        microphone: for mouth: a device as FFmpeg names it, auto for the usual one, or a sound file.
        seconds: end a recording of -o after this time.
        overwrite: replace an existing output.
        folder: where the control page saves recordings and snapshots.
        host: address to listen on; other than this computer's needs --tls for the control page.
        port: port to listen on.
        tls: certificate and key, PEM files.
        new_token: give the show page a new address.
        no_browser: do not open the control page.
    """
    from dance_now.live.camera_capture import open_camera
    from dance_now.live.character_library import CharacterLibrary
    from dance_now.live.live_settings import LiveSettings
    from dance_now.live.live_stage import LiveStage

    if output is not None and camera is None:
        raise DanceNowError("output needs a camera: --camera 0, or a video file.", option="output")
    if output is None:
        with needs_extra("live"):  # before anything large is loaded
            from dance_now.live.web.access_guard import is_loopback
            from dance_now.live.web.live_server import ServerOptions, serve
    source = None if camera is None else open_camera(camera)
    library = CharacterLibrary()
    settings = LiveSettings(
        character=character if character in library else library.open(character),
        scene=scene,
        color=color,
        mirror=not no_mirror,
        person="largest" if person is None else person,
        frame_rate_limit=fps,
        idle=idle == "on",
    )
    with ExitStack() as running:
        follow = None
        if mouth != "face":
            from dance_now.app.motion.mouth_motion import MouthMotion
            from dance_now.live.voice import Voice

            voice = running.enter_context(Voice(microphone))
            follow = MouthMotion(voice.vowels_at, always=mouth == "sound")
        stage = LiveStage(library, mouth=follow)
        outputs: tuple[Listener, ...] = ()
        if virtual_camera is not None:
            from dance_now.live.virtual_camera import VirtualCamera, find_virtual_camera

            opener = find_virtual_camera(virtual_camera)
            outputs = (running.enter_context(VirtualCamera(opener)).write,)
        if vmc is not None:
            from dance_now.live.vmc_output import VmcOutput
            from dance_now.pose.formats.vmc_sender import VmcSender

            outputs += (VmcOutput(running.enter_context(VmcSender(vmc))).write,)
        if source is not None and output is not None:
            from dance_now.live.headless import record

            frames = record(
                stage, settings, source, output, seconds=seconds, overwrite=overwrite, outputs=outputs
            )
            say(f"{output}: {frames} frames")
            return

        def ready(control: str, show: str) -> None:
            say(f"Control page: {control}")
            say(f"For OBS:      {show}")
            if not is_loopback(host) and tls is None:
                remark(
                    "On other computers only the page for OBS opens; the control page needs --tls CERT KEY."
                )
            remark("Ctrl-C ends.")
            if not no_browser:
                webbrowser.open(control)

        server = ServerOptions(host=host, port=port, tls=tls, renew_token=new_token, folder=folder)
        serve(stage, settings, server, camera=source, outputs=outputs, ready=ready)

"""Virtual camera output: v4l2loopback on Linux, pyvirtualcam where the user has installed it, else OBS's own.

Virtual cameras know no transparency; transparent scenes are shown over the scene's color.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, Protocol

import av
import numpy as np

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.live.live_engine import LatestSlot
from dance_now.live.live_frames import LiveResult

_WAIT: Final = 0.1  # seconds after which the thread looks whether it is to end
_RATE: Final = 30  # nominal; every frame is shown when it comes
_LOOPBACKS: Final = Path("/sys/devices/virtual/video4linux")
_OBS: Final = "Show the page for OBS as a Browser source there, and click Start Virtual Camera."

_logger = logging.getLogger(__name__)


class Device(Protocol):
    """An open virtual camera."""

    def write(self, image: Image) -> None:
        """Shows (H, W, 3) uint8 RGB."""
        ...

    def close(self) -> None:
        """Closes the device."""
        ...


class LoopbackDevice:
    """A v4l2loopback device, written by FFmpeg."""

    def __init__(self, path: Path, size: tuple[int, int], container_format: str = "v4l2") -> None:
        """Opens the device for frames of (width, height).

        Raises:
            DanceNowError: it cannot be opened.
        """
        self._size = (size[0] & ~1, size[1] & ~1)
        try:
            self._container = av.open(str(path), "w", format=container_format)
            stream = self._container.add_stream("rawvideo", rate=_RATE)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = self._size
            stream.pix_fmt = "yuv420p"
            stream.time_base = Fraction(1, _RATE)
            self._container.start_encoding()
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DanceNowError(f"the virtual camera {path} cannot be opened: {reason}.") from error
        self._stream = stream
        self._count = 0

    def write(self, image: Image) -> None:
        """Shows a frame."""
        width, height = self._size
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24")
        frame = frame.reformat(format="yuv420p")
        frame.pts, frame.time_base = self._count, Fraction(1, _RATE)
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Closes the device."""
        self._container.close()


class PyvirtualcamDevice:
    """A camera of pyvirtualcam, a GPL package that only users themselves install."""

    def __init__(self, size: tuple[int, int]) -> None:
        """Opens the system's virtual camera for frames of (width, height).

        Raises:
            DanceNowError: there is none.
        """
        import pyvirtualcam

        try:
            self._camera: Any = pyvirtualcam.Camera(*size, _RATE)
        except RuntimeError as error:
            raise DanceNowError(f"no virtual camera: {error}. {_OBS}") from error

    def write(self, image: Image) -> None:
        """Shows a frame."""
        self._camera.send(image)

    def close(self) -> None:
        """Closes the device."""
        self._camera.close()


Opener = Callable[[tuple[int, int]], Device]


def find_virtual_camera(name: str) -> Opener:
    """Finds a virtual camera.

    Args:
        name: path of a v4l2loopback device, or ``auto`` for the first one.

    Returns:
        What opens it for frames of a (width, height).

    Raises:
        DanceNowError: there is none; it says what to do.
    """
    if sys.platform == "linux":
        path = Path(name)
        if name == "auto":
            found = sorted(_LOOPBACKS.glob("video*")) if _LOOPBACKS.is_dir() else []
            if not found:
                raise DanceNowError(
                    "there is no virtual camera. Install v4l2loopback and run: "
                    "sudo modprobe v4l2loopback exclusive_caps=1",
                    option="virtual_camera",
                )
            path = Path("/dev") / found[0].name
        if not path.is_char_device():
            raise DanceNowError(f"{path} is no video device.", option="virtual_camera")
        return lambda size: LoopbackDevice(path, size)
    if find_spec("pyvirtualcam") is not None:
        return PyvirtualcamDevice
    raise DanceNowError(f"this system has no virtual camera of its own. {_OBS}", option="virtual_camera")


class VirtualCamera:
    """Plays a live performance into a virtual camera, in a thread; use it as a context manager."""

    def __init__(self, opener: Opener) -> None:
        """Takes what opens the device."""
        self._opener = opener
        self._slot = LatestSlot[LiveResult]()
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="virtual camera", daemon=True)

    def write(self, result: LiveResult) -> None:
        """Hands in a drawn frame; the newest wins. Never blocks."""
        self._slot.put(result)

    def __enter__(self) -> VirtualCamera:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        device: Device | None = None
        size: tuple[int, int] | None = None
        try:
            while not self._stopping.is_set():
                result = self._slot.take(_WAIT)
                if result is None:
                    continue
                if device is None or result.size != size:
                    if device is not None:
                        device.close()
                    device, size = self._opener(result.size), result.size
                device.write(result.over_color(result.color))
        except (DanceNowError, av.FFmpegError, OSError, RuntimeError) as error:
            _logger.warning("the virtual camera has ended: %s", error)
        finally:
            if device is not None:
                device.close()

"""Camera capture without a browser: a device by number, or a video file that plays in real time and loops."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path
from threading import Event, Thread
from typing import Final, Protocol

import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.live.live_frames import CapturedFrame
from dance_now.media.open_media import open_source

_RETRY_SECONDS: Final = 1.0


class Camera(Protocol):
    """A camera that is read frame by frame."""

    name: str

    def frames(self) -> Generator[Image]:
        """Yields frames, (H, W, 3) uint8 RGB, as they come; ends where the camera is lost.

        Raises:
            DanceNowError: it cannot be opened.
        """
        ...


class DeviceCamera:
    """A camera of this computer.

    Attributes:
        name: shown in messages.
    """

    def __init__(self, number: int, size: tuple[int, int] = (640, 480)) -> None:
        """Takes the device's number (0 is the first) and the size that is asked for."""
        self.name = f"camera {number}"
        self._number = number
        self._size = size

    def frames(self) -> Generator[Image]:
        """Yields frames until the camera is lost."""
        device = cv2.VideoCapture(self._number)
        try:
            if not device.isOpened():
                raise DanceNowError(
                    f"{self.name} cannot be opened. Is it plugged in, and does no other program use it?"
                )
            device.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
            device.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
            device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            while True:
                there, image = device.read()
                if not there:
                    return
                yield np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
        finally:
            device.release()


class FileCamera:
    """A video file that plays at its own speed, again and again.

    Attributes:
        name: shown in messages.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file once, to check it.

        Raises:
            DanceNowError: missing, damaged, or no video.
        """
        with open_source(path, sequence=True) as source:
            if not source.is_clip:
                raise DanceNowError(f"{path} is a photo. A camera needs a video or a device's number.")
            self._pause = float(1 / source.frame_rate)
        self.name = str(path)
        self._path = path

    def frames(self) -> Generator[Image]:
        """Yields frames when they are due; those that are late are skipped by whoever takes the newest."""
        begun = time.perf_counter()
        while True:
            last = 0.0
            with open_source(self._path, sequence=True) as source:
                for frame in source.frames():
                    pause = begun + frame.time - time.perf_counter()
                    if pause > 0:
                        time.sleep(pause)
                    last = frame.time
                    yield frame.image
            # After a stall, go on from now instead of hurrying through what was missed.
            begun = max(begun + last + self._pause, time.perf_counter() - self._pause)


def open_camera(text: str) -> Camera:
    """Opens a camera by a device's number or a file's path.

    Raises:
        DanceNowError: a file that is missing or no video.
    """
    return DeviceCamera(int(text)) if text.isdecimal() else FileCamera(Path(text))


class CameraThread:
    """Reads a camera in a thread and hands its frames on; use it as a context manager.

    A camera that is lost or busy is tried again every second.
    """

    def __init__(
        self, camera: Camera, submit: Callable[[CapturedFrame], None], notify: Callable[[str], None]
    ) -> None:
        """Takes the camera, what gets its frames, and what is told when it is lost and found again."""
        self._camera = camera
        self._submit = submit
        self._notify = notify
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="camera", daemon=True)
        self._number = 0

    def __enter__(self) -> CameraThread:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        told = ""
        while not self._stopping.is_set():
            trouble = f"{self._camera.name} is lost. Trying again."
            try:
                for image in self._camera.frames():
                    if told:
                        self._notify(f"{self._camera.name} is back.")
                        told = ""
                    self._hand_in(image)
                    if self._stopping.is_set():
                        return
            except DanceNowError as error:
                trouble = str(error)
            if trouble != told:  # once, not every second
                self._notify(trouble)
                told = trouble
            self._stopping.wait(_RETRY_SECONDS)

    def _hand_in(self, image: Image) -> None:
        self._submit(CapturedFrame(self._number, time.perf_counter(), lambda: image))
        self._number += 1

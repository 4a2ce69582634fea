"""What goes into a virtual camera, and what is said where there is none."""

import sys

import av
import numpy as np
import pytest
from fakes import HEIGHT, WIDTH, red, with_person
from live_fakes import SETTINGS, captured, running, wait_for

from dance_now.core.errors import DanceNowError
from dance_now.live import virtual_camera
from dance_now.live.virtual_camera import LoopbackDevice, VirtualCamera, find_virtual_camera

IMAGE = with_person(90)


class Device:
    """Keeps what it is shown."""

    def __init__(self, size):
        self.size, self.images, self.closed = size, [], False

    def write(self, image):
        self.images.append(image.copy())

    def close(self):
        self.closed = True


def test_frames_go_over_the_color_into_a_device_of_their_size():
    devices = []

    def opener(size):
        devices.append(Device(size))
        return devices[-1]

    with VirtualCamera(opener) as camera, running() as (engine, _):
        engine.subscribe(camera.write)
        engine.submit(captured(IMAGE))
        wait_for(lambda: devices and devices[0].images)
        engine.submit(captured(np.ascontiguousarray(IMAGE[:-20])))
        wait_for(lambda: len(devices) == 2 and devices[1].images)
    assert [device.size for device in devices] == [(WIDTH, HEIGHT), (WIDTH, HEIGHT - 20)]
    assert all(device.closed for device in devices)
    image = devices[0].images[0]
    assert tuple(image[2, 2]) == SETTINGS.rgb
    assert red(image).any()


def test_ffmpeg_writes_the_frames(tmp_path):
    """Into a file, as no test machine has a loopback device."""
    path = tmp_path / "camera.y4m"
    device = LoopbackDevice(path, (WIDTH - 1, HEIGHT), "yuv4mpegpipe")
    for _ in range(3):
        device.write(IMAGE)
    device.close()
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 3
    assert frames[0].shape == (HEIGHT, WIDTH - 2, 3)
    assert np.abs(frames[0].astype(int) - IMAGE[:, : WIDTH - 2]).mean() < 4


def test_a_device_that_fails_ends_alone(caplog):
    def opener(size):
        raise DanceNowError("the virtual camera is busy.")

    with VirtualCamera(opener) as camera, running() as (engine, results):
        engine.subscribe(camera.write)
        for _ in range(3):
            count = len(results)
            engine.submit(captured(IMAGE))
            wait_for(lambda: len(results) > count)  # noqa: B023
        wait_for(lambda: "busy" in caplog.text)


@pytest.mark.skipif(sys.platform != "linux", reason="v4l2loopback")
def test_without_a_device_the_command_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(virtual_camera, "_LOOPBACKS", tmp_path)
    with pytest.raises(DanceNowError, match="modprobe v4l2loopback"):
        find_virtual_camera("auto")
    (tmp_path / "file").touch()
    with pytest.raises(DanceNowError, match="no video device"):
        find_virtual_camera(str(tmp_path / "file"))
    with pytest.raises(DanceNowError, match="cannot be opened"):
        LoopbackDevice(tmp_path / "none" / "video0", (8, 8))


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_elsewhere_obs_is_named(monkeypatch, platform):
    monkeypatch.setattr(virtual_camera.sys, "platform", platform)
    monkeypatch.setattr(virtual_camera, "find_spec", lambda name: None)
    with pytest.raises(DanceNowError, match="Start Virtual Camera"):
        find_virtual_camera("auto")

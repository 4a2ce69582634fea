"""The pages in a real browser with a file as its camera: Chromium by playwright, where both are there."""

import asyncio
import re
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
from fakes import HEIGHT, HIP, TALL, WIDTH, MagentaEstimator, magenta, red, standing, with_person
from live_fakes import SETTINGS, Role, served

from dance_now.pose.model.detection import Detection, Person, PersonMask

pytestmark = pytest.mark.slow
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium is installed", allow_module_level=True)

PLACE = 60 / WIDTH  # of the person in the camera's picture, as a share of its width
SIZE = (640, 480)


class ScaledEstimator(MagentaEstimator):
    """Finds the magenta person in a picture of any size."""

    def __call__(self, image):
        mask = magenta(image)
        if not mask.any():
            return ()
        scale = image.shape[0] / HEIGHT
        pose = standing((float(np.nonzero(mask)[1].mean()), HIP * scale), TALL * scale)
        found = PersonMask(mask.astype(np.float32), np.eye(2, 3, dtype=np.float32))
        return (Person(1, Detection(pose, found)),)


class ServerThread:
    """A server of the fakes in a thread, which can be stopped and started again on its port."""

    def __init__(self, folder, settings):
        self.folder, self.settings = folder, settings
        self.port = 0
        self.start()

    def start(self):
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)))
        self._thread.start()
        assert ready.wait(20)

    async def _serve(self, ready):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with served(self.folder, self.settings, port=self.port, estimator=ScaledEstimator()) as server:
            self.server, self.port = server, server.guard.port
            ready.set()
            await self._stop.wait()

    def stop(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def address(self, role):
        return self.server.guard.address(role)


@pytest.fixture(scope="module")
def camera_file(tmp_path_factory):
    """A camera that shows the magenta person, for --use-file-for-fake-video-capture."""
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    image = cv2.resize(with_person(60), SIZE, interpolation=cv2.INTER_NEAREST)
    with av.open(str(path), "w", format="mjpeg") as output:
        stream = output.add_stream("mjpeg", rate=30, options={"qmin": "2", "qmax": "2"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuvj420p"
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        for _ in range(10):
            output.mux(stream.encode(frame.reformat(format="yuvj420p")))
        output.mux(stream.encode(None))
    return path


@contextmanager
def browser(camera_file, *, granted=True):
    """A browser whose camera is a file."""
    arguments = [
        "--no-sandbox",  # as root
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera_file}",
        *(["--use-fake-ui-for-media-stream"] if granted else ["--deny-permission-prompts"]),
    ]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


class Tab:
    """A page and what its console has said."""

    def __init__(self, context, address):
        self.page = context.new_page()
        self.complaints = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address)

    def _heard(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def picture(self, selector="canvas"):
        """What is seen of an element: (h, w, 4) RGBA, transparent where nothing is behind it."""
        data = self.page.locator(selector).first.screenshot(omit_background=True)
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        order = cv2.COLOR_BGR2RGBA if stored.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
        return cv2.cvtColor(stored, order)

    def figure(self):
        """Column of the character's middle as a share of the picture's width; None where there is none."""
        columns = np.nonzero(red(self.picture()))[1]
        return float(columns.mean()) / SIZE[0] if len(columns) > 100 else None

    def wait(self, condition, seconds=30.0):
        """Waits until something is true, while the page goes on."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.complaints
            self.page.wait_for_timeout(100)


@pytest.fixture
def server(tmp_path):
    """A running server: transparent, mirrored."""
    thread = ServerThread(tmp_path, replace(SETTINGS, mirror=True, frame_rate_limit=30))
    yield thread
    thread.stop()


def drawn(server):
    """How many frames were drawn so far."""
    latest = server.server.director.hub.latest
    return -1 if latest is None else latest.number


def test_camera_character_recording_and_show_pages(server, camera_file, tmp_path):
    with browser(camera_file) as chromium:
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        control = Tab(context, server.address(Role.CONTROL))
        assert "token" not in control.page.url
        control.page.click("#start")
        control.wait(lambda: drawn(server) > 3)

        show = Tab(context, server.address(Role.SHOW))
        show.page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})
        show.wait(lambda: show.figure() is not None)
        assert show.figure() == pytest.approx(1 - PLACE, abs=0.03)  # mirrored
        picture = show.picture()
        assert picture[:40, :40, 3].max() == 0  # transparency is real,
        solid = picture[..., 3] == 255
        assert red(picture)[solid].mean() > 0.9  # and the character is not,
        assert 0.01 < solid.mean() < 0.3
        assert show.page.locator("button, input, video").count() == 0  # nor is there anything else

        second = Tab(context, server.address(Role.SHOW))
        second.page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})
        second.wait(lambda: second.figure() is not None)

        # Both show pages in front of the control page: it goes on as fast.
        before = drawn(server)
        second.page.wait_for_timeout(2000)
        assert drawn(server) > before + 8

        control.page.bring_to_front()
        control.page.click("#record")
        control.page.wait_for_timeout(1500)
        control.page.click("#record")
        control.page.wait_for_selector("#files a")
        control.page.click("#snapshot")
        control.wait(lambda: control.page.locator("#files a").count() == 2)
        assert plays(context, control, server) > 0.5

        control.page.click('[data-scene="color"]')
        show.wait(lambda: show.picture()[5, 5].tolist() == [0, 0xB1, 0x40, 255])
        control.page.click('[data-scene="replace"]')
        show.wait(lambda: show.picture()[..., 3].min() == 255 and show.figure() is not None)
        assert control.page.inner_text("#rate") != "–"
        assert control.page.inner_text("#latency") != "–"
        assert [*control.complaints, *show.complaints, *second.complaints] == []


def plays(context, control, server):
    """Opens the recording in the browser; returns the seconds that it has played."""
    name = control.page.locator("#files a").last.inner_text()
    assert re.fullmatch(r"dance_now_red_[\d_-]+\.mp4", name)
    with av.open(str(server.folder / name)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 5
    return control.page.evaluate(
        """async (address) => {
            const video = document.createElement("video");
            video.muted = true;
            video.src = address;
            await video.play();
            await new Promise((done) => setTimeout(done, 900));
            return video.currentTime;
        }""",
        f"/files/{name}",
    )


def test_pages_connect_again(server, camera_file):
    with browser(camera_file) as chromium:
        context = chromium.new_context(viewport={"width": SIZE[0], "height": SIZE[1]})
        show = Tab(context, server.address(Role.SHOW))
        control = Tab(context, server.address(Role.CONTROL))
        control.page.click("#start")
        show.wait(lambda: show.figure() is not None)
        server.stop()
        control.page.wait_for_timeout(1500)
        assert control.page.get_attribute("#link", "data-state") == "lost"
        server.start()
        control.wait(lambda: drawn(server) > 3)
        assert control.page.get_attribute("#link", "data-state") == "open"
        show.wait(lambda: show.figure() is not None)
        assert all("WebSocket" in each for each in (*control.complaints, *show.complaints))


def test_a_refused_camera_is_explained(server, camera_file):
    with browser(camera_file, granted=False) as chromium:
        control = Tab(chromium.new_context(), server.address(Role.CONTROL))
        control.page.click("#start")
        control.wait(lambda: "blocked" in control.page.inner_text("#cover-title"))
        assert "address" in control.page.inner_text("#cover-text")
        assert control.page.is_visible("#start")


def test_without_streams_of_frames_the_worker_asks_for_them(server, camera_file):
    """As in Firefox."""
    with browser(camera_file) as chromium:
        context = chromium.new_context()
        context.add_init_script("delete globalThis.MediaStreamTrackProcessor")
        control = Tab(context, server.address(Role.CONTROL))
        control.page.click("#start")
        control.wait(lambda: drawn(server) > 10)
        assert control.complaints == []

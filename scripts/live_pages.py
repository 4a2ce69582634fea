"""Pictures of the live pages for docs: live_control.webp, live_show.webp and player.webp.

Starts the server and opens both pages in Chromium (which must be installed, and playwright with it), with a
video as the camera: people/sam2_juggle.mp4 in the folder DANCE_NOW_DATA if it exists, else the sample clip.

python scripts/live_pages.py [--folder docs]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from playwright.sync_api import BrowserContext, Page, ViewportSize, sync_playwright

from dance_now.assets.registry import sample_clip
from dance_now.core.arrays import Image
from dance_now.media.open_media import open_source
from dance_now.scene.background.backdrop import crop_to_fill

CAMERA = (640, 480)
WINDOW: ViewportSize = {"width": 1440, "height": 900}
CUT = (55, 75)  # frames of the clip in which he faces the camera
SETTLING = 9000  # milliseconds until the picture is steady
QUALITY = 86
SQUARE = 16  # pixels of the checkerboard behind the transparent page


def default_video() -> Path:
    """Default clip."""
    clip = Path(os.environ.get("DANCE_NOW_DATA", ""), "people", "sam2_juggle.mp4")
    return clip if clip.is_file() else sample_clip()


def write_camera(video: Path, target: Path) -> None:
    """Writes a clip as the file that Chromium takes for a camera."""
    with open_source(video) as source, av.open(str(target), "w", format="mjpeg") as output:
        stream = output.add_stream("mjpeg", rate=30, options={"qmin": "2", "qmax": "2"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *CAMERA, "yuvj420p"
        shown = [crop_to_fill(frame.image, CAMERA[1], CAMERA[0]) for frame in islice(source.frames(), *CUT)]
        for image in (*shown, *reversed(shown)):  # the browser loops: no jump
            encoded = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuvj420p")
            output.mux(stream.encode(encoded))
        output.mux(stream.encode(None))


@contextmanager
def server(folder: Path) -> Iterator[list[str]]:
    """A running server; the addresses of its control and show page."""
    command = [sys.executable, "-m", "dance_now", "live", "--no-browser", "--folder", str(folder)]
    variables = {**os.environ, "DANCE_NOW_CONFIG": str(folder), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        try:
            yield [re.findall(r"https?://\S+", line)[0] for line in lines]
        finally:
            process.terminate()


def over_checkerboard(rgba: Image) -> Image:
    """Composites (h, w, 4) RGBA over a checkerboard, as image editors show transparency."""
    rows, columns = np.indices(rgba.shape[:2]) // SQUARE
    board = np.where((rows + columns) % 2, 236, 252).astype(np.uint8)[..., None].repeat(3, axis=2)
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return (rgba[..., :3] * alpha + board * (1 - alpha)).round().astype(np.uint8)


def save(page: Page, target: Path, transparent: bool = False) -> None:
    """Takes a picture of a page."""
    shot = np.frombuffer(page.screenshot(omit_background=transparent), np.uint8)
    image = np.asarray(cv2.imdecode(shot, cv2.IMREAD_UNCHANGED), np.uint8)
    if image.shape[2] == 4:
        image = over_checkerboard(image) if transparent else image[..., :3]
    cv2.imwrite(str(target), image, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])


def save_player(context: BrowserContext, control: str, target: Path) -> None:
    """Takes a picture of the player page, which the server serves as well."""
    page = context.new_page()
    page.set_viewport_size({"width": 1180, "height": 790})
    page.goto(control)
    page.goto(f"{page.url.rstrip('/')}/player/")
    page.wait_for_selector("#hint", state="hidden", timeout=60_000)
    page.click('[data-name="tempo"]')
    page.select_option("#side", "768")
    page.wait_for_timeout(SETTLING)
    save(page, target)
    page.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path(__file__).parents[1] / "docs")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("error: Chromium is not installed.")
    with (
        tempfile.TemporaryDirectory() as name,
        server(Path(name)) as (control, show),
        sync_playwright() as driver,
    ):
        camera = Path(name) / "webcam.mjpeg"
        write_camera(default_video(), camera)
        browser = driver.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )
        context = browser.new_context(viewport=WINDOW)
        save_player(context, control, arguments.folder / "player.webp")
        page = context.new_page()
        page.goto(control)
        page.click("#start")
        page.wait_for_timeout(SETTLING)
        # Chromium calls the camera by the path of its file.
        page.evaluate("document.querySelector('#camera option').textContent = 'Webcam'")
        save(page, arguments.folder / "live_control.webp")
        shown = context.new_page()
        shown.set_viewport_size({"width": CAMERA[0], "height": CAMERA[1]})
        shown.goto(show)
        shown.wait_for_timeout(SETTLING // 2)
        save(shown, arguments.folder / "live_show.webp", transparent=True)
        browser.close()


if __name__ == "__main__":
    main()

"""The player page in Chromium, from a plain static host: by playwright, where both are there."""

import functools
import hashlib
import http.server
import shutil
import threading
from contextlib import contextmanager

import av
import cv2
import numpy as np
import pytest
from bvh_files import write_bvh
from character_files import content, file_bytes
from player_poses import library_poses

from dance_now.character.character import Character, builtin_files
from dance_now.live.player_site import file_name

pytestmark = pytest.mark.slow
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium is installed", allow_module_level=True)

DIGESTS = """async ([file, poses]) => {
  const { Character } = await import("./character/character.js");
  const bytes = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
  const character = await Character.open(await bytes(file), file, await bytes("kernel.wasm"));
  const numbers = new Float32Array((await bytes(poses)).buffer);
  const digests = [];
  for (let at = 0; at < numbers.length; at += 548) {
    const whole = new Uint8Array(4 * 512 * 512);
    const picture = character.draw(numbers.subarray(at, at + 548), 512);
    for (let row = 0; row < picture.height; row++) {
      const line = picture.pixels.subarray(4 * row * picture.width, 4 * (row + 1) * picture.width);
      whole.set(line, 4 * ((picture.top + row) * 512 + picture.left));
    }
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
    digests.push([...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  }
  return digests;
}"""


class Host(http.server.SimpleHTTPRequestHandler):
    """A static host without any special header."""

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def address(site):
    """Where the site is served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Host, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@contextmanager
def page(address, before=None):
    """An opened page; its complaints are a list."""
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = chromium.new_page(viewport={"width": 1180, "height": 820})
        opened.complaints = []
        opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.on("console", lambda said: said.type == "error" and opened.complaints.append(said.text))
        if before:
            opened.add_init_script(before)
        opened.goto(address)
        yield opened
        chromium.close()


def figure(opened):
    """What the canvas holds: (h, w, 4) RGBA."""
    encoded = opened.evaluate(
        "new Promise((done) => canvas.toBlob(async (b) => done([...new Uint8Array(await b.arrayBuffer())])))"
    )
    stored = cv2.imdecode(np.array(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(stored, cv2.COLOR_BGRA2RGBA)


def wait_for_figure(opened):
    """Waits until a character is drawn."""
    opened.wait_for_selector("#hint", state="hidden", timeout=60_000)


def opened_file(opened, field, name, data):
    """Opens a file by one of the page's fields."""
    if isinstance(data, str):
        data = data.encode()
    opened.set_input_files(field, {"name": name, "mimeType": "application/octet-stream", "buffer": data})


def says(opened, text):
    """Waits until the page's line of complaint has a text."""
    opened.wait_for_function("(text) => notice.textContent.includes(text) && !notice.hidden", arg=text)


def test_it_plays_turns_and_saves(address, tmp_path):
    with page(address) as opened:
        wait_for_figure(opened)
        opened.wait_for_function("rate.textContent > 3", timeout=60_000)
        first = figure(opened)
        assert first.shape == (512, 512, 4)
        assert first[:20, :20, 3].max() == 0
        assert 0.02 < (first[..., 3] == 255).mean() < 0.5

        opened.click("#play")
        opened.wait_for_timeout(500)
        still = figure(opened)
        opened.wait_for_timeout(500)
        assert (figure(opened) == still).all()
        box = opened.locator("#stage").bounding_box()
        opened.mouse.move(box["x"] + 200, box["y"] + 200)
        opened.mouse.down()
        opened.mouse.move(box["x"] + 380, box["y"] + 200, steps=4)
        opened.mouse.up()
        opened.wait_for_timeout(800)
        assert (figure(opened) != still).any(axis=-1).mean() > 0.02

        opened.click("#colored")
        opened.wait_for_timeout(500)
        assert figure(opened)[2, 2].tolist() == [0, 0xB1, 0x40, 255]
        with opened.expect_download() as saved:
            opened.click("#picture")
        saved.value.save_as(tmp_path / "picture.png")
        assert saved.value.suggested_filename.startswith("godette-")
        assert cv2.imread(str(tmp_path / "picture.png")).shape == (512, 512, 3)
        opened.click("#play")
        opened.click("#record")
        opened.wait_for_timeout(2000)
        with opened.expect_download() as saved:
            opened.click("#record")
        saved.value.save_as(tmp_path / "video.webm")
        with av.open(str(tmp_path / "video.webm")) as video:
            frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert len(frames) > 5
        assert np.abs(frames[0][2, 2].astype(int) - [0, 0xB1, 0x40]).max() < 12
        assert np.abs(frames[-1].astype(int) - frames[0]).max() > 60
        assert opened.complaints == []


def test_files_are_opened_and_refused_in_one_line(address, tmp_path):
    motion = write_bvh([{}, *({"LeftArm": (0, 0, 60 - 6 * i)} for i in range(10))])
    armless = write_bvh([{}, {}], rename={"LeftArm": "Wing", "LeftForeArm": "Feather", "LeftHand": "Tip"})
    with page(address) as opened:
        wait_for_figure(opened)
        opened_file(opened, "#motion-file", "wave.bvh", motion)
        opened.wait_for_function("!document.querySelector('#motions [aria-checked=\"true\"]')")
        assert not opened.is_visible("#notice")
        opened_file(opened, "#character-file", "tester.dance", file_bytes(tmp_path, content()))
        opened.wait_for_function("credit.textContent.startsWith('nobody')")
        opened_file(opened, "#motion-file", "armless.bvh", armless)
        says(opened, "armless.bvh: this skeleton has no leftUpperArm, leftLowerArm, leftHand.")
        opened_file(opened, "#character-file", "none.dance", b"hello")
        says(opened, "none.dance is damaged or not a character file")
        (tmp_path / "large.dance").write_bytes(b"\0" * (106 << 20))
        opened.set_input_files("#character-file", tmp_path / "large.dance")
        says(opened, "large.dance is larger than a character file can be.")
        before = opened.inner_text("#rate")
        opened.wait_for_function("(before) => rate.textContent !== before", arg=before)  # it goes on
        assert opened.complaints == []


def test_a_dropped_motion_is_played(address):
    motion = write_bvh([{}, *({"LeftArm": (0, 0, 60 - 6 * i)} for i in range(10))])
    with page(address) as opened:
        wait_for_figure(opened)
        opened.evaluate(
            """(text) => {
              const data = new DataTransfer();
              data.items.add(new File([text], "wave.bvh"));
              dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
            }""",
            motion,
        )
        opened.wait_for_function("!document.querySelector('#motions [aria-checked=\"true\"]')")
        assert not opened.is_visible("#notice")


def test_a_browser_without_simd_is_told_so(address):
    refuse = "WebAssembly.instantiate = async () => { throw new WebAssembly.CompileError('SIMD'); };\n"

    def without(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=refuse + answer.text())

    with page(address) as opened:
        opened.route("**/worker.js", without)
        opened.goto(address)
        says(opened, "This browser has no WebAssembly SIMD. Update it")


@pytest.mark.parametrize("name", builtin_files())
def test_pixels_in_the_browser_are_those_of_python(address, site, name):
    character = Character.load(name)
    poses = library_poses(character.skeleton, 20, 512)
    poses.tofile(site / "poses.f32")
    with page(address) as opened:
        digests = opened.evaluate(DIGESTS, [f"characters/{file_name(name)}", "poses.f32"])
    assert digests == [
        hashlib.sha256(character._template.draw(pose, (512, 512)).tobytes()).hexdigest() for pose in poses
    ]

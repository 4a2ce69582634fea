"""Speed of the player page in headless Chromium at 512x512: frames per second, and time of a picture.

    python benchmarks/bench_player.py [--seconds 6] [--json FILE]

For each built-in character and network: the pictures that the page shows a second (wall clock, so other work
on the machine counts), and the processor milliseconds of a picture under node, with the ratio to Python's
(one thread, in turns in the same run). An idle core shows at most 1000 / milliseconds pictures a second.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np

from dance_now.character.character import Character, builtin_files
from dance_now.live.player_site import write_player_site
from figures import record, run_benchmark

SIDE: Final = 512
POSES: Final = 12
ROUNDS: Final = 3
_DRAW: Final = """
import { readFile } from "node:fs/promises";
const [folder, path, poses] = process.argv.slice(2);
const { Character } = await import(`${folder}/character/character.js`);
const code = await readFile(`${folder}/kernel.wasm`);
const character = await Character.open(new Uint8Array(await readFile(path)), path, code);
const numbers = new Float32Array(new Uint8Array(await readFile(poses)).buffer);
const round = () => {
  for (let at = 0; at < numbers.length; at += 548) character.draw(numbers.subarray(at, at + 548), 512);
};
round();
const before = process.cpuUsage();
round();
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1000 / (numbers.length / 548));
"""


class _Host(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=6.0)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        site = Path(name)
        write_player_site(site)
        (site / "package.json").write_text('{"type": "module"}')
        (site / "draw.mjs").write_text(_DRAW)
        rates = shown_rates(site, words.seconds)
        times = {each: processor_times(site, each) for each in builtin_files()}
    print(f"{'character':18} {'frames/s':>9} {'wasm ms':>8} {'python ms':>9} {'ratio':>6}")
    for each, (wasm, python) in times.items():
        print(f"{each:18} {rates[each]:9.1f} {wasm:8.1f} {python:9.1f} {wasm / python:6.2f}")
        record(f"{each}: shown", rates[each], "fps")
        record(f"{each}: drawn by WebAssembly", wasm, "ms")
        record(f"{each}: WebAssembly over Python", wasm / python, "ratio", "lower")


def shown_rates(site: Path, seconds: float) -> dict[str, float]:
    """Pictures a second that the page shows of each character."""
    from playwright.sync_api import sync_playwright

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Host, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    rates = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector("#hint", state="hidden", timeout=120_000)
        for name in builtin_files():
            page.click(f'[data-name="{name}"]')
            page.wait_for_function(
                "(name) => document.querySelector(`[data-name=\"${name}\"]`).ariaChecked === 'true'", arg=name
            )
            page.wait_for_timeout(2500)
            readings = []
            for _ in range(max(1, round(seconds / 1.1))):
                page.wait_for_timeout(1100)
                readings.append(float(page.inner_text("#rate")))
            rates[name] = float(np.median(readings))
        browser.close()
    server.shutdown()
    return rates


def processor_times(site: Path, name: str) -> tuple[float, float]:
    """Processor milliseconds of a picture by WebAssembly and by Python, in turns; the least of each."""
    character = Character.load(name, threads=1)
    rest = character.skeleton.rest
    scale = SIDE / (1.35 * character.skeleton.height)
    poses = []
    for turn in np.linspace(0, 2 * np.pi, POSES, endpoint=False):
        x = rest[:, 0] * np.cos(turn) + rest[:, 2] * np.sin(turn)
        z = rest[:, 2] * np.cos(turn) - rest[:, 0] * np.sin(turn)
        columns = [SIDE / 2 + scale * x, 0.93 * SIDE - scale * rest[:, 1], -scale * z]
        poses.append(np.column_stack([*columns, character.skeleton.known]).astype(np.float32))
    np.stack(poses).tofile(site / "poses.f32")
    wasm, python = [], []
    for _ in range(ROUNDS):
        command = ["node", *map(str, (site / "draw.mjs", site, builtin_files()[name], site / "poses.f32"))]
        wasm.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        begun = time.process_time()
        for pose in poses:
            character._template.draw(pose, (SIDE, SIDE))
        python.append(1000 * (time.process_time() - begun) / POSES)
    return min(wasm), min(python)


if __name__ == "__main__":
    run_benchmark(main)

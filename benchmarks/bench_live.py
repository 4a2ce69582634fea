"""Processor time of live frames against another revision, and rate, latency and memory of the live server.

Frames are 640x480, cut from people/sam2_juggle.mp4 in the folder DANCE_NOW_DATA if it exists, else from the
sample clip, or from VIDEO. Without options, two tables are printed:

- Processor time of a frame by stage, beside that of ``Dancer`` in --against (by default f3ba8ee, the last
  revision before live), each in processes of its own and in turns, since the speed of a shared machine
  changes. One thread for each network and drawing, as in the live server.
- Rate and latency of the server, of which this process is the browser: it sends a frame for each credit.

With --soak SECONDS, only the server runs, and the growth of its memory is printed.

python benchmarks/bench_live.py [VIDEO] [--character godette] [--against REV] [--rounds 3] [--no-server]
python benchmarks/bench_live.py [VIDEO] --soak 600
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench_dance import default_video, install_revision
from figures import record, run_benchmark

SIZE = (640, 480)
WARM_UP = 5  # frames
SCENES = ("alpha", "replace")
SERVED_SECONDS = 12.0
SOAK_REPORT = 30.0  # seconds between two readings of the memory

# What runs in each revision: prints milliseconds of the processor a frame as JSON, the total and by stage.
CHILD = """
import json, sys, time
import numpy as np
frames, scene, character = np.load(sys.argv[1]), sys.argv[2], sys.argv[3]
try:
    from dance_now.live.character_library import CharacterLibrary
    from dance_now.live.live_settings import LiveSettings
    from dance_now.live.live_stage import LiveStage
    stage = LiveStage(CharacterLibrary())
    dancer = stage.open(LiveSettings(character=character, scene=scene, mirror=False, idle=False))
    def dance(frame):
        stage.render(dancer, dancer.pose(dancer.refine(dancer.detect(frame))))
    profiler = dancer.profiler
except ImportError:  # f3ba8ee and its like
    from dance_now.character.character import Character
    from dance_now.dancer import Dancer
    from dance_now.pose.opening import open_estimator
    from dance_now.stopwatch import Stopwatch
    profiler = Stopwatch()
    drawn, estimator = Character.load(character, threads=1), open_estimator(threads=1)
    dancer = dance = Dancer(drawn, scene=scene, estimator=estimator, stopwatch=profiler)
from dance_now.media.frame import Frame
shown = [Frame(image, index / 30, index) for index, image in enumerate(frames)]
for frame in shown[:WARM_UP]:
    dance(frame)
profiler.processor_seconds.clear()
begun = time.process_time()
for frame in shown[WARM_UP:]:
    dance(frame)
total = time.process_time() - begun
each = 1000 / (len(shown) - WARM_UP)
print(json.dumps({"total": each * total, **{k: each * v for k, v in profiler.processor_seconds.items()}}))
""".replace("WARM_UP", str(WARM_UP))


def clip_frames(video: Path, count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The first frames of a clip, cropped in the middle to 640x480: (count, 480, 640, 3) RGB."""
    from dance_now.media.open_media import open_source
    from dance_now.scene.background.backdrop import crop_to_fill

    images = []
    with open_source(video) as source:
        for frame in source.frames():
            images.append(crop_to_fill(frame.image, SIZE[1], SIZE[0]))
            if len(images) == count:
                break
    return np.stack(images)


def compare(frames: Path, character: str, revision: str, rounds: int) -> None:
    """Prints processor time a frame of this and another revision, by scene and stage."""
    with tempfile.TemporaryDirectory() as folder:
        install_revision(revision, Path(folder))
        paths = {revision: {"PYTHONPATH": folder}, "this": {}}
        for scene in SCENES:
            runs: dict[str, list[dict[str, float]]] = {name: [] for name in paths}
            ratios = []
            for _ in range(rounds):
                for name, variables in paths.items():
                    command = [sys.executable, "-P", "-c", CHILD, str(frames), scene, character]
                    environment = {**os.environ, **variables}
                    done = subprocess.run(
                        command, check=True, capture_output=True, text=True, env=environment
                    )
                    runs[name].append(json.loads(done.stdout.splitlines()[-1]))
                ratios.append(runs["this"][-1]["total"] / runs[revision][-1]["total"])
            print(f"scene {scene}, {character}: processor ms a frame (median of {rounds} runs)")
            record(f"{scene}: processor to {revision}", statistics.median(ratios), "ratio", "lower")
            for name, measured in runs.items():
                record(f"{scene}: {name}", statistics.median(run["total"] for run in measured), "ms")
                stages = ", ".join(
                    f"{stage} {statistics.median(run.get(stage, 0.0) for run in measured):.1f}"
                    for stage in measured[0]
                )
                print(f"  {name:<10}{stages}")
            print(
                f"  ratio {statistics.median(ratios):.2f} (of the runs: "
                + ", ".join(f"{ratio:.2f}" for ratio in ratios)
                + ")"
            )


@contextmanager
def server(character: str, scene: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A live server in a process of its own, and the address of its control page."""
    words = ["-m", "dance_now", "live", "-c", character, "--scene", scene, "--no-browser", "--fps", "120"]
    with tempfile.TemporaryDirectory() as folder:
        variables = {**os.environ, "DANCE_NOW_CONFIG": folder, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, *words, "--idle", "off", "--folder", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = re.search(r"https?://\S+", line)
            assert address is not None, line
            try:
                yield process, address[0]
            finally:
                process.terminate()


async def perform(address: str, jpegs: list[bytes], seconds: float) -> tuple[float, list[float]]:
    """Sends frames like a browser for some seconds; returns the rate and the latencies in seconds."""
    from aiohttp import ClientSession, CookieJar, WSMsgType

    origin = address.partition("/?")[0]
    latencies: list[float] = []
    sent: dict[int, float] = {}
    number = 0
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        await (await session.get(address)).read()
        async with session.ws_connect(
            f"{origin}/control", headers={"Origin": origin}, max_msg_size=0
        ) as channel:
            await channel.send_str("capture")
            end = begun = 0.0
            async for message in channel:
                if message.type is WSMsgType.BINARY:
                    await channel.send_str("shown")
                    now, shown = time.perf_counter(), int.from_bytes(message.data[4:8], "little")
                    if shown >= 20 and shown in sent:  # loaded and warm
                        begun = begun or now
                        end = now
                        latencies.append(now - sent[shown])
                    sent = {key: at for key, at in sent.items() if key > shown}
                    if begun and end - begun > seconds:
                        break
                    continue
                text = json.loads(message.data)
                for _ in range(text["count"] if text["type"] == "credit" else 0):
                    sent[number] = time.perf_counter()
                    await channel.send_bytes(number.to_bytes(4, "little") + jpegs[number % len(jpegs)])
                    number += 1
    return (len(latencies) - 1) / (end - begun), latencies


def serve(jpegs: list[bytes], character: str) -> None:
    """Prints rate and latency of the server, by scene."""
    for scene in SCENES:
        with server(character, scene) as (_, address):
            rate, latencies = asyncio.run(perform(address, jpegs, SERVED_SECONDS))
        latency = statistics.median(latencies)
        record(f"{scene}: rate of the server", rate, "fps")
        record(f"{scene}: latency", latency * rate, "frames", "lower")
        print(
            f"server, scene {scene}: {rate:.1f} frames a second; {1000 * latency:.0f} ms from a frame sent "
            f"to the frame drawn (median), which is {latency * rate:.1f} frames"
        )


def resident(process: int) -> float:
    """Resident memory of a process in MB; Linux only."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(jpegs: list[bytes], character: str, seconds: float) -> None:
    """Prints the memory of a server that runs for some time."""
    with server(character, "replace") as (process, address):
        readings = []
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            rate, _ = asyncio.run(perform(address, jpegs, min(SOAK_REPORT, seconds)))
            readings.append(resident(process.pid))
            print(
                f"{time.monotonic() - begun:6.0f} s: {rate:.1f} frames a second, {readings[-1]:.0f} MB",
                flush=True,
            )
    # The first minute fills caches.
    settled = readings[2:] or readings
    record("growth of memory", settled[-1] - settled[0], "MB")
    print(f"memory after the first minute: {settled[0]:.0f} MB, growth {settled[-1] - settled[0]:+.1f} MB")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument("--character", default="godette")
    parser.add_argument("--against", metavar="REV", default="f3ba8ee")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--no-server", action="store_true", help="processor times only")
    parser.add_argument("--soak", type=float, metavar="SECONDS")
    arguments = parser.parse_args()
    images = clip_frames(arguments.video or default_video(), arguments.frames)
    jpegs = [cv2.imencode(".jpg", image[..., ::-1])[1].tobytes() for image in images]
    if arguments.soak:
        soak(jpegs, arguments.character, arguments.soak)
        return
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "frames.npy"
        np.save(stored, images)
        compare(stored, arguments.character, arguments.against, arguments.rounds)
    if not arguments.no_server:
        serve(jpegs, arguments.character)


if __name__ == "__main__":
    run_benchmark(main)

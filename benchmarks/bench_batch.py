"""Batches: one process against worker processes, shards and a local Ray cluster, over 24 short clips.

Whole commands are measured, each in processes of its own: frames a second, start-up (the same command with
one photo), peak memory of all processes together, and how many cores were busy. Outputs must be equal to the
byte. Clips are cut from VIDEO; by default people/sam2_juggle.mp4 in the folder DANCE_NOW_DATA, else the
sample clip. On a shared machine only processor time can be trusted: "per CPU s" is that. Needs Linux.

python benchmarks/bench_batch.py [VIDEO] [--clips 24] [--frames 8] [--character godette] [--rounds 1]
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from bench_dance import default_video
from dance_now.core.processor_cores import available_cores
from dance_now.media.image.photo_sink import encode_image
from dance_now.media.open_media import open_sink, open_source
from figures import record, run_benchmark

_MARK: Final = "DANCE_NOW_BENCHMARK"  # in the environment of every process that a command starts
_SAMPLE_EVERY: Final = 0.2  # seconds
_WIDTH: Final = 640  # pixels of the clips
_TICK: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass
class Usage:
    """What all processes of one command have used.

    Attributes:
        seconds: wall time.
        processor: CPU seconds.
        memory: peak of their resident memory together, MB.
    """

    seconds: float = 0.0
    memory: float = 0.0
    _ticks: dict[int, int] = field(default_factory=dict)

    @property
    def processor(self) -> float:
        """CPU seconds of all processes, those that have ended among them."""
        return sum(self._ticks.values()) / _TICK

    def sample(self, mark: str) -> None:
        """Looks at all processes whose environment holds the mark."""
        memory = 0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark.encode() not in (folder / "environ").read_bytes():
                    continue
                entries = (folder / "stat").read_text().rpartition(")")[2].split()
                self._ticks[int(folder.name)] = int(entries[11]) + int(entries[12])
                memory += int(entries[21]) * os.sysconf("SC_PAGE_SIZE")
            except OSError:  # it has ended
                continue
        self.memory = max(self.memory, memory / 1e6)


@dataclass(frozen=True)
class Mode:
    """A way to carry a batch out.

    Attributes:
        name: of the figures.
        commands: options of each command; several run at once.
        cores: for each command, the cores that it may use; None: all.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    cores: tuple[set[int] | None, ...] = (None,)


def modes() -> list[Mode]:
    """The ways that are compared; the first is the reference."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    ray = ("--cluster", "local", "--jobs", "2")
    found = [Mode("one process", ((),)), Mode("jobs 2", (("--jobs", "2"),)), Mode("Ray, 2 actors", (ray,))]
    found.append(Mode("one process on one core", ((),), ({cores[0]},)))
    if len(cores) == 2:
        shards = (("--shard", "1/2"), ("--shard", "2/2"))
        found.append(Mode("2 shards, a core each", shards, ({cores[0]}, {cores[1]})))
    return found


def measure(mode: Mode, sources: list[Path], output: Path, character: str) -> Usage:
    """Runs the commands of a mode at once."""
    usage, mark, ended = Usage(), f"{_MARK}={os.getpid()}.{time.monotonic_ns()}", threading.Event()
    name, _, value = mark.partition("=")

    def watch() -> None:
        while not ended.wait(_SAMPLE_EVERY):
            usage.sample(mark)

    watcher = threading.Thread(target=watch)
    begun = time.perf_counter()
    running = []
    for options, cores in zip(mode.commands, itertools.cycle(mode.cores), strict=False):
        words = [
            "dance",
            *map(str, sources),
            "-c",
            character,
            "-o",
            str(output),
            *(options or ("--shard", "1/1")),
        ]
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "dance_now", *words],
                env={**os.environ, name: value},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                preexec_fn=None if cores is None else lambda cores=cores: os.sched_setaffinity(0, cores),
            )
        )
    watcher.start()
    messages = [process.communicate()[1].decode(errors="replace") for process in running]
    usage.seconds = time.perf_counter() - begun
    ended.set()
    watcher.join()
    for process, message in zip(running, messages, strict=True):
        if process.returncode:
            raise SystemExit(f"{mode.name}: {message}")
    return usage


def cut_clips(video: Path, folder: Path, clips: int, frames: int) -> list[Path]:
    """Writes clips of so many frames from different places of a video, 640 pixels wide."""
    with open_source(video) as source:
        images = [shrunk(frame.image) for frame in source.frames()]
        written = []
        for number in range(clips):
            first = number * max(1, len(images) - frames) // clips
            written.append(folder / f"clip{number:02d}.mp4")
            with open_sink(
                written[-1], source, alpha=False, sound=False, size=images[0].shape[1::-1]
            ) as sink:
                for index, image in enumerate(images[first : first + frames]):
                    sink.write(image, index / float(source.frame_rate))
    (folder / "photo.png").write_bytes(encode_image(images[0], ".png"))
    return written


def shrunk(image: np.ndarray) -> np.ndarray:
    """An image 640 pixels wide, with even sides."""
    height = 2 * round(_WIDTH * image.shape[0] / image.shape[1] / 2)
    return np.ascontiguousarray(cv2.resize(image, (_WIDTH, height), interpolation=cv2.INTER_AREA))


def digests(folder: Path) -> dict[str, str]:
    """Hashes of all videos."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.mp4"))}


def main() -> None:
    """Command line: prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--character", default="godette")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    if sys.platform != "linux":
        raise SystemExit("error: this benchmark reads /proc: it needs Linux")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = cut_clips(arguments.video or default_video(), folder, arguments.clips, arguments.frames)
        frames = len(clips) * arguments.frames
        print(f"{len(clips)} clips of {arguments.frames} frames, {available_cores()} cores")
        titles = ("frames/s", "steady", "per CPU s", "busy", "start s", "MB", "same")
        print(" " * 26 + "".join(f"{title:>10}" for title in titles))
        rates: dict[str, float] = {}
        reference: dict[str, str] = {}
        for mode in modes():
            start = measure(mode, [folder / "photo.png"], folder / f"start {mode.name}", arguments.character)
            runs = []
            for turn in range(arguments.rounds):
                output = folder / f"{mode.name} {turn}"
                runs.append(measure(mode, clips, output, arguments.character))
            made = digests(output)
            reference = reference or made
            rates[mode.name] = print_mode(mode.name, frames, start, runs, made == reference)
        compare(rates)


def print_mode(name: str, frames: int, start: Usage, runs: list[Usage], same: bool) -> float:
    """Prints and records the figures of one mode; its frames a second."""
    seconds = statistics.median(run.seconds for run in runs)
    processor = statistics.median(run.processor for run in runs)
    memory = max(run.memory for run in runs)
    steady = frames / max(seconds - start.seconds, 0.1)
    record(f"{name}: rate", frames / seconds, "fps")
    record(f"{name}: rate without start-up", steady, "fps")
    steady_processor = frames / max(processor - start.processor, 0.1)
    record(f"{name}: frames a processor second", frames / processor, "fps")
    record(f"{name}: frames a processor second without start-up", steady_processor, "fps")
    record(f"{name}: start-up, processor", start.processor, "s")
    record(f"{name}: cores busy", processor / seconds, "cores", "higher")
    record(f"{name}: start-up", start.seconds, "s")
    record(f"{name}: memory", memory, "MB")
    record(f"{name}: same bytes", float(same), "yes or no", "higher")
    figures = (frames / seconds, steady, steady_processor, processor / seconds, start.seconds)
    shown = "".join(f"{figure:10.2f}" for figure in figures)
    print(f"{name:<26}{shown}{memory:10.0f}{'yes' if same else 'NO':>10}", flush=True)
    return frames / seconds


def compare(rates: dict[str, float]) -> None:
    """Prints and records ratios."""
    pairs = [
        ("jobs 2", "one process"),
        ("Ray, 2 actors", "jobs 2"),
        ("jobs 2", "one process on one core"),
        ("2 shards, a core each", "one process on one core"),
    ]
    for one, other in pairs:
        if one in rates and other in rates:
            record(f"{one} over {other}", rates[one] / rates[other], "times as fast")
            print(f"{one}: {rates[one] / rates[other]:.2f} times as fast as {other}")


if __name__ == "__main__":
    run_benchmark(main)

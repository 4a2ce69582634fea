"""Time per stage, throughput and peak memory of dancing a video.

The stages run in parallel, so that wall times do not add up, but CPU times do. Memory is measured in separate
processes, on the clip and on the clip repeated several times, so that growth with the length would show.
Without a VIDEO, people/sam2_juggle.mp4 in the folder DANCE_NOW_DATA is used if it exists, else the sample
clip.

With --against, the whole command instead, beside that of another revision of the repository, which is
installed into a temporary folder: both in turns, with loading, as the speed of a shared machine changes.

python benchmarks/bench_dance.py [VIDEO] [--character godette] [--scene replace] [--repeats 4]
python benchmarks/bench_dance.py [VIDEO] [--character godette] [--scene replace] --against REV [--rounds 3]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from dance_now.app.dance import DanceResult, dance
from dance_now.app.dance_options import SceneName
from dance_now.assets.registry import sample_clip
from dance_now.media.open_media import open_sink, open_source
from figures import record, run_benchmark


@dataclass(frozen=True)
class Measurement:
    """Measurement of one run.

    Attributes:
        result: of the run, with the time of each stage.
        seconds: wall time of everything: loading the networks, the analysis, the frames.
        processor: CPU seconds of all threads.
        peak: peak resident memory of the process in MB; 0 where the system does not report it.
    """

    result: DanceResult
    seconds: float
    processor: float
    peak: float

    @property
    def rate(self) -> float:
        """Frames per second."""
        return self.result.frames / self.seconds


def measure(video: Path, character: str, scene: SceneName) -> Measurement:
    """Measures dancing one video into a temporary file."""
    with tempfile.TemporaryDirectory() as folder:
        begun, begun_processor = time.perf_counter(), time.process_time()
        result = dance(video, character, Path(folder) / "out.mp4", scene=scene)
        seconds, processor = time.perf_counter() - begun, time.process_time() - begun_processor
    return Measurement(result, seconds, processor, peak_memory())


def peak_memory() -> float:
    """Peak resident memory of this process so far, MB."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def alone(video: Path, character: str, scene: SceneName) -> Measurement:
    """Measures in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (video, character, scene))


def repeated(video: Path, target: Path, times: int) -> Path:
    """Writes a clip repeated several times, without sound."""
    with open_source(video) as source, open_sink(target, source, alpha=False, sound=False) as sink:
        length = 0.0
        for _ in range(times):
            last = 0.0
            for frame in source.frames():
                sink.write(frame.image, length + frame.time)
                last = frame.time
            length += last + 1 / float(source.frame_rate)
    return target


def install_revision(revision: str, folder: Path) -> None:
    """Installs another revision of the repository into a folder, without what it depends on."""
    source = f"git+file://{Path(__file__).resolve().parents[1]}@{revision}"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), source]
    subprocess.run([sys.executable, *install], check=True)


def against(revision: str, video: Path, character: str, scene: str, rounds: int) -> None:
    """Times whole commands of a revision and of the installed package in turns; prints their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "revision"
        install_revision(revision, other)
        # The folder comes before an installed package, editable or not.
        paths = {revision: {"PYTHONPATH": str(other)}, "this": {}}
        output = Path(folder) / "out.mp4"
        words = ["dance", str(video), "-c", character, "--scene", scene, "-o", str(output), "--overwrite"]
        seconds: dict[str, list[float]] = {name: [] for name in paths}
        processor: dict[str, list[float]] = {name: [] for name in paths}
        # Both revisions keep their compiled modules, as an installed package does.
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        for _ in range(rounds):
            for name, variables in paths.items():
                begun, used = time.perf_counter(), _children_seconds()
                command = [sys.executable, "-P", "-m", "dance_now", *words]
                subprocess.run(command, check=True, capture_output=True, env={**inherited, **variables})
                seconds[name].append(time.perf_counter() - begun)
                processor[name].append(_children_seconds() - used)
    for kind, times in (("clock", seconds), ("processor", processor)):
        for name, measured in times.items():
            print(f"{name}: " + ", ".join(f"{each:.2f}" for each in measured) + f" s of the {kind}")
        medians = [statistics.median(measured) for measured in times.values()]
        record(f"over {revision}, {kind}", medians[0] / medians[1], "times as fast")
        print(f"this takes 1/{medians[0] / medians[1]:.2f} of {revision}'s time of the {kind} (medians)")


def _children_seconds() -> float:
    """Processor time of all processes that have been started and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def default_video() -> Path:
    """Default clip."""
    clip = Path(os.environ.get("DANCE_NOW_DATA", ""), "people", "sam2_juggle.mp4")
    return clip if clip.is_file() else sample_clip()


def print_stages(run: Measurement) -> None:
    """Prints a line for each stage: milliseconds per frame."""
    print(f"  {'ms a frame':<20}{'clock':>8}{'processor':>12}")
    stages = run.result.processor
    for name, processor in stages.items():
        record(f"{name}, processor a frame", processor, "ms")
        print(f"  {name:<20}{run.result.stages[name]:8.1f}{processor:12.1f}")
    each = 1000 / run.result.frames
    other = each * run.processor - sum(stages.values())
    record("together, processor a frame", each * run.processor, "ms")
    print(f"  {'loading, other threads':<28}{other:12.1f}")
    print(f"  {'together':<20}{each * run.seconds:8.1f}{each * run.processor:12.1f}")


def main() -> None:
    """Command line: prints two tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument("--character", default="godette")
    parser.add_argument("--scene", default="replace")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--against", metavar="REV")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    video = arguments.video or default_video()
    if arguments.against:
        against(arguments.against, video, arguments.character, arguments.scene, arguments.rounds)
        return
    with open_source(video) as source:
        width, height = source.size
    once = alone(video, arguments.character, arguments.scene)
    print(
        f"{video.name}, {width}x{height}, {once.result.frames} frames, scene {arguments.scene}, "
        f"{os.cpu_count()} processor cores"
    )
    print_stages(once)
    runs = [("the clip", once)]
    if arguments.repeats > 1:
        with tempfile.TemporaryDirectory() as folder:
            longer = repeated(video, Path(folder) / "longer.mp4", arguments.repeats)
            runs.append(
                (f"{arguments.repeats} times the clip", alone(longer, arguments.character, arguments.scene))
            )
    for title, run in runs:
        record(f"{title}: rate", run.rate, "fps")
        record(f"{title}: peak memory", run.peak, "MB")
        print(
            f"{title}: {run.result.frames} frames in {run.seconds:.1f} s with loading and analysis, "
            f"{run.rate:.2f} a second, peak memory {run.peak:.0f} MB"
        )
    if len(runs) > 1:
        print(f"memory of the longer over the shorter: {runs[1][1].peak / max(once.peak, 1):.3f}")


if __name__ == "__main__":
    run_benchmark(main)

"""Prints where the time of a video goes, how many frames a second come out, and what memory it takes.

Memory is measured in processes of their own, on the clip and on the clip repeated several times: what grows
with the length would show.

python benchmarks/bench_dance.py [VIDEO] [--character godette] [--scene replace] [--repeats 4]
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from dance_now.assets import sample_clip
from dance_now.dancer import dance
from dance_now.media.opening import open_sink, open_source


@dataclass(frozen=True)
class Measured:
    """One run.

    Attributes:
        frames: pictures written.
        seconds: for everything: loading the networks, the survey, the frames.
        stages: milliseconds a frame by stage.
        peak: largest resident memory of the process in MB; 0 where the system does not tell.
    """

    frames: int
    seconds: float
    stages: dict[str, float]
    peak: float


def measure(video: Path, character: str, scene: str) -> Measured:
    """Dances one video into a temporary file."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        result = dance(video, character, Path(folder) / "out.mp4", scene=scene)
        seconds = time.perf_counter() - begun
    return Measured(result.frames, seconds, result.stages, peak_memory())


def peak_memory() -> float:
    """Largest resident memory of this process so far, MB."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def alone(video: Path, character: str, scene: str) -> Measured:
    """``measure`` in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (video, character, scene))


def repeated(video: Path, target: Path, times: int) -> Path:
    """The clip several times in a row, without sound."""
    with open_source(video) as source, open_sink(target, source, alpha=False, sound=False) as sink:
        length = 0.0
        for _ in range(times):
            last = 0.0
            for frame in source.frames():
                sink.write(frame.image, length + frame.time)
                last = frame.time
            length += last + 1 / float(source.frame_rate)
    return target


def main() -> None:
    """Reads the arguments and prints two tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument("--character", default="godette")
    parser.add_argument("--scene", default="replace")
    parser.add_argument("--repeats", type=int, default=4)
    arguments = parser.parse_args()
    video = arguments.video or sample_clip()
    with open_source(video) as source:
        width, height = source.size
    once = alone(video, arguments.character, arguments.scene)
    print(f"{video.name}, {width}x{height}, {once.frames} frames, scene {arguments.scene}")
    for name, milliseconds in once.stages.items():
        print(f"  {name:<12}{milliseconds:8.1f} ms a frame")
    print(f"  {'together':<12}{sum(once.stages.values()):8.1f} ms a frame")
    with tempfile.TemporaryDirectory() as folder:
        longer = repeated(video, Path(folder) / "longer.mp4", arguments.repeats)
        long = alone(longer, arguments.character, arguments.scene)
    for title, run in (("the clip", once), (f"{arguments.repeats} times the clip", long)):
        print(
            f"{title}: {run.frames} frames in {run.seconds:.1f} s with loading and survey, "
            f"{run.frames / run.seconds:.2f} a second, peak memory {run.peak:.0f} MB"
        )
    print(f"memory of {arguments.repeats} times the clip over once: {long.peak / max(once.peak, 1):.3f}")


if __name__ == "__main__":
    main()

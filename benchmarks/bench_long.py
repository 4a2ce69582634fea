"""Long and large inputs: peak memory and processor time of whole commands, each in a process of its own.

Rows grow in one respect each, so that what should be flat shows as flat: the length of a video (a looped
clip at 320x180, up to two hours at two frames a second), its size, the size of a photo, the number of
pictures in a folder. By default lengths, photos and folders are a tenth of ``--full``.

    python benchmarks/bench_long.py [CLIP] [--full] [--rows length,frame,photo,folder] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dance_now.assets.registry import sample_clip
from dance_now.media.open_media import open_sink, open_source
from dance_now.media.source import Source
from figures import record, run_benchmark

LENGTHS = (900, 3600, 14_400)  # frames
RATE = 2  # frames a second of long videos: two hours are 14,400 frames
FRAMES = ((1280, 720), (1920, 1080), (3840, 2160))
PHOTOS = (2, 12, 60)  # megapixels
FOLDERS = (100, 1000, 10_000)  # pictures
SMALL = (320, 180)
LOOP = 48  # frames of the clip that are looped


def main() -> None:
    """Makes the inputs one by one, runs the commands and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--rows", default="length,frame,photo,folder")
    arguments = parser.parse_args()
    print("| input | frames | peak memory, MB | processor s a frame |")
    print("|---|---|---|---|")
    for name, frames, peak, seconds in _rows(
        arguments.clip or sample_clip(), not arguments.full, arguments.rows.split(",")
    ):
        record(f"{name}: peak memory", peak, "MB")
        record(f"{name}: processor a frame", seconds / frames, "s")
        print(f"| {name} | {frames} | {peak:.0f} | {seconds / frames:.3f} |", flush=True)


def _rows(clip: Path, quick: bool, wanted: list[str]) -> Iterator[tuple[str, int, float, float]]:
    share = 10 if quick else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "length" in wanted:
            for count in LENGTHS:
                video = _looped(clip, folder / "long.mp4", SMALL, count // share, RATE)
                minutes = count / share / RATE / 60
                yield _measured(f"video of {minutes:g} minutes, {SMALL[0]}x{SMALL[1]}", video, "out.mp4")
        if "frame" in wanted:
            for size in FRAMES:
                video = _looped(clip, folder / "large.mp4", size, 24 // (2 if quick else 1), 24)
                yield _measured(f"video of {size[0]}x{size[1]}", video, "out.mp4")
        if "photo" in wanted:
            for megapixels in PHOTOS:
                photo = _photo(clip, folder / "photo.jpg", megapixels / share)
                yield _measured(f"photo of {megapixels / share:g} megapixels", photo, "out.jpg")
        if "folder" in wanted:
            for count in FOLDERS:
                pictures = _pictures(clip, folder / "pictures", count // share)
                yield _measured(f"folder of {count // share} pictures", pictures, "out")


def _looped(clip: Path, target: Path, size: tuple[int, int], count: int, rate: int) -> Path:
    with open_source(clip) as source:
        images = [_scaled(frame.image, size) for frame, _ in zip(source.frames(), range(LOOP), strict=False)]
        there_and_back = images + images[-2:0:-1]
        with open_sink(target, _Like(source, size, rate), alpha=False, overwrite=True, sound=False) as sink:
            for index in range(count):
                sink.write(there_and_back[index % len(there_and_back)], index / rate)
    return target


class _Like(Source):
    """A source for the sink: the clip's, of another size."""

    def __init__(self, source: Source, size: tuple[int, int], rate: int) -> None:
        self.kind, self.path, self.size = "video", source.path, size
        self.frame_rate, self.time_base = Fraction(rate), Fraction(1, rate)

    def frames(self) -> Any:
        """Nothing: a sink asks for rate and size only."""
        return iter(())


def _photo(clip: Path, target: Path, megapixels: float) -> Path:
    image = _first(clip)
    scale = (megapixels * 1e6 / (image.shape[0] * image.shape[1])) ** 0.5
    large = _scaled(image, (round(scale * image.shape[1]), round(scale * image.shape[0])))
    cv2.imwrite(str(target), large[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    return target


def _pictures(clip: Path, folder: Path, count: int) -> Path:
    folder.mkdir(exist_ok=True)
    with open_source(clip) as source:
        images = [_scaled(frame.image, SMALL) for frame, _ in zip(source.frames(), range(LOOP), strict=False)]
    coded = [cv2.imencode(".jpg", image[..., ::-1])[1].tobytes() for image in images + images[-2:0:-1]]
    for index in range(count):
        (folder / f"f{index:05d}.jpg").write_bytes(coded[index % len(coded)])
    return folder


def _first(clip: Path) -> np.ndarray:
    with open_source(clip) as source:
        return next(source.frames()).image


def _scaled(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    smaller = size[0] < image.shape[1]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


_CHILD = """
import json, re, resource, sys
from pathlib import Path
from dance_now.app.dance import dance
result = dance(sys.argv[1], "godette", sys.argv[2], overwrite=True)
used = resource.getrusage(resource.RUSAGE_SELF)
peak = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
if Path("/proc/self/status").exists():  # the other one counts what the parent had before the program began
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e3
print(json.dumps([result.frames, peak, used.ru_utime + used.ru_stime]))
"""


def _measured(name: str, source: Path, output: str) -> tuple[str, int, float, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _CHILD, str(source), str(Path(folder) / output)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"error: {name}: {done.stderr.strip().splitlines()[-1]}")
    frames, peak, seconds = json.loads(done.stdout.splitlines()[-1])
    return name, frames, peak, seconds


if __name__ == "__main__":
    run_benchmark(main)

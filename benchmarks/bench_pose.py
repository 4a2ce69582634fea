"""Pose estimation time per frame of a video, at 1280x720 and native size, and by part.

With --against, processor time a frame of a followed person with hands and face, as ``dance`` estimates clips
(in turns), beside that of another revision of the repository, each in processes of its own and in turns: with
masks, and, for scenes that do without, without masks.

python benchmarks/bench_pose.py [VIDEO] [--threads 2] [--frames 150]
python benchmarks/bench_pose.py [VIDEO] --against f3ba8ee [--frames 100] [--rounds 3]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np

from bench_dance import install_revision
from dance_now.assets.registry import sample_clip
from dance_now.core.arrays import Image
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.model.detection import PoseEstimator
from dance_now.pose.tracking.tracker import MAX_PEOPLE
from figures import record, run_benchmark

# What runs in each revision: prints milliseconds of the processor a frame, with masks and without.
CHILD = """
import json, sys, time
import numpy as np
images = np.load(sys.argv[1])
try:
    from dance_now.pose.estimators.estimator_registry import open_estimator
    whole = open_estimator(threads=1, turn=2)
    alone = open_estimator(threads=1, turn=2)
    bare = lambda image: alone.add_hands_and_faces(image, alone.detect_bodies_alone(image))
except ImportError:  # f3ba8ee and its like
    from dance_now.pose.opening import open_estimator
    whole = bare = open_estimator(threads=1)
result = []
for estimate in (whole, bare):
    whole.reset()
    for image in images[:5]:
        estimate(image)
    begun = time.process_time()
    for image in images[5:]:
        estimate(image)
    result.append((time.process_time() - begun) * 1000 / (len(images) - 5))
print(json.dumps(result))
"""


def compare(images: list[Image], revision: str, rounds: int) -> None:
    """Prints processor time a frame of this and another revision."""
    with tempfile.TemporaryDirectory() as folder:
        install_revision(revision, Path(folder) / "revision")
        file = Path(folder) / "images.npy"
        np.save(file, np.stack(images))
        paths = {revision: {"PYTHONPATH": str(Path(folder) / "revision")}, "this": {}}
        runs: dict[str, list[list[float]]] = {name: [] for name in paths}
        for _ in range(rounds):
            for name, variables in paths.items():
                command = [sys.executable, "-P", "-c", CHILD, str(file)]
                environment = {**os.environ, **variables}
                done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
                runs[name].append(json.loads(done.stdout.splitlines()[-1]))
    for place, kind in enumerate(("with masks", "without masks")):
        each = {name: statistics.median(run[place] for run in measured) for name, measured in runs.items()}
        ratio = each["this"] / each[revision]
        record(f"{kind}: processor to {revision}", ratio, "ratio", "lower")
        print(f"{kind}: {each[revision]:.1f} ms of the processor -> {each['this']:.1f}, ratio {ratio:.2f}")


def frames(path: Path) -> Iterator[Image]:
    """Decodes the frames of a video, RGB, at native size."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def fitted(image: Image, width: int = 1280, height: int = 720) -> Image:
    """Letterboxes an image to width x height."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    canvas[top : top + size[1], left : left + size[0]] = scaled
    return canvas


def milliseconds(estimate: PoseEstimator, image: Image) -> tuple[float, bool]:
    """Time of one call, and whether it found a person."""
    start = time.perf_counter()
    found = bool(estimate(image))
    return (time.perf_counter() - start) * 1000, found


def measure(estimate: PoseEstimator, images: Iterator[Image], title: str) -> None:
    """Times every frame with tracking, and every tenth as a single image."""
    following, seen, samples = [], 0, []
    estimate.reset()
    for index, image in enumerate(images):
        duration, found = milliseconds(estimate, image)
        following.append(duration)
        seen += found
        if index % 10 == 0:
            samples.append(image)
    alone = []
    for image in samples:
        estimate.reset()
        alone.append(milliseconds(estimate, image)[0])
    record(f"{title}: following", np.median(following), "ms")
    record(f"{title}: as a photo", np.median(alone), "ms")
    record(f"{title}: found", 100 * seen / len(following), "%", "higher")
    print(
        f"{title}: {np.median(following):.1f} ms a frame while following (90 %: "
        f"{np.percentile(following, 90):.1f}), {np.median(alone):.1f} ms as a photo; "
        f"person found in {seen} of {len(following)} frames"
    )


def measure_people(images: list[Image], threads: int) -> None:
    """Time of one person followed, and of two in one picture: the person and a mirror image."""
    one, both = open_estimator(threads), open_estimator(threads, max_people=MAX_PEOPLE)
    times: dict[str, list[tuple[float, float]]] = {"one": [], "two": []}
    seen = 0
    for image in images:
        half = image[:, image.shape[1] // 4 : -image.shape[1] // 4]
        pair = np.ascontiguousarray(np.hstack([half, half[:, ::-1]]))
        for name, estimate in (("one", one), ("two", both)):  # in turn: a busy machine slows both alike
            start = time.perf_counter(), time.process_time()
            people = estimate(pair)
            times[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
        seen += len(people) == 2
    one_person, two_people = (np.median(times[name], axis=0) * 1000 for name in ("one", "two"))
    wall, processor = two_people - one_person
    record("a second person", wall, "ms")
    record("a second person, processor", processor, "ms")
    print(
        f"two people: {two_people[0]:.1f} ms a frame, {wall:.1f} more than one "
        f"({processor:.1f} of processor); both seen in {seen} of {len(images)} frames"
    )


def measure_parts(images: list[Image], threads: int) -> None:
    """Times body, hands and face with tracking, and prints their detection rates."""
    parts = {
        "body": open_estimator(threads, hands=False, face=False),
        "body, hands": open_estimator(threads, face=False),
        "body, face": open_estimator(threads, hands=False),
        "body, hands, face": open_estimator(threads),
    }
    times: dict[str, list[float]] = {name: [] for name in parts}
    seen = dict.fromkeys(("left hand", "right hand", "face"), 0)
    for image in images:
        for name, estimate in parts.items():  # in turn, so that a busy machine slows all alike
            start = time.perf_counter()
            people = estimate(image)
            times[name].append((time.perf_counter() - start) * 1000)
        for pose in (person.detection.pose for person in people):
            for name, points in zip(seen, (pose.left_hand, pose.right_hand, pose.face), strict=True):
                seen[name] += bool(points[:, 2].all())
    for name, values in times.items():
        record(f"parts: {name}", np.median(values), "ms")
        print(f"{name}: {np.median(values):.1f} ms a frame (10 %: {np.percentile(values, 10):.1f})")
    print(f"seen in {len(images)} frames: " + ", ".join(f"{name} {count}" for name, count in seen.items()))


def main() -> None:
    """Command line: prints the times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--against", metavar="REV")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    video = arguments.video or sample_clip()
    if arguments.against:
        images = [fitted(image) for image in islice(frames(video), arguments.frames)]
        compare(images, arguments.against, arguments.rounds)
        return
    estimate = open_estimator(threads=arguments.threads)
    measure(estimate, (fitted(image) for image in islice(frames(video), arguments.frames)), "1280x720")
    measure(estimate, islice(frames(video), arguments.frames), "as it is")
    images = [fitted(image) for image in islice(frames(video), 60)]
    measure_parts(images, arguments.threads)
    measure_people(images, arguments.threads)


if __name__ == "__main__":
    run_benchmark(main)

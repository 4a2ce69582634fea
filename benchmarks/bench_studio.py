"""Rendering time of a training data set by CPU time, and peak memory per process.

A sample of a whole set's images (its poses, cameras and faces) is rendered, PNG and label written, in a
separate process; one-time work of a set is timed apart. The time of a whole set on two cores is extrapolated
from both, so that it does not depend on the machine's load.

For comparison, OpenGL in Mesa's software rasteriser (opengl_software.py) renders the same figures in the same
poses; there only rendering is timed, without poses, springs, PNG and labels. Silhouettes are compared, too.

python benchmarks/bench_studio.py [AVATAR] [--images 4000] [--sample 120] [--sizes 512 1024]

Without AVATAR: Gene, from the folder that DANCE_NOW_DATA names, or else the built-in mascot.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.avatar.avatar_options import DEFAULT_OPTIONS
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import face_landmarks, with_observable_expressions
from dance_now.render.renderer import Renderer
from dance_now.synthesis.dataset import POINT_BUDGET
from dance_now.synthesis.dataset_renderer import DatasetConfig, DatasetRenderer, RenderJob
from dance_now.synthesis.poses.avatar_poser import AvatarPoser
from dance_now.synthesis.poses.motion_library import load_motion_library
from dance_now.synthesis.poses.pose_selection import select_poses
from dance_now.synthesis.surface.surface_points import sample_points
from figures import record, run_benchmark
from opengl_software import OpenGlSoftware

CORES = 2
COMPARED = 24  # pictures, every fourth of them a portrait


def prepare(avatar_path: Path, images: int, sample: int) -> tuple[list[RenderJob], float]:
    """Sample jobs of a set, and the seconds of one-time work."""
    begun = time.process_time()
    avatar = DEFAULT_OPTIONS.load(avatar_path)
    face = face_landmarks(avatar)
    avatar = with_observable_expressions(avatar, face)
    rig = BoneRig.of(avatar_skeleton(avatar, face))
    train, _ = select_poses(rig, load_motion_library(), images, np.random.default_rng(0))
    sample_points(avatar, POINT_BUDGET, 0, (), face)
    seconds = time.process_time() - begun
    rows = np.linspace(0, len(train) - 1, sample).round().astype(int)
    poses = train.poses
    jobs = [
        RenderJob("train", train.names[row], (0, 0, int(row)), poses.points[row], poses.rotations[row])
        for row in rows
    ]
    return jobs, seconds


def draw(avatar_path: Path, jobs: list[RenderJob], size: int) -> tuple[float, float, int]:
    """Seconds of start-up, seconds per image, and peak memory in MB; in its own process."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("img", "label"):
            (folder / f"train_{kind}").mkdir()
        studio = DatasetRenderer(
            DatasetConfig(
                avatar=avatar_path, folder=folder, size=size, expressions=True, options=DEFAULT_OPTIONS
            )
        )
        studio.draw(jobs[0])  # loads the compiled kernels
        started = time.process_time()
        for job in jobs:
            studio.draw(job)
        drawing = time.process_time() - started
    return started, drawing / len(jobs), peak_memory()


def beside_opengl(avatar_path: Path, jobs: list[RenderJob], size: int) -> str:
    """Result line: images per second and core of this renderer and of software OpenGL."""
    avatar = DEFAULT_OPTIONS.load(avatar_path)
    try:
        theirs = OpenGlSoftware(avatar, size)
    except DanceNowError as error:
        return f"{size}x{size}: not compared with OpenGL in software: {error}"
    ours, poser = Renderer(avatar, size), AvatarPoser(avatar)
    low, high = avatar.bounds()
    seconds, overlaps = [], []
    for number, job in enumerate([jobs[0], *jobs[:COMPARED]]):
        world = poser.world(job.points, job.rotations)
        place, cover = world[avatar.bones["hips"], :3, 3], 1.4
        if number % 4 == 3:
            place, cover = world[avatar.bones["head"], :3, 3], 0.35
        camera = Camera.orbit(15 * number, 5, place, cover * float(high[1] - low[1]))
        times, shapes = [], []
        for draw in (ours.render, theirs.render):
            begun = time.process_time()
            picture = draw(world, camera, {"aa": 0.5})
            times.append(time.process_time() - begun)
            shapes.append(picture[..., 3] > 127)
        if number:  # the first loads kernels and textures
            seconds.append(times)
            overlaps.append((shapes[0] & shapes[1]).sum() / (shapes[0] | shapes[1]).sum())
    rates = 1 / np.mean(seconds, axis=0)
    record(f"{size}x{size}: over OpenGL in software", rates[0] / rates[1], "times as fast")
    record(f"{size}x{size}: silhouette overlap with OpenGL", np.mean(overlaps), "IoU")
    return (
        f"{size}x{size}, drawing alone: {rates[0]:.0f} pictures a second and core; OpenGL ({theirs.name}) "
        f"{rates[1]:.0f}; their silhouettes overlap by {np.mean(overlaps):.3f}"
    )


def peak_memory() -> int:
    """Peak memory of this process, MB; on Linux without what it inherited from its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        return (
            next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line) // 1024
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20


def main() -> None:
    """Command line: prints a line for each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("avatar", nargs="?", type=Path)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--sample", type=int, default=120)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024])
    arguments = parser.parse_args()
    gene = Path(os.environ.get("DANCE_NOW_DATA", "")) / "characters" / "gene.vrm"
    path = avatar_file(arguments.avatar or (gene if gene.is_file() else Path(MASCOT)))
    jobs, once = prepare(path, arguments.images, arguments.sample)
    print(f"{path.name}: poses and points of {arguments.images} pictures take {once:.1f} s, once")
    for size in arguments.sizes:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            start, picture, memory = pool.submit(draw, path, jobs, size).result()
        minutes = (once + start + arguments.images * picture / CORES) / 60
        record(f"{size}x{size}: a picture", 1000 * picture, "ms")
        record(f"{size}x{size}: memory", memory, "MB")
        record(f"{size}x{size}: {arguments.images} pictures on {CORES} cores", 60 * minutes, "s")
        print(
            f"{size}x{size}: {1000 * picture:.0f} ms a picture, start {start:.1f} s, {memory} MB each, "
            f"{arguments.images} pictures on {CORES} cores: {minutes:.1f} min"
        )
        print(beside_opengl(path, jobs, size))


if __name__ == "__main__":
    run_benchmark(main)

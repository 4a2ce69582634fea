"""Prints how near swinging hair and skirts come to the studio's own, and what they cost.

Avatars perform motions, as ``dance-now render AVATAR -o CLIP`` shows them; the surface is drawn from the same
keypoints, once with springs that hang still in every frame, once with simulated ones, which are told that the
camera follows the figure. Over the frames of a
motion: PSNR in dB of what lies within 4 px of vertices that springs carry, in pictures of 512 px; distance of
springs' tips from the studio's, as the mean and the 95th percentile, in % of the figure's height. Then how
far tips at 12, 24 and 60 frames a second are from those at 30, and milliseconds of a simulated frame.

DANCE_NOW_DATA=... python benchmarks/bench_springs.py [AVATAR ...]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.character.templates.surface import SurfaceDrawing
from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.model.pose import Pose
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.render.renderer import Renderer
from dance_now.synthesis.avatar_clip import AvatarClip, ClipMoment
from dance_now.synthesis.dataset_renderer import label
from dance_now.training.surface.surface_builder import surface_arrays
from figures import record, run_benchmark

MOTIONS: Final = (
    "deepmimic/humanoid3d_dance_b.txt",
    "deepmimic/humanoid3d_spin.txt",
    "deepmimic/humanoid3d_jump.txt",
    "deepmimic/humanoid3d_run.txt",
    "cmu_actions/test_walking_walking_1.bvh",
    "cmu_actions/test_basketball_basketball_1.bvh",
)
SIZE: Final = 512
MOST_FRAMES: Final = 90
NEAR: Final = 4  # px
BONES: Final = 47
RATES: Final = (12, 24, 60)
_HIPS: Final = BODY_INDEX["mid_hip"]

Tails = npt.NDArray[np.float64]


def main(names: Sequence[str]) -> int:
    """Prints a table for each avatar."""
    motions = Path(os.environ.get("DANCE_NOW_DATA", "")) / "motions"
    if not motions.is_dir():
        sys.exit("error: set DANCE_NOW_DATA to the folder with motions/")
    for name in names or (MASCOT,):
        compare(avatar_file(Path(name)), motions)
    return 0


def compare(avatar_path: Path, motions: Path) -> None:
    """Prints an avatar's table."""
    options = AvatarOptions(has_permission=True)
    avatar = options.load(avatar_path)
    skeleton, arrays = surface_arrays(avatar, None)
    drawing = SurfaceDrawing(skeleton, arrays)
    swings = (arrays.joints >= BONES) & (arrays.weights > 0)
    carried = np.flatnonzero(swings.any(axis=1))
    joints = avatar.spring_rig.joints if avatar.spring_rig else ()
    print(f"{avatar_path.stem}: {len(joints)} spring joints, {len(carried)} vertices on them")
    print(f"{'':36s}   still  swinging     tips: still      swinging")
    renderer = Renderer(avatar, SIZE)
    for file in MOTIONS:
        clip = AvatarClip(avatar_path, motions / file, SIZE, options)
        moments = [moment for moment, _ in zip(clip.moments(), range(MOST_FRAMES), strict=False)]
        poses = [label(moment.points, moment.camera, SIZE, None) for moment in moments]
        times = [moment.time for moment in moments]
        pan = [moment.camera.centre[0] * SIZE / moment.camera.height for moment in moments]
        tails = simulated(drawing, poses, times, pan)
        quality, distances = [], []
        for moment, pose, swung in zip(moments, poses, tails, strict=True):
            true = renderer.render(moment.swung, moment.camera)
            points = np.column_stack([pose.points[:, :2], pose.depth, pose.points[:, 2]]).astype(np.float32)
            (simulation,) = [drawing.spring_simulation()]
            assert simulation is not None
            still = simulation(pose, 0.0)
            tips = true_tails(joints, moment)
            distances.append([np.linalg.norm(each - tips, axis=1) for each in (still, swung)])
            drawn = [draw(drawing, points, each) for each in (still, swung)]
            near = np.zeros((SIZE, SIZE), np.uint8)
            for vertices, _ in drawn:
                places = np.rint(vertices[carried, :2] / 2).astype(int).clip(0, SIZE - 1)
                near[places[:, 1], places[:, 0]] = 1
            region = cv2.dilate(near, np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)) > 0
            quality.append([decibels(picture, true, region) for _, picture in drawn])
        still_db, swung_db = np.median(quality, axis=0)
        parts = 100 * np.concatenate(distances, axis=1) / skeleton.height
        (still_mean, still_far), (mean, far) = ((each.mean(), np.percentile(each, 95)) for each in parts)
        which = f"{avatar_path.stem}, {Path(file).stem}"
        record(f"{which}: PSNR, still", still_db, "dB")
        record(f"{which}: PSNR, swinging", swung_db, "dB")
        record(f"{which}: tips, swinging", mean, "% of the height", "lower")
        print(
            f"{Path(file).stem:36s} {still_db:7.2f} {swung_db:9.2f}"
            f"   {still_mean:6.2f} {still_far:6.2f}   {mean:6.2f} {far:6.2f}",
            flush=True,
        )
    rates(avatar_path.stem, drawing, poses, times, skeleton.height)


def rates(
    name: str, drawing: SurfaceDrawing, poses: Sequence[Pose], times: Sequence[float], height: float
) -> None:
    """Prints how much the frame rate changes tips, and the time of a frame."""
    usual = np.stack(simulated(drawing, poses, times))
    for rate in RATES:
        at = np.arange(0, times[-1], 1 / rate)
        found = np.stack(simulated(drawing, [resampled(poses, times, each) for each in at], at.tolist()))
        same = np.stack([np.interp(at, times, column) for column in usual.reshape(len(usual), -1).T], axis=1)
        away = np.linalg.norm(found - same.reshape(found.shape), axis=2) / height
        record(f"{name}: tips at {rate} frames a second", 100 * away.mean(), "% of the height", "lower")
        print(
            f"{rate} frames a second: tips {100 * away.mean():.2f} % off, 95 % within "
            f"{100 * np.percentile(away, 95):.2f} %"
        )
    begun = time.process_time()
    simulated(drawing, poses, times)
    spent = 1000 * (time.process_time() - begun) / len(poses)
    record(f"{name}: simulation of a frame", spent, "ms")
    print(f"{spent:.2f} ms a frame")


def simulated(
    drawing: SurfaceDrawing, poses: Sequence[Pose], times: Sequence[float], pan: Sequence[float] | None = None
) -> list[Tails]:
    """(J, 3) tails of every pose; ``pan`` is where the camera is, px across."""
    simulate = drawing.spring_simulation()
    assert simulate is not None
    shifts = -np.diff(pan, prepend=pan[0]) if pan is not None else np.zeros(len(poses))
    return [
        simulate(pose, time, scene_shift=(shift, 0.0))
        for pose, time, shift in zip(poses, times, shifts.tolist(), strict=True)
    ]


def resampled(poses: Sequence[Pose], times: Sequence[float], at: float) -> Pose:
    """The pose at a time between frames."""
    after = min(int(np.searchsorted(times, at, side="right")), len(times) - 1)
    before = max(after - 1, 0)
    share = np.float32((at - times[before]) / max(times[after] - times[before], 1e-9))
    first, last = poses[before], poses[after]
    return Pose(
        first.points + (last.points - first.points) * share,
        first.depth + (last.depth - first.depth) * share,
        first.has_depth,
    )


def true_tails(joints: Sequence, moment: ClipMoment) -> Tails:
    """(J, 3) the studio's tails, relative to the hips."""
    ends = [moment.swung[joint.node] @ np.append(joint.tail, 1.0) for joint in joints]
    return np.array(ends)[:, :3] - moment.points[_HIPS]


def draw(
    drawing: SurfaceDrawing, points: FloatArray, tails: Tails, size: int = SIZE
) -> tuple[FloatArray, Image]:
    """Placed vertices, and the picture."""
    drawing.place(points, screen_height=size, tails=tails)
    vertices = drawing.vertices[: len(drawing.vertices) // 2].copy()
    picture = np.zeros((size, size, 4), np.uint8)
    part = drawing.paint_part((size, size))
    if part is not None:
        window, pixels = part
        picture[window.top : window.top + window.height, window.left : window.left + window.width] = pixels
    return vertices, picture


def decibels(drawn: Image, true: Image, region: npt.NDArray[np.bool_]) -> float:
    """PSNR over grey within a region."""
    over = [
        each[..., :3] * (each[..., 3:] / 255) + 128 * (1 - each[..., 3:] / 255)
        for each in (drawn.astype(np.float32), true.astype(np.float32))
    ]
    error = np.square(over[0] - over[1])[region].mean()
    return float(10 * np.log10(255**2 / max(float(error), 1e-6)))


if __name__ == "__main__":
    run_benchmark(lambda: main(sys.argv[1:]))

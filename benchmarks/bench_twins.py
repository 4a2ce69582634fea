"""Whole replacements against truth: rendered people of known pose, and the character in it (``twin_scenes``).

Rows:

- empty: the background alone; a frame in which nobody is found counts as this one.
- fast, best: what ``dance`` writes, without color match.
- ours: the pose of ``dance`` for files, drawn before the true background; the rows below differ in one thing.
- true pose; true 2D (with our depth); true depth (with our 2D): through our retargeting.
- true root and scale: ours, moved and scaled to the truth.
- original: 2D keypoints scaled and shifted as in Everybody Dance Now, not retargeted; 12 frames of a clip.

Columns: dB around both figures, as placed and after the true scale and shift (the first measures placing, the
second limbs); PSNR and SSIM of the whole frame; joints, mean distance in the image in % of the height; limbs,
mean angle in degrees; signs, share of right depth signs of segments more than 15 degrees out of the image's
plane; flicker, mean change of the error around the figures from frame to frame, in levels; missed frames.

python benchmarks/bench_twins.py [--full] [--clips N] [--frames N] [--json FILE] [--sheet FILE]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.app.dance import dance
from dance_now.character.character import Character
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import read_image
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.clip_motion import read_clip
from dance_now.pose.retarget.retargeter import Retargeter
from figures import Better, record, record_table, run_benchmark
from twin_scenes import RATE, SIZE, TwinCase, TwinFrame, cases, figure_layer, frames, over

Array = npt.NDArray[np.float64]
Drawn = tuple[Pose, float] | None  # a character's pose, and pixels per metre

COUNT: Final = 48
ORIGINAL_FRAMES: Final = 12
SEGMENTS: Final = np.array([(8, 1), (5, 6), (6, 7), (2, 3), (3, 4), (12, 13), (13, 14), (9, 10), (10, 11)])
OUT_OF_PLANE: Final = np.sin(np.radians(15))
UNITS: Final[dict[str, tuple[str, Better]]] = {
    "around": ("dB", "higher"),
    "moved": ("dB", "higher"),
    "psnr": ("dB", "higher"),
    "ssim": ("SSIM", "higher"),
    "joints": ("% of the height", "lower"),
    "limbs": ("degrees", "lower"),
    "signs": ("share", "higher"),
    "flicker": ("levels", "lower"),
}
_JOINTS: Final = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
_SSIM: Final = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)


class Scores:
    """Columns of one row, frame by frame."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}
        self._before: Array | None = None

    def next_clip(self) -> None:
        """Marks the end of a clip."""
        self._before = None

    def add(self, frame: TwinFrame, image: Image, drawn: Drawn = None, moved: Image | None = None) -> None:
        """Adds a frame: the image as placed, the pose behind it, the image after the true scale and shift."""
        error = image.astype(np.float64) - frame.truth
        around = error[frame.region]
        self._note("around", _psnr(around))
        if moved is not None:
            self._note("moved", _psnr((moved.astype(np.float64) - frame.truth)[frame.region]))
        self._note("psnr", _psnr(error))
        self._note("ssim", _ssim(image, frame.truth))
        if self._before is not None:
            self._note("flicker", float(np.abs(error - self._before)[frame.region].mean()))
        self._before = error
        if drawn is not None:
            self._add_pose(frame, drawn[0])

    def _add_pose(self, frame: TwinFrame, pose: Pose) -> None:
        away = np.linalg.norm(pose.body[_JOINTS, :2] - frame.character.body[_JOINTS, :2], axis=1)
        self._note("joints", 100 * float(away.mean()) / frame.height)
        ours, true = _directions(pose), _directions(frame.character)
        self._note("limbs", float(np.degrees(np.arccos(np.clip((ours * true).sum(axis=1), -1, 1))).mean()))
        steep = np.abs(true[:, 2]) > OUT_OF_PLANE
        for right in np.sign(ours[steep, 2]) == np.sign(true[steep, 2]):
            self._note("signs", float(right))

    def _note(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)

    def means(self) -> dict[str, float]:
        """Mean of each column."""
        return {name: round(float(np.mean(values)), 4) for name, values in self.values.items()}


def _psnr(error: Array) -> float:
    return float(10 * np.log10(255**2 / max(float((error**2).mean()), 1e-3)))


def _ssim(one: Image, other: Image) -> float:
    """Structural similarity of two images' luma (Wang et al., 2004)."""
    a, b = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY).astype(np.float64) for each in (one, other))
    mean_a, mean_b, square_a, square_b, product = (
        cv2.GaussianBlur(each, (11, 11), 1.5) for each in (a, b, a * a, b * b, a * b)
    )
    first, second = _SSIM
    above = (2 * mean_a * mean_b + first) * (2 * (product - mean_a * mean_b) + second)
    below = (mean_a**2 + mean_b**2 + first) * (square_a - mean_a**2 + square_b - mean_b**2 + second)
    return float((above / below).mean())


def _directions(pose: Pose) -> Array:
    points = np.column_stack([pose.body[:, :2], pose.depth[:25]]).astype(np.float64)
    along = points[SEGMENTS[:, 1]] - points[SEGMENTS[:, 0]]
    return np.asarray(along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9))


def true_parts(pose: Pose, frame: TwinFrame, places: bool, depth: bool) -> Pose:
    """Our pose with the performer's true body places, depths, or both."""
    points, depths, has = pose.points.copy(), pose.depth.copy(), pose.has_depth.copy()
    known = np.flatnonzero(frame.performer.visible[:25])
    if places:
        for wrist, start in ((7, 95), (4, 116), (0, 25)):
            rows = slice(start, start + (70 if wrist == 0 else 21))
            moved = frame.performer.points[wrist, :2] - points[wrist, :2]
            points[rows, :2] += moved * (points[rows, 2:] > 0)
        points[known] = frame.performer.points[known]
    if depth:
        depths[known] = frame.performer.depth[known]
        has[known] = True
    return Pose(points, depths, has)


def retargeted(character: Character, poses: Sequence[Pose | None]) -> list[Drawn]:
    """The character's poses for a clip, as ``dance`` computes them."""
    retargeter = Retargeter(character.skeleton)
    times = [index / RATE for index in range(len(poses))]
    readings = read_clip(retargeter, poses, times, (SIZE, SIZE))
    built = [None if reading is None else retargeter.build(reading) for reading in readings]
    return [None if each is None else (each.pose, each.scale) for each in built]


def original(pose: Pose, frames_of_clip: Sequence[TwinFrame], index: int) -> Drawn:
    """The performer's keypoints, scaled to the character's height, on its soles (Chan et al., 2019)."""
    frame = frames_of_clip[index]
    person, character = pose.body[[0, 11, 14], 1], frame.character.body[[0, 11, 14], 1]
    scale = float(character[1:].max() - character[0]) / max(float(person[1:].max() - person[0]), 1.0)
    feet, theirs = pose.body[[11, 14], :2].mean(axis=0), frame.character.body[[11, 14], :2].mean(axis=0)
    shift = theirs - scale * feet
    moved = pose.transformed(scale, (float(shift[0]), float(shift[1])))
    known = frame.character.visible
    points = np.where(moved.visible[:, None], moved.points, 0).copy()
    lost = known & ~moved.visible  # rigid parts that the estimator did not see
    points[lost] = frame.character.points[lost]
    points[lost, :2] += moved.points[0, :2] - frame.character.points[0, :2]
    points[~known] = 0
    points[known, 2] = 1
    return Pose(points.astype(np.float32), moved.depth, known), frame.scale


def on_truth(drawn: Drawn, frame: TwinFrame) -> Drawn:
    """A drawn pose after the true scale and shift: soles and mid-hip of the truth."""
    if drawn is None:
        return None
    pose, scale = drawn
    ratio = frame.scale / scale
    shift = frame.character.points[8, :2] - ratio * pose.points[8, :2]
    return pose.transformed(ratio, (float(shift[0]), float(shift[1]))), frame.scale


def image_of(character: Character, drawn: Drawn, frame: TwinFrame) -> Image:
    """The character before the true background, in the frame's own light."""
    if drawn is None:
        return frame.empty
    return over(figure_layer(character, *drawn), frame.empty, frame.light)


def danced(clip: Sequence[TwinFrame], character: Character, quality: str) -> list[Image]:
    """What ``dance`` writes; the source's frames where it finds nobody at all."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "out"
        source.mkdir()
        for index, frame in enumerate(clip):
            cv2.imwrite(str(source / f"{index:04d}.png"), frame.image[..., ::-1])
        try:
            dance(
                source,
                character,
                target,
                sequence=True,
                frame_rate=RATE,
                match=0.0,
                quality=quality,  # type: ignore[arg-type]
            )
        except DanceNowError:
            return [frame.empty for frame in clip]
        found = sorted(target.glob("*.png"))
        return [read_image(path)[..., :3] for path in found]


def measure(case: TwinCase, count: int, rows: dict[str, Scores], tiles: list[Image]) -> int:
    """Adds one clip to the rows; returns the number of frames in which nobody is found."""
    character = Character.load(case.character)
    clip = list(frames(case, character, count))
    estimator = open_estimator(threads=1)
    poses = [next((p.detection.pose for p in estimator(frame.image)), None) for frame in clip]
    missed = sum(pose is None for pose in poses)
    changes: dict[str, Callable[[Pose, TwinFrame], Pose]] = {
        "ours": lambda pose, frame: pose,
        "true pose": lambda pose, frame: true_parts(pose, frame, True, True),
        "true 2D": lambda pose, frame: true_parts(pose, frame, True, False),
        "true depth": lambda pose, frame: true_parts(pose, frame, False, True),
    }
    drawn = {}
    for name, change in changes.items():
        given = [
            (change(frame.performer, frame) if name == "true pose" else None)
            if pose is None
            else change(pose, frame)
            for pose, frame in zip(poses, clip, strict=True)
        ]
        drawn[name] = retargeted(character, given)
    drawn["true root and scale"] = [
        on_truth(each, frame) for each, frame in zip(drawn["ours"], clip, strict=True)
    ]
    results = {quality: danced(clip, character, quality) for quality in ("fast", "best")}
    every = max(1, count // ORIGINAL_FRAMES)
    for index, frame in enumerate(clip):
        rows["empty"].add(frame, frame.empty)
        for quality, images in results.items():
            nobody = drawn["ours"][index] is None
            rows[quality].add(frame, frame.empty if nobody else images[index], drawn["ours"][index])
        for name, poses_drawn in drawn.items():
            pose = poses_drawn[index]
            moved = image_of(character, on_truth(pose, frame), frame)
            rows[name].add(frame, image_of(character, pose, frame), pose, moved)
        own = poses[index]
        if index % every == 0 and own is not None:
            scaled = original(own, clip, index)
            rows["original"].add(frame, image_of(character, scaled, frame), scaled)
        if index == count // 2:
            row = (
                frame.image,
                frame.truth,
                results["fast"][index],
                image_of(character, drawn["ours"][index], frame),
            )
            tile = cv2.resize(np.hstack(row), (4 * 320, 320), interpolation=cv2.INTER_AREA)
            tiles.append(np.asarray(tile, np.uint8))
    for scores in rows.values():
        scores.next_clip()
    return missed


ROWS: Final = (
    *(
        "empty",
        "fast",
        "best",
        "ours",
        "true pose",
        "true 2D",
        "true depth",
        "true root and scale",
        "original",
    ),
)


def main() -> None:
    """Command line: prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="all clips instead of twelve")
    parser.add_argument("--clips", type=int, help="only the first so many")
    parser.add_argument("--frames", type=int, default=COUNT)
    parser.add_argument("--sheet", type=Path, help="source, truth, fast, and ours of the middle frames")
    arguments = parser.parse_args()
    rows = {name: Scores() for name in ROWS}
    tiles: list[Image] = []
    missed, chosen = 0, cases(arguments.full)[: arguments.clips]
    for case in chosen:
        lost = measure(case, arguments.frames, rows, tiles)
        missed += lost
        print(f"{case}: {lost} of {arguments.frames} frames missed", flush=True)
    table = {name: scores.means() for name, scores in rows.items()}
    print(f"{len(chosen)} clips of {arguments.frames} frames; nobody found in {missed}")
    for name, columns in table.items():
        print(f"{name:20}" + "  ".join(f"{key} {value:.3g}" for key, value in columns.items()))
    record("frames missed", missed, "frames", "lower")
    record_table(table, UNITS)
    if arguments.sheet:
        cv2.imwrite(str(arguments.sheet), np.vstack(tiles)[..., ::-1])


if __name__ == "__main__":
    run_benchmark(main)

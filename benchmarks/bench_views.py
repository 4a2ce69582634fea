"""Pose against truth: a real man before four calibrated cameras, triangulated without the view under test.

Each view is estimated alone and retargeted to an average adult; the truth is what the three other views say
(``calibrated_views``), turned to the ray through the hips. Limbs whose triangulated length departs by more
than 8 % from the clip's median are left out.

- limbs: mean angle in degrees between true and read 3D directions of trunk, upper arms, forearms, thighs and
  shins; signs: share of right depth signs of segments more than 15 degrees out of the image's plane.
- lean: mean of the trunk's angle out of the image's plane, read minus true, degrees.
- height: standing height read, of the true one; slope: of the camera, read minus true.
- exchanged: frames in which the estimator's left and right legs or arms fit better the other way round.
- joints: mean distance of the drawn figure's joints from the true ones in the image, of the height.

Rows: ours live and for files; the lifter's depth instead of BlazePose's; true 2D, true depth, and both, for
files. With ``pose_landmark_heavy.tflite`` in the folder that DANCE_NOW_MODELS names, also the heavy network.

python benchmarks/bench_views.py [--json FILE]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from calibrated_views import CAMERAS, DELAYS, CalibratedCamera, clip_frames, read_cameras, true_joints
from dance_now.assets import registry
from dance_now.pose.estimators.holistic import Holistic
from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.body_scale import SEGMENT_INDEX, SEGMENT_RATIOS
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.clip_motion import read_clip
from dance_now.pose.retarget.limb_depth import leveling_rotation
from dance_now.pose.retarget.motion_state import LiveSmoother, MotionState
from dance_now.pose.retarget.retargeter import Retargeter
from figures import Better, record_table, run_benchmark

Array = npt.NDArray[np.float64]

RATE: Final = 60.0
LENGTH_GATE: Final = 0.08
OUT_OF_PLANE: Final = np.radians(15)
# Segment: first and last body point, row of ``MotionState.limbs``, part.
SEGMENTS: Final = (
    (8, 1, 2, "trunk", "trunk"),
    (5, 6, 5, "upper arm", "left_upper_arm"),
    (6, 7, 6, "forearm", "left_forearm"),
    (2, 3, 7, "upper arm", "right_upper_arm"),
    (3, 4, 8, "forearm", "right_forearm"),
    (12, 13, 9, "thigh", "left_thigh"),
    (13, 14, 10, "shin", "left_shin"),
    (9, 10, 11, "thigh", "right_thigh"),
    (10, 11, 12, "shin", "right_shin"),
)
PARTS: Final = ("trunk", "upper arm", "forearm", "thigh", "shin")
_ENDS: Final = np.array([segment[:2] for segment in SEGMENTS])
_ROWS: Final = np.array([segment[2] for segment in SEGMENTS])
_LIMBS: Final = ("limbs", "trunk", "upper arm", "forearm", "thigh", "shin", *CAMERAS)
UNITS: Final[dict[str, tuple[str, Better]]] = {
    **dict.fromkeys(_LIMBS, ("degrees", "lower")),
    "exchanged": ("share of frames", "lower"),
    "signs": ("share", "higher"),
    "lean": ("degrees", "neither"),
    "height": ("of the truth", "neither"),
    "slope": ("", "neither"),
    "joints": ("of the height", "lower"),
}
_EXCHANGED: Final = ((2, 3, 4), (5, 6, 7)), ((9, 10, 11), (12, 13, 14))
_LARGE: Final = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])


@dataclass(frozen=True, eq=False)
class Truth:
    """What one camera would have to see; NaN where it is not known.

    Attributes:
        joints: (n, 25, 3) view frame (x right, y up, z towards the viewer), metres from the hips.
        pixels: (n, 25, 2) in the image.
        scale: (n,) pixels a metre.
        directions: (n, 9, 3) unit vectors of SEGMENTS.
        height: of the standing man, metres.
        slope: (n,) of the camera at the man: the tangent of its pitch.
    """

    joints: Array
    pixels: Array
    scale: Array
    directions: Array
    height: float
    slope: Array

    @classmethod
    def of(cls, camera: CalibratedCamera, world: Array) -> Truth:
        """Brings triangulated joints (n, 25, 3) to the view of a camera."""
        joints, pixels = np.full_like(world, np.nan), np.full((*world.shape[:2], 2), np.nan)
        scale, slope = np.full(len(world), np.nan), np.full(len(world), np.nan)
        for frame, points in enumerate(world):
            if np.isnan(points[8]).any():
                continue
            axes, known = camera.view_axes(points[8]), ~np.isnan(points[:, 0])
            joints[frame] = (points - points[8]) @ axes.T
            pixels[frame, known] = camera.project(points[known])
            scale[frame] = camera.pixels_per_metre(points[8])
            up = axes @ [0.0, 0.0, 1.0]
            slope[frame] = up[2] / np.hypot(up[0], up[1])
        segments = joints[:, _ENDS[:, 1]] - joints[:, _ENDS[:, 0]]
        length = np.linalg.norm(segments, axis=2)
        median = np.nanmedian(length, axis=0)
        segments[np.abs(length / median - 1) > LENGTH_GATE] = np.nan
        ratios = SEGMENT_RATIOS[[SEGMENT_INDEX[segment[4]] for segment in SEGMENTS]]
        directions = segments / np.linalg.norm(segments, axis=2, keepdims=True)
        return cls(joints, pixels, scale, directions, float(median.sum() / ratios.sum()), slope)


def estimate(heavy: bool) -> list[list[Pose | None]]:
    """Poses of each camera, frame by frame, synchronous."""
    found = []
    for camera, delay in zip(CAMERAS, DELAYS, strict=True):
        estimator = Holistic(1, hands=False, face=False, heavy=heavy)
        poses = [next((p.detection.pose for p in estimator(image)), None) for image in clip_frames(camera)]
        found.append(poses[delay:])
    frames = min(map(len, found))
    return [poses[:frames] for poses in found]


def with_truth(pose: Pose, truth: Truth, frame: int, places: bool, depth: bool) -> Pose:
    """The pose with true places, true depths, or both, where they are known."""
    points, depths, has = pose.points.copy(), pose.depth.copy(), pose.has_depth.copy()
    known = np.flatnonzero(~np.isnan(truth.pixels[frame, :, 0]))
    if places:
        moved = truth.pixels[frame, known] - points[known, :2]
        for wrist, start in ((7, 95), (4, 116)):
            if wrist in known:
                points[start : start + 21, :2] += moved[known == wrist] * (points[start : start + 21, 2:] > 0)
        points[known, :2] = truth.pixels[frame, known]
        points[known, 2] = np.maximum(points[known, 2], 0.9)
    if depth:
        depths[known] = -truth.joints[frame, known, 2] * truth.scale[frame]
        has[known] = True
    return Pose(points, depths, has)


def without_depth(pose: Pose, truth: Truth, frame: int) -> Pose:
    """The pose without depth, which the lifter then supplies."""
    return Pose(pose.points)


Change = Callable[[Pose, Truth, int], Pose]
CHANGES: Final[dict[str, tuple[Change, bool]]] = {
    "ours, live": (lambda pose, truth, frame: pose, False),
    "ours, files": (lambda pose, truth, frame: pose, True),
    "lifter, live": (without_depth, False),
    "lifter, files": (without_depth, True),
    "true 2D": (lambda pose, truth, frame: with_truth(pose, truth, frame, True, False), True),
    "true 2D, lifter": (
        lambda pose, truth, frame: Pose(with_truth(pose, truth, frame, True, False).points),
        True,
    ),
    "true depth": (lambda pose, truth, frame: with_truth(pose, truth, frame, False, True), True),
    "true 2D and depth": (lambda pose, truth, frame: with_truth(pose, truth, frame, True, True), True),
}


def read(
    poses: Sequence[Pose | None], files: bool, size: tuple[int, int]
) -> tuple[list[MotionState | None], Array]:
    """Motion states, and the drawn adult's body points (n, 25, 2) in pixels."""
    skeleton = replace(adult_skeleton(), pitches=(-35.0, 35.0))
    retargeter, times = Retargeter(skeleton), [frame / RATE for frame in range(len(poses))]
    states: list[MotionState | None]
    if files:
        states = read_clip(retargeter, poses, times, size)
    else:
        smooth = LiveSmoother()
        states = [
            None if pose is None else smooth(retargeter.read(pose, time, size))
            for pose, time in zip(poses, times, strict=True)
        ]
    build, drawn = Retargeter(skeleton), np.full((len(poses), 25, 2), np.nan)
    for frame, state in enumerate(states):
        if state is not None:
            drawn[frame] = build.build(state).pose.points[:25, :2]
    return states, drawn


def measure(
    truths: Sequence[Truth], readings: Sequence[tuple[list[MotionState | None], Array]]
) -> dict[str, float]:
    """All columns, over all cameras."""
    errors, signs, lean, heights, slopes, joints = [], [], [], [], [], []
    cameras = {}
    for camera, truth, (states, drawn) in zip(CAMERAS, truths, readings, strict=True):
        own = []
        for frame, state in enumerate(states):
            if state is None or np.isnan(truth.scale[frame]):
                continue
            found = (state.limbs @ leveling_rotation(state.slope))[_ROWS]
            found = found / np.linalg.norm(found, axis=1, keepdims=True)
            true = truth.directions[frame]
            own.append(np.degrees(np.arccos(np.clip((found * true).sum(axis=1), -1, 1))))
            steep = np.abs(np.arcsin(np.clip(true[:, 2], -1, 1))) > OUT_OF_PLANE
            signs += (np.sign(found[:, 2]) == np.sign(true[:, 2]))[steep].tolist()
            lean.append(np.degrees(np.arcsin(found[0, 2]) - np.arcsin(np.clip(true[0, 2], -1, 1))))
            tall = truth.height * truth.scale[frame]
            heights.append(state.height / tall)
            slopes.append(state.slope - truth.slope[frame])
            away = np.linalg.norm(drawn[frame, _LARGE] - truth.pixels[frame, _LARGE], axis=1)
            joints.append(np.nanmean(away) / tall)
        errors.append(np.array(own))
        cameras[camera] = float(np.nanmean(errors[-1]))
    every = np.concatenate(errors)
    part = np.array([segment[3] for segment in SEGMENTS])
    return {
        "limbs": float(np.nanmean(every)),
        **{name: float(np.nanmean(every[:, part == name])) for name in PARTS},
        "signs": float(np.mean(signs)),
        "lean": float(np.nanmean(lean)),
        "height": float(np.nanmedian(heights)),
        "slope": float(np.nanmedian(slopes)),
        "joints": float(np.nanmean(joints)),
        **cameras,
    }


def exchanged(truth: Truth, poses: Sequence[Pose | None]) -> tuple[int, int]:
    """Frames in which arms or legs fit the truth better with left and right exchanged, and frames in all."""
    wrong = total = 0
    for frame, pose in enumerate(poses):
        if pose is None or np.isnan(truth.scale[frame]):
            continue
        total += 1
        body = pose.body[:, :2]
        for one, other in _EXCHANGED:
            as_is = np.concatenate([body[list(one)], body[list(other)]])
            swapped = np.concatenate([body[list(other)], body[list(one)]])
            true = truth.pixels[frame, [*one, *other]]
            plain, crossed = (np.linalg.norm(each - true, axis=1) for each in (as_is, swapped))
            if np.nanmean(crossed) < np.nanmean(plain):
                wrong += 1
                break
    return wrong, total


def main() -> None:
    """Command line: prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    cameras = read_cameras()
    networks: dict[str, list[list[Pose | None]]] = {"full": estimate(False)}
    if registry.heavy_pose_model() is not None:
        networks["heavy"] = estimate(True)
    best = networks[next(reversed(networks))]
    truths = [
        Truth.of(camera, true_joints(cameras, best, without=view)) for view, camera in enumerate(cameras)
    ]
    known = np.mean([np.isfinite(truth.directions[..., 0]).mean() for truth in truths])
    print(f"{len(best[0])} frames, {known:.0%} of limbs with a truth, height {truths[0].height:.2f} m")
    size = next(clip_frames(CAMERAS[0])).shape[1::-1]
    table = {}
    for network, poses in networks.items():
        for truth, camera, own in zip(truths, CAMERAS, poses, strict=True):
            wrong, total = exchanged(truth, own)
            table[f"{network} {camera}"] = {"exchanged": wrong / total}
            print(f"{network} network, {camera}: left and right exchanged in {wrong} of {total} frames")
        for name, (change, files) in CHANGES.items():
            readings = [
                read(
                    [
                        None
                        if pose is None
                        else pose
                        if np.isnan(truth.scale[frame])
                        else change(pose, truth, frame)
                        for frame, pose in enumerate(own)
                    ],
                    files,
                    (int(size[0]), int(size[1])),
                )
                for truth, own in zip(truths, poses, strict=True)
            ]
            row = table[f"{network} {name}"] = measure(truths, readings)
            print(f"{network:5} {name:18} " + "  ".join(f"{key} {value:.3g}" for key, value in row.items()))
    record_table(table, UNITS)


if __name__ == "__main__":
    run_benchmark(main)

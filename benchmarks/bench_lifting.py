"""Accuracy of lifting 2D poses: limb lengths alone against the network that ships.

People of different builds perform held-out motions (15 % of the motion library) before known cameras; a
synthetic detector with stated errors in x and y (``synthetic_people.Noise``) gives their points without
depth. Both methods go through the whole retargeter, to an average adult.

- joints: mean error in mm of 13 joints, aligned at the hips (MPJPE), for a person of 1.75 m.
- limbs: median angle between true and estimated direction of trunk, arms and legs, and the share more than 60
  degrees off.

python benchmarks/bench_lifting.py [--seconds 2]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Final
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.training.lifter.lifter_data import split_motions
from figures import record, run_benchmark
from retarget_modes import JOINTS, MODES, VIEWS, angular_errors, view_points
from synthetic_people import RATE, Noise, adult, detected, performed, seen

Array = npt.NDArray[np.float64]

NECK: Final = 1


def main() -> None:
    """Command line: prints the errors by camera."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=2.0)
    frames = round(parser.parse_args().seconds * RATE)
    skeleton = replace(adult(), pitches=(-30.0, 30.0))
    motions = split_motions()[1]
    print(f"{len(motions)} held-out motions: joints mm, limbs median degrees, share beyond 60 degrees")
    for title, view in VIEWS.items():
        cases = []
        for seed, motion in enumerate(motions):
            person = adult(np.random.default_rng(seed))
            true, image = seen(performed(motion, person, list(motion.frames[:frames])), view)
            cases.append((true, without_depth(detected(image, person.known, view, Noise(), seed))))
        for name in MODES:
            with patch("dance_now.pose.retarget.posture_reading.open_lifter", return_value=lambda pose: pose):
                print(f"  {title:9} {name:5} lengths {measured(skeleton, cases, name, f'{title}, lengths')}")
            print(f"  {title:9} {name:5} network {measured(skeleton, cases, name, f'{title}, network')}")


def measured(skeleton: Skeleton, cases: list[tuple[Array, list[Pose]]], mode: str, title: str) -> str:
    """Errors of one mode over all cases of true points and detections; recorded by the title."""
    distances, angles = [], []
    for true, poses in cases:
        found = MODES[mode](skeleton, poses)
        points = view_points([each.pose for each in found])
        angles.append(angular_errors(points, true))
        scale = np.array([each.scale for each in found])[:, None, None]
        off = (points - points[:, 8:9]) / scale - (true - true[:, 8:9])
        distances.append(np.linalg.norm(off[:, [NECK, *JOINTS]], axis=2))
    degrees = np.concatenate(angles)
    beyond = float((degrees > 60).mean())
    record(f"{title}, {mode}: joints", 1000 * np.concatenate(distances).mean(), "mm")
    record(f"{title}, {mode}: limbs, median", np.median(degrees), "degrees")
    record(f"{title}, {mode}: limbs beyond 60 degrees", 100 * beyond, "%", "lower")
    return f"{1000 * np.concatenate(distances).mean():4.0f} mm, {np.median(degrees):4.1f}, {beyond:5.1%}"


def without_depth(poses: list[Pose]) -> list[Pose]:
    """Poses without depth, as from a 2D source."""
    return [Pose(pose.points) for pose in poses]


if __name__ == "__main__":
    run_benchmark(main)

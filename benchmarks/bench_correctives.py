"""Prints how far from where a posed avatar has its surface the points of its character lie.

Points on its mesh are carried by bones alone, and with corrective shapes; hair and skirts of the avatar hang
settled. The poses come from motions that the shapes were not fitted to. Seen by a level camera the shapes
know where gravity pulls; one that looks up or down, as a data set's do, they take for somebody who leans.

python benchmarks/bench_correctives.py [AVATAR ...], else our own mascot
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.render.avatar.avatar import load_avatar
from dance_now.render.avatar.avatar_keypoints import skeleton_of
from dance_now.render.avatar.mascot import avatar_file
from dance_now.render.face.face_points import face_landmarks
from dance_now.synthesis.framing import random_rotation
from dance_now.synthesis.poses.motion_library import load_motion_library
from dance_now.synthesis.poses.pose_selection import choose_poses
from dance_now.synthesis.surface.corrective_shapes import departures, fit_correctives, pose_features
from dance_now.synthesis.surface.point_placement import place_points

POSES: Final = 1200  # chosen from, as for a small data set
UNSEEN: Final = 80
POINTS: Final = 3000
CAMERAS: Final = 4  # of each pose


def main(arguments: Sequence[str]) -> int:
    """Prints a line for each avatar."""
    for name in arguments or ("mascot",):
        print(name, measured(avatar_file(Path(name))), flush=True)
    return 0


def measured(path: Path) -> str:
    """What bones alone and shapes leave, in words."""
    chance = np.random.default_rng(0)
    avatar = load_avatar(path)
    face = face_landmarks(avatar)
    rig = BoneRig.of(skeleton_of(avatar, face))
    train, test = choose_poses(rig, load_motion_library(), POSES, chance)
    surface = place_points(avatar, POINTS, chance, face=face).surface
    begun = time.perf_counter()
    basis, shapes = fit_correctives(avatar, rig, face, surface, train.poses, chance)
    seconds = time.perf_counter() - begun
    plain, level, sloping = [], [], []
    rows = chance.permutation(len(test.poses.points))[:UNSEEN]
    for rotations, departure in departures(avatar, rig, face, surface, test.poses, rows):
        plain.append(departure[:, 0])
        level.append(departure[:, 0] - moved(rig, rotations, basis, shapes))
        for _ in range(CAMERAS):
            seen = random_rotation(chance).astype(np.float32) @ rotations
            sloping.append(departure[:, 0] - moved(rig, seen, basis, shapes))
    errors = ", ".join(f"{millimetres(each):.2f}" for each in (plain, level, sloping))
    return f"bones alone, fitted, from sloping cameras: {errors} mm; fitted in {seconds:.0f} s"


def moved(rig: BoneRig, rotations: FloatArray, basis: FloatArray, shapes: FloatArray) -> FloatArray:
    """(N, 3) metres by which the shapes move points in one pose (47, 3, 3)."""
    found: FloatArray = pose_features(rig, rotations[None])[0] @ basis @ shapes[:, 0]
    return found


def millimetres(errors: list[FloatArray]) -> float:
    """Root of the mean square distance."""
    return float(1000 * np.sqrt(np.square(errors).sum(axis=2).mean()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

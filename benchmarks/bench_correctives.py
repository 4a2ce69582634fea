"""Skinning error of surface points with and without corrective shapes, rms in mm.

Points on the mesh are skinned by bones alone, and with corrective shapes; the reference is the avatar with
settled spring bones. The poses are from held-out motions. With a level camera the shapes know the direction
of gravity; a pitched one, as in data sets, is equivalent to a leaning figure.

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
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.avatar.mascot import avatar_file
from dance_now.render.face.face_points import face_landmarks
from dance_now.synthesis.framing import random_rotation
from dance_now.synthesis.poses.motion_library import load_motion_library
from dance_now.synthesis.poses.pose_selection import select_poses
from dance_now.synthesis.surface.corrective_shapes import fit_correctives, pose_features, residual_offsets
from dance_now.synthesis.surface.point_placement import place_points
from figures import record, run_benchmark

POSES: Final = 1200  # chosen from, as for a small data set
UNSEEN: Final = 80
POINTS: Final = 3000
CAMERAS: Final = 4  # of each pose


def main(arguments: Sequence[str]) -> int:
    """Command line: prints a line for each avatar."""
    for name in arguments or ("mascot",):
        print(name, measured(avatar_file(Path(name))), flush=True)
    return 0


def measured(path: Path) -> str:
    """Errors of bones alone and of shapes, as text."""
    rng = np.random.default_rng(0)
    avatar = load_avatar(path)
    face = face_landmarks(avatar)
    rig = BoneRig.of(avatar_skeleton(avatar, face))
    train, test = select_poses(rig, load_motion_library(), POSES, rng)
    surface = place_points(avatar, POINTS, rng, face=face).surface
    begun = time.perf_counter()
    basis, shapes = fit_correctives(avatar, rig, face, surface, train.poses, rng)
    seconds = time.perf_counter() - begun
    plain, level, sloping = [], [], []
    rows = rng.permutation(len(test.poses.points))[:UNSEEN]
    for rotations, departure in residual_offsets(avatar, rig, face, surface, test.poses, rows):
        plain.append(departure[:, 0])
        level.append(departure[:, 0] - moved(rig, rotations, basis, shapes))
        for _ in range(CAMERAS):
            seen = random_rotation(rng).astype(np.float32) @ rotations
            sloping.append(departure[:, 0] - moved(rig, seen, basis, shapes))
    for title, each in {"bones alone": plain, "fitted": level, "from sloping cameras": sloping}.items():
        record(f"{path.stem}: {title}", millimetres(each), "mm")
    record(f"{path.stem}: fitting", seconds, "s")
    errors = ", ".join(f"{millimetres(each):.2f}" for each in (plain, level, sloping))
    return f"bones alone, fitted, from sloping cameras: {errors} mm; fitted in {seconds:.0f} s"


def moved(rig: BoneRig, rotations: FloatArray, basis: FloatArray, shapes: FloatArray) -> FloatArray:
    """Displacement (N, 3) by the shapes in one pose (47, 3, 3), metres."""
    found: FloatArray = pose_features(rig, rotations[None])[0] @ basis @ shapes[:, 0]
    return found


def millimetres(errors: list[FloatArray]) -> float:
    """Rms distance, mm."""
    return float(1000 * np.sqrt(np.square(errors).sum(axis=2).mean()))


if __name__ == "__main__":
    run_benchmark(lambda: main(sys.argv[1:]))

"""Poses of a character's own body in a picture, seen from anywhere, out of the motion library."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.skeleton import Skeleton
from dance_now.synthesis.avatar_clip import SOLES, hip_trajectory
from dance_now.synthesis.poses.avatar_poser import motion_target, pelvis_heading, solve_poses
from dance_now.synthesis.poses.hand_shapes import FINGER_SHAPES, random_fingers
from dance_now.synthesis.poses.motion import Motion
from dance_now.synthesis.poses.motion_library import load_motion_library


def library_poses(skeleton: Skeleton, count: int, side: int, seed: int = 5) -> npt.NDArray[np.float32]:
    """Keypoints (count, 137, 4) in pixels of a square picture."""
    motions, rig = load_motion_library(), BoneRig.of(skeleton)
    generator = np.random.default_rng(seed)
    scale = side / (1.35 * skeleton.height)
    poses = []
    for _ in range(count):
        motion = motions[generator.integers(len(motions))]
        frame = [int(generator.choice(motion.frames))]
        points = solve_poses(rig, motion_target(rig, motion, frame, random_fingers(generator, 1))).points[0]
        yaw = generator.uniform(-np.pi, np.pi)
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        seen = points @ turn.T
        seen[:, 1] -= (seen[:25, 1].max() + seen[:25, 1].min()) / 2
        columns = [side / 2 + scale * seen[:, 0], side / 2 - scale * seen[:, 1], -scale * seen[:, 2]]
        poses.append(np.column_stack([*columns, skeleton.known]))
    return np.stack(poses).astype(np.float32)


def performed(skeleton: Skeleton, motion: Motion) -> tuple[FloatArray, FloatArray]:
    """Keypoints (n, 137, 3) of a motion's frames, metres about the hips, and where these are (n, 3)."""
    rig = BoneRig.of(skeleton)
    step = max(1, round(1 / (30 * motion.frame_time)))
    frames = range(motion.frames[0], motion.frames[-1] + 1, step)
    fingers = np.tile(np.array(FINGER_SHAPES["relaxed"], np.float32), (len(frames), 2, 1, 1))
    poses = solve_poses(rig, motion_target(rig, motion, frames, fingers))
    turns = pelvis_heading(motion, frames).transpose(0, 2, 1)
    points = np.einsum("nij,npj->npi", turns, poses.points)
    leg = float(np.linalg.norm(np.diff(skeleton.rest[[12, 13, 14]], axis=0), axis=1).sum())
    hips = hip_trajectory(leg, motion, frames, points)
    hips[:, 1] += skeleton.rest[SOLES, 1].min()
    return points, hips

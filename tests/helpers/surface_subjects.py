"""Avatars that sit for the surface template's tests: their arrays, and poses of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dance_now.character.templates.surface import SurfaceArrays
from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_keypoints import place_keypoints
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import face_landmarks, sample_expression, with_observable_expressions
from dance_now.render.springs import STILL_STEPS, Springs
from dance_now.synthesis.dataset_renderer import label
from dance_now.synthesis.framing import random_rotation
from dance_now.synthesis.poses.avatar_poser import AvatarPoser
from dance_now.synthesis.poses.procedural_poses import random_poses
from dance_now.training.surface.surface_builder import surface_arrays


@dataclass(frozen=True, eq=False)
class SubjectPose:
    """One pose: what the studio draws it from, and its keypoints."""

    posed: npt.NDArray[np.float64]  # (N, 4, 4) without springs
    world: npt.NDArray[np.float64]  # (N, 4, 4) with springs settled
    expressions: dict[str, float]
    camera: Camera
    pose: Pose
    keypoints: FloatArray  # (137, 4)


class Subject:
    """An avatar as the studio has it, and as surface arrays."""

    def __init__(self, avatar: Avatar, hide: tuple[str, ...] = ()) -> None:
        self.face = face_landmarks(avatar)
        self.avatar = with_observable_expressions(avatar, self.face)
        self.skeleton: Skeleton
        self.arrays: SurfaceArrays
        self.skeleton, self.arrays = surface_arrays(avatar, self.face, hide)
        self.rig = BoneRig.of(self.skeleton)

    def poses(self, count: int, size: int, seed: int = 5, level: bool = False) -> list[SubjectPose]:
        """Random poses seen by random cameras, whole figures in pictures of ``size`` pixels.

        ``level`` cameras look from the front.
        """
        generator = np.random.default_rng(seed)
        solved = random_poses(self.rig, generator, count)
        poser, springs = AvatarPoser(self.avatar), Springs(self.avatar)
        found = []
        for points, rotations in zip(solved.points, solved.rotations, strict=True):
            posed = poser.world(points, rotations)
            world = springs.settle(posed, STILL_STEPS)
            expressions = sample_expression(generator, self.avatar)
            keypoints = place_keypoints(self.avatar, posed, points, self.face, expressions)
            turn = np.eye(3) if level else random_rotation(generator)
            mesh = np.concatenate([each for each, _ in self.avatar.mesh_points(world, expressions)]) @ turn.T
            low, high = mesh.min(axis=0), mesh.max(axis=0)
            camera = Camera(turn, turn.T @ ((low + high) / 2), 1.1 * float((high - low)[:2].max()))
            seen = np.ones(70, np.float32) if self.face else None
            pose = label(keypoints, camera, size, seen)
            joined = np.concatenate([pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]], axis=1)
            found.append(SubjectPose(posed, world, expressions, camera, pose, joined.astype(np.float32)))
        return found

"""People whose feet stand: rendered adults who perform a motion, their feet locked to the ground.

Retargeted motions slide. Here each foot that is slow and low is held at one place by the leg, so that it is
known when it stands; both the image and the keypoints are of the corrected motion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.vectors import normalised
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer
from dance_now.synthesis.avatar_clip import hip_trajectory, leg_length
from dance_now.synthesis.poses.avatar_poser import AvatarPoser
from twin_scenes import (
    MOTIONS,
    RATE,
    SIZE,
    PerformedBody,
    TwinCase,
    backgrounds,
    looped,
    motion_named,
    over,
    performer_avatar,
)

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEGS: Final = np.array([[12, 13, 14], [9, 10, 11]])
FEET: Final = np.array([[19, 20, 21], [22, 23, 24]])  # big toe, small toe, heel
_SLOW: Final = 0.4  # heights a second
_LOW: Final = 0.03  # heights above the foot's usual lowest place
_SHORTEST: Final = 6  # frames
_BLEND: Final = 4  # frames


@dataclass(frozen=True, eq=False)
class PlantedFrame:
    """One frame.

    Attributes:
        image: (512, 512, 3) uint8.
        points: (137, 2) true keypoints, pixels.
        standing: (2,) bool: left and right foot.
        height: of the person, pixels.
    """

    image: Image
    points: Array
    standing: Mask
    height: float


def planted_frames(case: TwinCase, count: int) -> Iterator[PlantedFrame]:
    """Frames of one clip, no longer than the motion."""
    motion = motion_named(case.motion)
    yaw, begin = MOTIONS[case.motion][2:]
    avatar = performer_avatar(case.performer)
    step = max(1, round(1 / (RATE * motion.frame_time)))
    usable = list(motion.frames)[round(begin / motion.frame_time) :: step]
    order = [usable[index % len(usable)] for index in range(count)]
    skeleton = avatar_skeleton(avatar)
    body = PerformedBody(skeleton, motion, order)
    hips = hip_trajectory(leg_length(avatar), motion, order, body.points.astype(np.float32)).astype(
        np.float64
    )
    if len(usable) < count:
        hips[:, [0, 2]] = looped(hips[:, [0, 2]], len(usable))
    points, standing = locked(body.points + hips[:, None], skeleton.rest.astype(np.float64), skeleton.height)
    standing[:: len(usable)] = False  # a loop jumps
    low, high = avatar.bounds()
    tall = float(high[1] - low[1])
    middle = (hips.min(axis=0) + hips.max(axis=0)) / 2 * [1, 0, 1] + [0, 0.5 * tall, 0]
    camera = Camera.orbit(yaw, case.pitch, middle, 1.75 * tall)
    renderer, poser, rig = Renderer(avatar, SIZE), AvatarPoser(avatar), BoneRig.of(skeleton)
    legs = [avatar.bones[side + "UpperLeg"] for side in ("left", "right")]
    for index, background in enumerate(backgrounds(case, count)):
        own = (points[index] - hips[index]).astype(np.float32)
        world = poser.world(own, rig.rotations(own))
        world[:, :3, 3] += hips[index] - world[legs, :3, 3].mean(axis=0)
        image = over(renderer.render(world, camera), background.image, background.light)
        flat = camera.project(points[index], SIZE)[:, :2].astype(np.float64)
        yield PlantedFrame(image, flat, standing[index], tall * SIZE / camera.height)


def locked(points: Array, rest: Array, height: float) -> tuple[Array, Mask]:
    """Points (n, 137, 3) in metres with feet that do not slide, and (n, 2) when they stand."""
    points, count = points.copy(), len(points)
    standing = np.zeros((count, 2), bool)
    for foot in range(2):
        soles = points[:, FEET[foot]]
        speed = np.linalg.norm(np.gradient(soles, 1 / RATE, axis=0), axis=2).max(axis=1) / height
        lowest = soles[..., 1].min(axis=1)
        still = (speed < _SLOW) & (lowest < np.quantile(lowest, 0.1) + _LOW * height)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(int))).reshape(-1, 2)
        spans = [(int(first), int(after)) for first, after in edges if after - first >= _SHORTEST]
        moves, tilts = np.zeros((count, 3)), np.zeros((count, 3))
        ankles = points[:, LEGS[foot, 2]]
        ahead = normalised(points[:, FEET[foot, 0]] - ankles)
        for (_, before), (first, after), (behind, _) in zip(
            [(0, 0), *spans], spans, [*spans[1:], (count, count)], strict=False
        ):
            standing[first:after, foot] = True
            place, heading = ankles[first:after].mean(axis=0), ahead[first:after].mean(axis=0)
            begin, end = max(before, first - _BLEND), min(behind, after + _BLEND)
            for index in range(begin, end):
                away = max(first - index, index - after + 1, 0)
                share = 1 - away / (_BLEND + 1)
                moves[index] = share * (place - ankles[index])
                tilts[index] = share * (heading - ahead[index])
        for index in np.flatnonzero(np.abs(moves).sum(axis=1) > 0).tolist():
            _move_leg(points[index], foot, moves[index], normalised(ahead[index] + tilts[index]), rest)
    return points, standing


def _move_leg(points: Array, foot: int, move: Array, heading: Array, rest: Array) -> None:
    """Moves a foot in place, and the knee so that both bones keep their lengths."""
    hip, knee, ankle = (points[row].copy() for row in LEGS[foot])
    upper, lower = (float(np.linalg.norm(rest[b] - rest[a])) for a, b in pairwise(LEGS[foot]))
    way = ankle + move - hip
    size = min(float(np.linalg.norm(way)), 0.9999 * (upper + lower))
    along = way / np.linalg.norm(way)
    bend = knee - hip - ((knee - hip) @ along) * along
    bend = bend / max(float(np.linalg.norm(bend)), 1e-9)
    cosine = (upper**2 + size**2 - lower**2) / (2 * upper * size)
    points[LEGS[foot, 1]] = hip + upper * (cosine * along + np.sqrt(max(1 - cosine**2, 0.0)) * bend)
    placed = hip + size * along
    old = normalised(points[FEET[foot, 0]] - ankle)
    turn = _rotation(old, heading)
    points[FEET[foot]] = placed + (points[FEET[foot]] - ankle) @ turn.T
    points[LEGS[foot, 2]] = placed


def _rotation(start: Array, end: Array) -> Array:
    """Smallest rotation (3, 3) between unit vectors."""
    axis, cosine = np.cross(start, end), float(start @ end)
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + skew + skew @ skew / (1 + cosine))

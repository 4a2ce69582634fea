"""Twins: rendered people whose pose is known, and the character that should replace them.

An adult (``adult_avatars``) or Uka performs a motion before a background, and the character performs the same
motion on its own body, as tall as the performer, its soles where the performer's are. So the frame that
``dance`` should give is known, and so is every joint.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from adult_avatars import LOOKS, adult_avatar
from bench_detection import scenes
from dance_now.character.character import Character
from dance_now.core.arrays import Image
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer
from dance_now.synthesis.avatar_clip import SOLES, hip_trajectory, leg_length
from dance_now.synthesis.poses.avatar_poser import AvatarPoser, motion_target, pelvis_heading, solve_poses
from dance_now.synthesis.poses.hand_shapes import FINGER_SHAPES
from dance_now.synthesis.poses.motion import Motion, load_motions

Array = npt.NDArray[np.float64]

SIZE: Final = 512  # edge of the square frames, pixels
RATE: Final = 30.0
_UAL: Final = "ual_cc0/AnimationLibrary_Godot_Standard.gltf"
# Motion: file, name in the file, the camera's yaw, and the second at which it begins.
MOTIONS: Final = {
    "walk": ("deepmimic/humanoid3d_walk.txt", "", 80.0, 0.0),
    "turn": ("deepmimic/humanoid3d_spin.txt", "", 0.0, 0.8),
    "kick": ("deepmimic/humanoid3d_kick.txt", "", 50.0, 0.0),
    "crouch": (_UAL, "Crouch_Fwd_Loop", 60.0, 0.0),
    "wave": ("cmu_actions/train_directing_traffic_directing_traffic_4.bvh", "", -20.0, 3.0),
    "dance": ("deepmimic/humanoid3d_dance_a.txt", "", 20.0, 0.0),
}
BACKGROUNDS: Final = ("still", "hand-held", "changing light")
PITCHES: Final = (4.0, 22.0)  # degrees: cameras at eye level and above


@dataclass(frozen=True)
class TwinCase:
    """Choice of one clip."""

    motion: str
    background: str
    pitch: float
    performer: str
    character: str

    def __str__(self) -> str:
        return f"{self.performer} {self.motion}, {self.background}, {self.pitch:g} deg, as {self.character}"


@dataclass(frozen=True, eq=False)
class TwinFrame:
    """One frame with its truth.

    Attributes:
        image: (512, 512, 3) uint8: the performer before the background.
        empty: the background alone.
        truth: the character before the background.
        region: (512, 512) bool: both figures and a margin.
        performer: the performer's true pose, pixels; without a face.
        character: the character's true pose.
        scale: pixels per metre of the character.
        height: of both, standing, pixels.
        light: factor of all colors in this frame.
    """

    image: Image
    empty: Image
    truth: Image
    region: npt.NDArray[np.bool_]
    performer: Pose
    character: Pose
    scale: float
    height: float
    light: float


def cases(full: bool) -> list[TwinCase]:
    """Twelve clips in which each motion, background, camera, performer and character occurs; or all."""
    performers, characters = (*LOOKS, "Uka"), ("uka", "tempo")
    everything = [
        TwinCase(motion, background, pitch, performer, character)
        for motion in MOTIONS
        for background in BACKGROUNDS
        for pitch in PITCHES
        for performer in performers
        for character in characters
    ]
    if full:
        return everything
    return [
        TwinCase(
            motion,
            BACKGROUNDS[(index + turn) % 3],
            PITCHES[(index + turn) % 2],
            performers[(index + 2 * turn) % 4],
            characters[(index // 2 + turn) % 2],
        )
        for turn in range(2)
        for index, motion in enumerate(MOTIONS)
    ]


def frames(case: TwinCase, character: Character, count: int) -> Iterator[TwinFrame]:
    """Frames of one clip."""
    motion = motion_named(case.motion)
    yaw, begin = MOTIONS[case.motion][2:]
    avatar = performer_avatar(case.performer)
    step = max(1, round(1 / (RATE * motion.frame_time)))
    usable = list(motion.frames)[round(begin / motion.frame_time) :: step]
    order = [usable[index % len(usable)] for index in range(count)]
    own = PerformedBody(avatar_skeleton(avatar), motion, order)
    theirs = PerformedBody(character.skeleton, motion, order)
    hips = hip_trajectory(leg_length(avatar), motion, order, own.points.astype(np.float32)).astype(np.float64)
    if len(usable) < count:  # a loop begins anew where it ended
        hips[:, [0, 2]] = looped(hips[:, [0, 2]], len(usable))
    low, high = avatar.bounds()
    tall = float(high[1] - low[1])
    middle = (hips.min(axis=0) + hips.max(axis=0)) / 2 * [1, 0, 1] + [0, 0.5 * tall, 0]
    camera = Camera.orbit(yaw, case.pitch, middle, 1.75 * tall)
    renderer, poser = Renderer(avatar, SIZE), AvatarPoser(avatar)
    legs = [avatar.bones[side + "UpperLeg"] for side in ("left", "right")]
    ratio = tall / character.skeleton.height
    pixels = SIZE / camera.height
    for index, background in enumerate(backgrounds(case, count)):
        turned = np.eye(4)
        turned[:3, :3] = own.turns[index]
        world = turned @ poser.world(own.solved[index], own.rotations[index])
        world[:, :3, 3] += hips[index] - world[legs, :3, 3].mean(axis=0)
        points = own.points[index] + hips[index]
        placed = _on_soles(theirs.points[index] * ratio, points)
        light = background.light
        person = renderer.render(world, camera)
        pose = _pose(camera, placed, character.skeleton)
        drawn = figure_layer(character, pose, pixels * ratio)
        yield TwinFrame(
            over(person, background.image, light),
            background.image,
            over(drawn, background.image, light),
            _region(person[..., 3], drawn[..., 3]),
            _pose(camera, points, own.skeleton),
            pose,
            pixels * ratio,
            tall * pixels,
            light,
        )


def figure_layer(character: Character, pose: Pose, scale: float) -> Image:
    """The character in a pose, (512, 512, 4) straight RGBA."""
    canvas = np.zeros((SIZE, SIZE, 4), np.uint8)
    for part in character.draw_figure(pose, scale, (SIZE, SIZE))[:1]:
        pixels = part.pixels
        if pixels.shape[:2] != (part.height, part.width):
            area = cv2.resize(pixels, (part.width, part.height), interpolation=cv2.INTER_AREA)
            pixels = np.asarray(area, np.uint8)
        top, left = max(part.top, 0), max(part.left, 0)
        shown = pixels[top - part.top : SIZE - part.top, left - part.left : SIZE - part.left]
        canvas[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
    return canvas


def over(figure: Image, background: Image, light: float = 1.0) -> Image:
    """Puts a straight RGBA figure before a background, in its light."""
    alpha = figure[..., 3:].astype(np.float32) / 255
    lit = np.clip(figure[..., :3] * np.float32(light), 0, 255)
    return np.clip(background * (1 - alpha) + lit * alpha + 0.5, 0, 255).astype(np.uint8)


class PerformedBody:
    """Motion on one body: points relative to the hips, turned as the motion is."""

    def __init__(self, skeleton: Skeleton, motion: Motion, order: list[int]) -> None:
        fingers = np.tile(np.array(FINGER_SHAPES["relaxed"], np.float32), (len(order), 2, 1, 1))
        poses = solve_poses(BoneRig.of(skeleton), motion_target(BoneRig.of(skeleton), motion, order, fingers))
        self.skeleton = skeleton
        self.solved, self.rotations = poses.points, poses.rotations
        turns = pelvis_heading(motion, order).transpose(0, 2, 1).astype(np.float64)
        start = turns[0].T.copy()  # motions begin in the direction of the camera's yaw
        self.turns = start @ turns
        self.points: Array = np.einsum("nij,npj->npi", self.turns, poses.points.astype(np.float64))


@dataclass(frozen=True, eq=False)
class Background:
    image: Image
    light: float


def backgrounds(case: TwinCase, count: int) -> Iterator[Background]:
    """Frames of a background; a hand-held camera moves smoothly by some pixels."""
    place = scenes(_data())[BACKGROUNDS.index(case.background)]
    side = round(SIZE * 1.1)
    scale = side / min(place.shape[:2])
    large = cv2.resize(place, None, fx=scale + 0.01, fy=scale + 0.01, interpolation=cv2.INTER_AREA)
    generator = np.random.default_rng(len(str(case)))
    for index in range(count):
        time, light, shift = index / RATE, 1.0, np.array([0.0, 0.0])
        if case.background == "hand-held":
            shift = np.array([6 * np.sin(2.1 * time) + 2 * np.sin(9 * time), 5 * np.cos(2.9 * time)])
        if case.background == "changing light":
            light = 1 + 0.25 * np.sin(2 * np.pi * time / 1.3)
        matrix = np.array([[1, 0, shift[0] - 0.05 * SIZE], [0, 1, shift[1] - 0.05 * SIZE]])
        image = cv2.warpAffine(large, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR) * light
        noisy = image + generator.normal(0, 1.5, image.shape)
        yield Background(np.clip(noisy, 0, 255).astype(np.uint8), light)


def _on_soles(points: Array, performer: Array) -> Array:
    """Moves a character's points so that its lowest foot is where the performer's is."""
    lowest = SOLES[int(performer[SOLES, 1].argmin())]
    foot = [row for row in SOLES if (row in (19, 20, 21)) == (lowest in (19, 20, 21))]
    move = performer[foot].mean(axis=0) - points[foot].mean(axis=0)
    move[1] = performer[SOLES, 1].min() - points[SOLES, 1].min()
    return points + move


def _pose(camera: Camera, points: Array, skeleton: Skeleton) -> Pose:
    projected = camera.project(points, SIZE)
    rows = np.column_stack([projected[:, :2], skeleton.known])
    rows[FACE, 2] *= skeleton.known[FACE]
    depth = (projected[:, 2] - projected[8, 2]).astype(np.float32)
    return Pose(rows.astype(np.float32), depth, skeleton.known)


def _region(person: Image, character: Image) -> npt.NDArray[np.bool_]:
    both = cv2.max(person, character)
    return np.asarray(cv2.dilate(both, np.ones((33, 33), np.uint8)) > 0)


def looped(track: Array, period: int) -> Array:
    """A track (n, 2) that stays near its start: every period begins at the same place."""
    looped = track.copy()
    for start in range(0, len(track), period):
        looped[start : start + period] += track[0] - track[start]
    return looped


def _data() -> Path:
    return Path(os.environ["DANCE_NOW_DATA"])


@cache
def performer_avatar(name: str) -> Avatar:
    if name in LOOKS:
        return adult_avatar(name)
    return load_avatar(_data() / "characters" / "uka_flat.vrm")


@cache
def motion_named(name: str) -> Motion:
    path, part, *_ = MOTIONS[name]
    found = [motion for motion in load_motions([_data() / "motions" / path]) if motion.name.endswith(part)]
    return found[0]

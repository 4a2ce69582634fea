"""Synthetic people with known poses, and a noise model of a detector like BlazePose.

An adult of average proportions performs motions of the library, or a few synthetic ones, before a camera. The
noise is as measured on real clips (residuals of BlazePose against a smooth curve, in shares of the standing
height: 0.2 % white and 0.5 % slow in x and y, 1 % and 2 % in depth), with its systematic errors: depth that
is too large, by a factor that depends on the limb, bodies that lean where the camera looks down, limbs whose
depth is flipped for some tenths of a second, lost joints. The factors were measured with two synchronised
cameras (triangulated depth against BlazePose's).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.body_scale import SEGMENT_INDEX, SEGMENT_RATIOS
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.keypoints import POINT_COUNT
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.networks.blazepose_depth import rescale_depth
from dance_now.pose.retarget.kinematics import CharacterBody, Posture
from dance_now.render.camera import Camera
from dance_now.synthesis.poses.avatar_poser import motion_target, solve_poses
from dance_now.synthesis.poses.motion import Motion
from dance_now.synthesis.poses.motion_alignment import body_axes

Array = npt.NDArray[np.float64]

HEIGHT: Final = adult_skeleton().height  # metres
SIZE: Final = (1280, 720)
RATE: Final = 30
TYPICAL_FACTOR: Final = 2.3  # of the factors by which depth is too large
_LOST_CONFIDENCE: Final = 0.02
# Chains of keypoints: a depth error of one moves all below it.
# Parent of each point, factor by which BlazePose exaggerates the depth from there, and the share of
# its error that is independent of the parent's.
_TREE: Final = (
    *((8, row, 5.0, 0.3) for row in (9, 12)),
    (8, 1, 2.5, 1.0),
    *((1, row, 4.0, 0.5) for row in (2, 5)),
    *((1, row, 2.5, 0.3) for row in (0, 15, 16, 17, 18)),
    *((start, end, 2.2, 0.7) for start, end in ((2, 3), (3, 4), (5, 6), (6, 7))),
    *((start, end, 2.3, 1.0) for start, end in ((9, 10), (12, 13))),
    *((start, end, 3.5, 1.0) for start, end in ((10, 11), (13, 14))),
    *((14, row, 2.3, 0.5) for row in (19, 20, 21)),
    *((11, row, 2.3, 0.5) for row in (22, 23, 24)),
    *((7, row, 1.0, 0.1) for row in range(95, 116)),
    *((4, row, 1.0, 0.1) for row in range(116, 137)),
)
_CHAINS: Final = (
    [6, 7, *range(95, 116)],
    [3, 4, *range(116, 137)],
    [13, 14, 19, 20, 21],
    [10, 11, 22, 23, 24],
)
_ROOTS: Final = {6: 5, 3: 2, 13: 12, 10: 9}  # what each chain hangs on, by its first point


@dataclass(frozen=True)
class View:
    """Camera: direction and distance.

    Attributes:
        yaw, pitch: degrees, see ``Camera.orbit``.
        distance: metres from the camera to the person.
        height: of a standing person in the picture, pixels.
    """

    yaw: float
    pitch: float
    distance: float = 5.0
    height: float = 480.0


@dataclass(frozen=True)
class Noise:
    """Noise model of a detector; in shares of the person's standing height.

    Attributes:
        white, slow: rms error of x and y from frame to frame, and over some tenths of a second.
        depth_white, depth_slow: of the depth, before it is made too large.
        lean: slope added per unit of the camera's slope.
        flips, losses: per second and limb; each lasts 0.1 to 0.3 s.
    """

    white: float = 0.002
    slow: float = 0.005
    depth_white: float = 0.008
    depth_slow: float = 0.016
    lean: float = 0.5
    flips: float = 0.25
    losses: float = 0.1


def adult(generator: np.random.Generator | None = None) -> Skeleton:
    """Average adult; with ``generator`` one whose arms and legs are some per cent off the average."""
    person = adult_skeleton()
    if generator is None:
        return person
    rest = person.rest.copy()
    for chain in _CHAINS:
        for position in (0, 1):
            start = _ROOTS[chain[0]] if position == 0 else chain[0]
            longer = (rest[chain[position]] - rest[start]) * generator.normal(0, 0.04)
            rest[chain[position:]] += longer
    return replace(person, rest=rest)


def performed(motion: Motion, person: Skeleton, frames: list[int]) -> Array:
    """Keypoints (n, 137, 3) in metres, character frame, of a person who performs a motion and walks."""
    rig = BoneRig.of(person)
    target = motion_target(rig, motion, frames, np.zeros((len(frames), 2, 5, 4), np.float32))
    points = solve_poses(rig, target).points.astype(np.float64)
    left = body_axes(motion.positions[frames])[..., 0]
    middle = (motion.joint("leftUpperLeg", frames) + motion.joint("rightUpperLeg", frames)) / 2
    leg = float(np.linalg.norm(motion.joint("leftUpperLeg", [0]) - motion.joint("leftLowerLeg", [0])))
    turn = np.arctan2(-left[:, 2], left[:, 0])
    # motions are seen from where they face at first
    turn, start = turn - turn[0], about_y(-turn[:1])[0]
    path = (middle - middle[0]) @ start.T * SEGMENT_RATIOS[SEGMENT_INDEX["left_thigh"]] * HEIGHT / leg
    placed: Array = np.einsum("nij,nkj->nki", about_y(turn), points) + path[:, None]
    placed[:, ~person.known] = 0
    return placed


def posed(person: Skeleton, postures: list[Posture]) -> Array:
    """Keypoints (n, 137, 3) in metres of given postures."""
    body = CharacterBody(person)
    return np.stack([body.points(posture) for posture in postures])


def about_y(angles: Array) -> Array:
    """Rotation matrices (n, 3, 3) about y by radians."""
    sine, cosine, none = np.sin(angles), np.cos(angles), np.zeros_like(angles)
    rows = [[cosine, none, sine], [none, none + 1, none], [-sine, none, cosine]]
    return np.moveaxis(np.array(rows), -1, 0)


def seen(points: Array, view: View) -> tuple[Array, Array]:
    """Projects points: true points in the view frame, metres, and x, y, depth in pixels."""
    camera = Camera.orbit(view.yaw, view.pitch, points[0, 8], 1.0)
    true = (points - camera.centre) @ camera.rotation.T
    near = view.distance / np.maximum(view.distance - true[..., 2:], 0.3 * view.distance)
    pixels = view.height / HEIGHT
    flat = true[..., :2] * near * pixels * [1, -1] + np.array(SIZE) / 2
    depth = (true[:, 8:9, 2] - true[..., 2]) * pixels * near[:, 8]
    return true, np.concatenate([flat, depth[..., None]], axis=2)


def detected(image: Array, known: npt.NDArray[np.bool_], view: View, noise: Noise, seed: int) -> list[Pose]:
    """Simulates the detector on (n, 137, 3) x, y and depth in pixels."""
    generator = np.random.default_rng(seed)
    count = len(image)
    rows = image.copy()
    slope = noise.lean * np.tan(np.radians(view.pitch))
    rows[..., 2] += slope * (image[..., 1] - image[:, 8:9, 1])  # what is higher seems nearer
    for chain in _CHAINS:
        wrong = _spells(generator, count, noise.flips)
        root = rows[:, _ROOTS[chain[0]], 2][:, None]
        rows[:, chain, 2] = np.where(wrong[:, None], 2 * root - rows[:, chain, 2], rows[:, chain, 2])
    unit = view.height * np.array([noise.slow, noise.slow, noise.depth_slow])
    fresh = view.height * np.array([noise.white, noise.white, noise.depth_white])
    errors = _slow(generator, (count, POINT_COUNT, 3)) * unit + generator.normal(size=rows.shape) * fresh
    exact = rows[..., 2].copy()
    for parent, row, factor, own in _TREE:
        errors[:, row] = errors[:, parent] + own * errors[:, row]
        rows[:, row, 2] = rows[:, parent, 2] + factor * (exact[:, row] - exact[:, parent])
    rows += errors * [1, 1, TYPICAL_FACTOR]
    confidence = np.where(known, generator.uniform(0.8, 1.0, (count, POINT_COUNT)), 0.0)
    for chain in _CHAINS:
        lost = _spells(generator, count, noise.losses)
        confidence[:, chain] = np.where(lost[:, None], _LOST_CONFIDENCE, confidence[:, chain])
        rows[:, chain] += lost[:, None, None] * generator.normal(0, 0.06 * view.height, (len(chain), 3))
    points = np.concatenate([rows[..., :2], confidence[..., None]], axis=2).astype(np.float32)
    return [
        Pose(one, depth.astype(np.float32), known) for one, depth in zip(points, rows[..., 2], strict=True)
    ]


def estimated(poses: list[Pose]) -> list[Pose]:
    """What the estimator makes of the detector's word."""
    return [Pose(pose.points, rescale_depth(pose.depth), pose.has_depth) for pose in poses]


def _spells(generator: np.random.Generator, count: int, rate: float) -> npt.NDArray[np.bool_]:
    """Mask (n,) of spells of 0.1 to 0.3 s that begin ``rate`` times a second."""
    inside = np.zeros(count, bool)
    for start in np.flatnonzero(generator.random(count) < rate / RATE):
        inside[start : start + int(generator.integers(3, 10))] = True
    return inside


def _slow(generator: np.random.Generator, shape: tuple[int, ...], seconds: float = 0.15) -> Array:
    """Slow noise of rms 1: a first-order autoregression over ``seconds`` along the first axis."""
    keep = float(np.exp(-1 / (RATE * seconds)))
    values = generator.normal(size=shape)
    for frame in range(1, shape[0]):
        values[frame] = keep * values[frame - 1] + np.sqrt(1 - keep**2) * values[frame]
    return values

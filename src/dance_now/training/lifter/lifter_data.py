"""Training data of the lifter: poses of varied builds, random cameras, noisy and missing keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.keypoints import LEFT_HAND, RIGHT_HAND
from dance_now.pose.networks.lifter import LIFTED
from dance_now.synthesis.poses.avatar_poser import motion_target, solve_poses
from dance_now.synthesis.poses.hand_shapes import random_fingers
from dance_now.synthesis.poses.motion import Motion
from dance_now.synthesis.poses.motion_library import load_motion_library
from dance_now.synthesis.poses.procedural_poses import random_poses

Array = npt.NDArray[np.float64]

HELD_OUT_SHARE: Final = 0.15  # of the motions
_SPLIT_SEED: Final = 7
_MADE_UP_SHARE: Final = 0.15
_MIXED_SHARE: Final = 0.2  # legs of one pose below the trunk of another
_BUILD: Final = 0.08  # rms variation of limb lengths
_YAW_AHEAD: Final = 0.5  # share of people who roughly face the camera
_PITCH: Final = (8.0, 14.0)  # degrees that cameras look down: mean and rms
_ROLL: Final = 4.0  # degrees, rms
_DISTANCES: Final = (0.0, 2.1)  # logarithm; from camera to person, in heights of the person
_NOISE: Final = (-6.2, -4.4)  # logarithm; rms of x and y, of the height
_LOST_POINT, _LOST_LIMB = 0.015, 0.05
_NO_HANDS, _NO_FEET, _CUT = 0.5, 0.3, 0.12
_HIDES: Final = 0.6  # share of people whose estimator leaves out head points that the head occludes

_PARENTS: Final = {
    **dict.fromkeys((9, 12, 1), 8),
    **dict.fromkeys((2, 5, 0), 1),
    **dict.fromkeys((15, 16, 17, 18), 0),
    3: 2,
    4: 3,
    6: 5,
    7: 6,
    10: 9,
    11: 10,
    13: 12,
    14: 13,
    **dict.fromkeys((19, 20, 21), 14),
    **dict.fromkeys((22, 23, 24), 11),
    **dict.fromkeys((LEFT_HAND.start + 5, LEFT_HAND.start + 17), 7),
    **dict.fromkeys((RIGHT_HAND.start + 5, RIGHT_HAND.start + 17), 4),
}
_ROW: Final = {point: row for row, point in enumerate(LIFTED)}
TREE: Final = tuple((_ROW[parent], _ROW[child]) for child, parent in _PARENTS.items())
_LEGS: Final = [_ROW[point] for point in (9, 12, 10, 11, 13, 14, *range(19, 25))]
_HANDS: Final = [_ROW[point] for point in LIFTED if point >= LEFT_HAND.start]
_FEET: Final = [_ROW[point] for point in range(19, 25)]
# Rows whose bone lengths vary together.
_PROPORTION_GROUPS: Final = (
    *(
        [_ROW[point] for point in points]
        for points in ((9, 12), (1,), (2, 5), (0,), (15, 16, 17, 18), (3, 6), (4, 7), (10, 13), (11, 14))
    ),
    _FEET,
    _HANDS,
)
_LIMBS: Final = ((6, 7), (7,), (3, 4), (4,), (10, 11), (11,), (13, 14), (14,))
_MIRRORED: Final = {
    2: 5,
    3: 6,
    4: 7,
    9: 12,
    10: 13,
    11: 14,
    15: 16,
    17: 18,
    22: 19,
    23: 20,
    24: 21,
    **{RIGHT_HAND.start + finger: LEFT_HAND.start + finger for finger in (5, 17)},
}


@dataclass(frozen=True, eq=False)
class ProjectedPeople:
    """People projected by cameras, ``n`` of them.

    Attributes:
        points: (n, 29, 3) float32, LIFTED: x, y (down) in standing heights, and 1 where visible.
        depth: (n, 29) float32, the same unit, away from the viewer, relative to the hips.
    """

    points: FloatArray
    depth: FloatArray


def split_motions() -> tuple[list[Motion], list[Motion]]:
    """Splits the motion library into training motions and held-out ones."""
    motions = load_motion_library()
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(motions))
    held_out = round(HELD_OUT_SHARE * len(motions))
    return [motions[index] for index in order[held_out:]], [motions[index] for index in order[:held_out]]


def sample_poses(motions: Sequence[Motion], generator: np.random.Generator, count: int) -> Array:
    """Samples poses (count, 29, 3) of an adult, LIFTED, metres, hips at the origin; some are procedural.

    All face the front. Motions are sampled by the square root of their length, since frames of long ones are
    similar.
    """
    rig = BoneRig.of(adult_skeleton())
    made_up = round(_MADE_UP_SHARE * count)
    shares = np.sqrt([len(motion.frames) for motion in motions])
    wanted = generator.multinomial(count - made_up, shares / shares.sum())
    parts = [random_poses(rig, generator, made_up).points]
    for motion, many in zip(motions, wanted, strict=True):
        frames = generator.choice(np.array(motion.frames), many).tolist()
        if frames:
            target = motion_target(rig, motion, frames, random_fingers(generator, many))
            parts.append(solve_poses(rig, target).points)
    return np.concatenate(parts)[:, list(LIFTED)].astype(np.float64)


def project_people(poses: Array, generator: np.random.Generator, count: int) -> ProjectedPeople:
    """Projects random ones of the poses (m, 29, 3), with varied builds, by random cameras."""
    legs, rest = poses[generator.integers(len(poses), size=(2, count))]
    legs = np.where((generator.random(count) < _MIXED_SHARE)[:, None, None], legs, rest)
    rest[:, _LEGS] = legs[:, _LEGS]
    people = _mirrored(_vary_proportions(rest, generator), generator) / adult_skeleton().height
    turned = people @ np.swapaxes(_cameras(generator, count), 1, 2)
    distance = np.exp(generator.uniform(*_DISTANCES, count))[:, None, None]
    near = distance / np.maximum(distance - turned[..., 2:], 0.3 * distance)
    flat = turned[..., :2] * near * [1.0, -1.0]
    noise = np.exp(generator.uniform(*_NOISE, count))[:, None, None]
    flat += noise * generator.normal(size=flat.shape)
    seen = _visibility(turned, generator)
    points = np.concatenate([np.where(seen[..., None], flat, 0.0), seen[..., None]], axis=2)
    return ProjectedPeople(points.astype(np.float32), (-turned[..., 2]).astype(np.float32))


def _vary_proportions(poses: Array, generator: np.random.Generator) -> Array:
    """Varies the limb lengths of poses (n, 29, 3), left and right alike."""
    count = len(poses)
    longer = np.ones((count, len(LIFTED)))
    for rows in _PROPORTION_GROUPS:
        longer[:, rows] = np.exp(generator.normal(0, _BUILD, (count, 1)))
    built = np.zeros_like(poses)
    for parent, child in TREE:
        built[:, child] = built[:, parent] + longer[:, child, None] * (poses[:, child] - poses[:, parent])
    return built


def _mirrored(poses: Array, generator: np.random.Generator) -> Array:
    """Mirrors half of the poses (n, 29, 3)."""
    order = np.arange(len(LIFTED))
    for one, other in _MIRRORED.items():
        order[[_ROW[one], _ROW[other]]] = _ROW[other], _ROW[one]
    return np.where((generator.random(len(poses)) < 0.5)[:, None, None], poses[:, order] * [-1, 1, 1], poses)


def _cameras(generator: np.random.Generator, count: int) -> Array:
    """Samples camera rotations (n, 3, 3), body frame -> view frame."""
    ahead = generator.random(count) < _YAW_AHEAD
    yaw = np.where(ahead, generator.normal(0, np.radians(40), count), generator.uniform(-np.pi, np.pi, count))
    pitch = np.radians(generator.normal(*_PITCH, count))
    roll = np.radians(generator.normal(0, _ROLL, count))
    return _turns(roll, 2) @ _turns(pitch, 0) @ _turns(yaw, 1)


def _turns(angles: Array, axis: int) -> Array:
    """Rotation matrices (n, 3, 3) about a coordinate axis."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turns = np.tile(np.eye(3), (len(angles), 1, 1))
    turns[:, first, first] = turns[:, second, second] = np.cos(angles)
    turns[:, second, first] = np.sin(angles)
    turns[:, first, second] = -turns[:, second, first]
    return turns


def _visibility(turned: Array, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Samples visibility (n, 29): points an estimator detects, of people (n, 29, 3) in the view frame."""
    count = len(turned)
    seen = generator.random(turned.shape[:2]) >= _LOST_POINT
    for chain in _LIMBS:
        rows = [_ROW[point] for point in chain]
        seen[:, rows] &= (generator.random(count) >= _LOST_LIMB)[:, None]
    for rows, share in ((_HANDS, _NO_HANDS), (_FEET, _NO_FEET)):
        seen[:, rows] &= (generator.random(count) >= share)[:, None]
    # People cut by the image's lower edge, at a height between crown and feet.
    low, high = turned[..., 1].min(axis=1), turned[..., 1].max(axis=1)
    edge = low + generator.uniform(0.05, 0.7, count) * (high - low)
    seen &= (turned[..., 1] > edge[:, None]) | (generator.random(count) >= _CUT)[:, None]
    # OpenPose leaves out the ear that is turned away, and the face seen from behind.
    nose, ears, eyes = _ROW[0], [_ROW[17], _ROW[18]], [_ROW[15], _ROW[16]]
    hides = generator.random(count) < _HIDES
    middle = turned[:, ears, 2].mean(axis=1)
    behind = hides & (turned[:, nose, 2] < middle - 0.02)
    seen[:, [nose, *eyes]] &= ~behind[:, None]
    seen[:, ears] &= ~(hides[:, None] & (turned[:, ears, 2] < middle[:, None] - 0.03))
    return seen

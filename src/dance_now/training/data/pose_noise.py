"""Pose noise augmentation with the error statistics of retargeted poses.

A retargeted pose always has the character's bone lengths; only directions err. So limbs are rotated about
their joints together with everything below them; the ground-truth image is unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import SWING_LEVELS, Swing
from dance_now.pose.model.keypoints import LEFT_HAND, RIGHT_HAND

_HANDS: Final = {"left": LEFT_HAND, "right": RIGHT_HAND}
_FEET: Final = {"left": [19, 20, 21], "right": [22, 23, 24]}


@dataclass(frozen=True, kw_only=True)
class PoseNoise:
    """Noise level of a batch's input poses.

    Attributes:
        degrees: standard deviation of a limb's direction.
        finger_degrees: standard deviation of a finger bone's direction.
        flipped: fraction of limbs whose depth has the wrong sign.
    """

    degrees: float = 0.0
    finger_degrees: float = 0.0
    flipped: float = 0.0


# By benchmarks/bench_motion.py retargeted limbs are 6 degrees off in the median over all cameras, lower ones
# with the upper ones' error in addition, and 20 in the worst tenth, mostly in depth. Hands are 2.3 % of
# their size off (benchmarks/README.md), and a finger bone is about a sixth of that size.
RETARGETING_NOISE: Final = PoseNoise(degrees=4, finger_degrees=10, flipped=0.03)


def add_pose_noise(keypoints: FloatArray, noise: PoseNoise, rng: np.random.Generator) -> FloatArray:
    """Adds noise to keypoints (137, 4) = x, y, depth, confidence; missing points are unchanged."""
    if noise == PoseNoise():
        return keypoints
    points = keypoints[:, :3].astype(np.float64)
    for swing, carried in _CARRIED:
        is_finger = swing.start >= LEFT_HAND.start
        limb = points[swing.end] - points[swing.start]
        if not is_finger and rng.random() < noise.flipped:
            points[carried, 2] -= 2 * limb[2]
        degrees = noise.finger_degrees if is_finger else noise.degrees
        turn = _rotation(np.radians(degrees) * rng.normal(size=3))
        points[carried] = points[swing.start] + (points[carried] - points[swing.start]) @ turn.T
    known = keypoints[:, 3:] > 0
    return np.concatenate([np.where(known, points, keypoints[:, :3]), keypoints[:, 3:]], axis=1).astype(
        np.float32
    )


def _rotation(vector: FloatArray) -> FloatArray:
    """Rotation matrix (3, 3) about a vector by its length in radians (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / max(angle, 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turned: FloatArray = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turned


def _carried_by(swing: Swing) -> list[int]:
    """Keypoints that move with a bone, its end among them."""
    side = "left" if swing.name.startswith("left") else "right"
    hand = list(range(_HANDS[side].start, _HANDS[side].stop))
    part = swing.name.removeprefix(side)
    if part in ("UpperArm", "LowerArm"):
        return [swing.end, swing.end + 1, *hand] if part == "UpperArm" else [swing.end, *hand]
    if part in ("UpperLeg", "LowerLeg"):
        return [swing.end, swing.end + 1, *_FEET[side]] if part == "UpperLeg" else [swing.end, *_FEET[side]]
    if part == "Foot":
        return _FEET[side]
    joint = (swing.end - hand[0] - 1) % 4  # of a finger, 1 to 3
    return list(range(swing.end, swing.end + 4 - joint))


_CARRIED: Final = [(swing, _carried_by(swing)) for level in SWING_LEVELS for swing in level]

"""Hand shape library and sampling of finger poses."""

from __future__ import annotations

from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BONE_INDEX, BONE_NAMES, FRAME_BONES, BoneRig, unit
from dance_now.pose.model.keypoints import FINGERS

_PHALANXES: Final = ("Proximal", "Intermediate", "Distal")
_STRAIGHT, _BENT, _CURLED = (2, 3, 2), (35, 40, 25), (80, 95, 60)


def _shape(
    thumb: tuple[float, float, float],
    *fingers: tuple[float, float, float],
    spread: tuple[float, float, float, float, float] = (0, 0, 0, 0, 0),
) -> tuple[tuple[float, ...], ...]:
    four = fingers * 4 if len(fingers) == 1 else fingers
    return tuple((*bends, aside) for bends, aside in zip((thumb, *four), spread, strict=True))


# Bend in degrees of the three bones of thumb to little finger, and spread of each finger
# towards the thumb; all 0 is the flat hand of a T-pose.
FINGER_SHAPES: Final = {
    "flat": _shape((0, 0, 0), (0, 0, 0)),
    "relaxed": _shape((12, 10, 10), (14, 18, 10), (20, 24, 14), (25, 28, 16), (28, 30, 18)),
    "soft": _shape((8, 8, 5), (8, 10, 6), (10, 14, 8), (13, 16, 10), (15, 18, 10)),
    "spread": _shape((-8, 0, 0), (0, 2, 0), spread=(15, 14, 3, -10, -22)),
    "fist": _shape((30, 40, 45), _CURLED),
    "loose fist": _shape((22, 30, 30), (60, 70, 40)),
    "grip": _shape((28, 25, 25), (50, 50, 30)),
    "point": _shape((28, 38, 40), _STRAIGHT, _CURLED, _CURLED, _CURLED),
    "peace": _shape((32, 40, 40), _STRAIGHT, _STRAIGHT, _CURLED, _CURLED, spread=(0, 12, -8, 0, 0)),
    "three": _shape((34, 40, 40), _STRAIGHT, _STRAIGHT, _STRAIGHT, _CURLED, spread=(0, 10, 0, -10, 0)),
    "four": _shape((38, 45, 35), _STRAIGHT, spread=(0, 8, 2, -5, -12)),
    "thumb up": _shape((-15, -5, -5), _CURLED, spread=(10, 0, 0, 0, 0)),
    "gun": _shape((-12, -5, -5), _STRAIGHT, _CURLED, _CURLED, _CURLED, spread=(10, 0, 0, 0, 0)),
    "rock": _shape((30, 40, 40), _STRAIGHT, _CURLED, _CURLED, _STRAIGHT, spread=(0, 8, 0, 0, -10)),
    "call": _shape((-15, -5, 0), _CURLED, _CURLED, _CURLED, _STRAIGHT, spread=(15, 0, 0, 0, -15)),
    "ok": _shape((25, 30, 25), (45, 55, 30), (15, 15, 8), (8, 8, 5), _STRAIGHT, spread=(0, 0, 2, -5, -12)),
    "pinch": _shape((28, 28, 20), (50, 50, 30), _BENT, (45, 50, 30), (50, 55, 35)),
    "claw": _shape((5, 30, 30), (10, 60, 45), spread=(10, 12, 3, -8, -16)),
    "cup": _shape((22, 12, 8), (32, 25, 15), spread=(0, 2, 0, -2, -4)),
    "hook": _shape((15, 15, 10), (10, 85, 60)),
    "blade": _shape((25, 20, 10), (3, 2, 2)),
    "wave": _shape((-5, 0, 0), (-8, 5, 3), spread=(12, 9, 2, -7, -14)),
}
_COMMON: Final = ("relaxed", "soft", "flat", "loose fist", "fist", "spread")


def random_fingers(generator: np.random.Generator, count: int) -> FloatArray:
    """Samples finger angles (count, 2, 5, 4) in degrees of left and right hands.

    Half of the hands have everyday shapes; some are blended towards a second shape, all are jittered.
    """
    names = list(FINGER_SHAPES)
    table = np.array([FINGER_SHAPES[name] for name in names], np.float32)
    everyday = [names.index(name) for name in _COMMON]
    first = np.where(
        generator.random((count, 2)) < 0.5,
        generator.choice(everyday, (count, 2)),
        generator.integers(len(names), size=(count, 2)),
    )
    second = generator.integers(len(names), size=(count, 2))
    share = np.where(generator.random((count, 2)) < 0.3, generator.random((count, 2)), 0.0)
    share = share[..., None, None].astype(np.float32)
    angles = table[first] * (1 - share) + table[second] * share
    jitter = generator.normal(0, 4, angles.shape)
    jitter[..., 3] /= 2
    fingers: FloatArray = (angles + jitter).astype(np.float32)
    return fingers


def finger_directions(rig: BoneRig, side: str, hands: FloatArray, angles: FloatArray) -> FloatArray:
    """Bone directions (n, 47, 3) of one hand's fingers in the order of BONE_NAMES, 0 for other bones.

    Args:
        rig: of the body.
        side: ``"left"`` or ``"right"``.
        hands: (n, 3, 3) rotations of the hand from rest.
        angles: (n, 5, 4) degrees: bends of three bones towards the palm, and the spread to the thumb's side.
    """
    directions = np.zeros((len(hands), len(BONE_NAMES), 3), np.float32)
    frame = rig.rest_frames[FRAME_BONES.index(f"{side}Hand")]
    thumbwards = frame[:, 1]
    palm = frame[:, 2] if side == "left" else -frame[:, 2]
    radians = np.radians(angles)
    for finger, name in enumerate(FINGERS):
        spread = radians[:, finger, 3]
        bend = np.zeros(len(hands), np.float32)
        for phalanx, bone in enumerate(_PHALANXES):
            index = BONE_INDEX[f"{side}{name}{bone}"]
            rest = rig.rest_directions[index]
            inward = unit(0.7 * palm - 0.7 * thumbwards) if finger == 0 else palm
            bend = bend + radians[:, finger, phalanx]
            aside = thumbwards if finger else np.cross(inward, rest)
            aside = _orthogonal(aside, rest)
            spread_out = np.cos(spread)[:, None] * rest + np.sin(spread)[:, None] * aside
            inward = _orthogonal(inward, rest)
            local = np.cos(bend)[:, None] * spread_out + np.sin(bend)[:, None] * inward
            directions[:, index] = np.einsum("nij,nj->ni", hands, local)
    return directions


def _orthogonal(vector: FloatArray, direction: FloatArray) -> FloatArray:
    result: FloatArray = unit(vector - direction * (vector @ direction))
    return result

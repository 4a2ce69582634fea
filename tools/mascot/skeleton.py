"""Skeleton: VRM 1.0 humanoid bones, spring bone chains of the hair and their colliders.

She stands in a T-pose about five heads tall, in the character frame: metres, x to her left, y up, z front.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tools.mascot.surface import Points, other_side

Place = tuple[float, float, float]

SHOULDER: Final[Place] = (0.098, 1.036, -0.008)
ELBOW: Final[Place] = (0.270, 1.036, -0.010)
WRIST: Final[Place] = (0.425, 1.036, -0.008)
HIP: Final[Place] = (0.060, 0.690, 0.0)
KNEE: Final[Place] = (0.063, 0.385, 0.004)
ANKLE: Final[Place] = (0.065, 0.088, -0.014)
TOES: Final[Place] = (0.067, 0.022, 0.060)

HEAD_SCALE: Final = 1.17
_HEAD_PIVOT: Final = (0.0, 1.100, -0.010)

_TRUNK: Final[tuple[tuple[str, str | None, Place], ...]] = (
    ("hips", None, (0.0, 0.715, 0.0)),
    ("spine", "hips", (0.0, 0.790, 0.0)),
    ("chest", "spine", (0.0, 0.870, -0.004)),
    ("upperChest", "chest", (0.0, 0.955, -0.008)),
    ("neck", "upperChest", (0.0, 1.070, -0.012)),
    ("head", "neck", (0.0, 1.122, -0.006)),
)
_LEFT: Final[tuple[tuple[str, str, Place], ...]] = (
    ("leftEye", "head", (0.0186, 1.2227, -0.0007)),  # the centre of the curve on which the iris slides
    ("leftShoulder", "upperChest", (0.026, 1.036, -0.008)),
    ("leftUpperArm", "leftShoulder", SHOULDER),
    ("leftLowerArm", "leftUpperArm", ELBOW),
    ("leftHand", "leftLowerArm", WRIST),
    ("leftUpperLeg", "hips", HIP),
    ("leftLowerLeg", "leftUpperLeg", KNEE),
    ("leftFoot", "leftLowerLeg", ANKLE),
    ("leftToes", "leftFoot", TOES),
)


def enlarged(points: npt.ArrayLike) -> Points:
    """Scales head, hair and headphones, modelled at a child's true size, to anime proportions."""
    pivot = np.array(_HEAD_PIVOT)
    return np.asarray(pivot + (np.asarray(points) - pivot) * HEAD_SCALE)


@dataclass(frozen=True, eq=False)
class Finger:
    """Finger of the left hand.

    Attributes:
        bones: its three bones, from the root.
        joints: (4, 3) where they start, and the tip; metres.
        radius: at the root, metres.
    """

    bones: tuple[str, ...]
    joints: Points
    radius: float


def _finger(
    name: str, segments: tuple[str, str, str], root: Place, way: Place, lengths: Place, radius: float
) -> Finger:
    direction = np.array(way) / np.linalg.norm(way)
    reach = np.cumsum([0.0, *lengths])
    bones = tuple(f"left{name}{segment}" for segment in segments)
    return Finger(bones, np.array(root) + reach[:, None] * direction, radius)


_SEGMENTS: Final = ("Proximal", "Intermediate", "Distal")
_X, _Y, _Z = WRIST
FINGERS: Final[tuple[Finger, ...]] = (
    _finger(
        "Thumb",
        ("Metacarpal", "Proximal", "Distal"),
        (_X + 0.012, _Y - 0.006, _Z + 0.016),
        (0.80, -0.22, 0.62),
        (0.021, 0.019, 0.016),
        0.0083,
    ),
    _finger(
        "Index", _SEGMENTS, (_X + 0.054, _Y, _Z + 0.021), (1, -0.02, 0.10), (0.020, 0.015, 0.012), 0.0075
    ),
    _finger(
        "Middle",
        _SEGMENTS,
        (_X + 0.057, _Y + 0.001, _Z + 0.007),
        (1, -0.02, 0.02),
        (0.022, 0.017, 0.013),
        0.0076,
    ),
    _finger(
        "Ring", _SEGMENTS, (_X + 0.054, _Y, _Z - 0.007), (1, -0.02, -0.05), (0.020, 0.015, 0.012), 0.0073
    ),
    _finger(
        "Little",
        _SEGMENTS,
        (_X + 0.049, _Y - 0.002, _Z - 0.020),
        (1, -0.02, -0.13),
        (0.016, 0.012, 0.010),
        0.0067,
    ),
)


@dataclass(frozen=True)
class Chain:
    """Spring bone chain.

    Attributes:
        name: its joints are ``NAME1``, ``NAME2``, ...
        parent: the bone it hangs on.
        places: joints and, last, the end.
        stiffness: pull toward rest.
        drag: share of the speed lost in a step.
        gravity: pull downward.
        radius: metres, for collisions.
    """

    name: str
    parent: str
    places: tuple[Place, ...]
    stiffness: float
    drag: float
    gravity: float
    radius: float

    @property
    def joints(self) -> tuple[str, ...]:
        """Joint names, the end among them."""
        return tuple(f"{self.name}{number}" for number in range(1, len(self.places) + 1))

    def mirrored(self) -> Chain:
        """Mirrored chain, on the other side."""
        places = tuple((-x, y, z) for x, y, z in self.places)
        return Chain(
            other_side(self.name), self.parent, places, self.stiffness, self.drag, self.gravity, self.radius
        )


_LEFT_CHAINS: Final = (
    Chain(
        "leftTail",
        "head",
        (
            (0.118, 1.300, -0.058),
            (0.178, 1.262, -0.070),
            (0.206, 1.185, -0.074),
            (0.214, 1.105, -0.070),
            (0.236, 1.040, -0.062),
        ),
        0.9,
        0.45,
        0.18,
        0.02,
    ),
    Chain(
        "leftForelock",
        "head",
        ((0.108, 1.245, 0.040), (0.114, 1.180, 0.050), (0.100, 1.105, 0.058)),
        1.2,
        0.5,
        0.1,
        0.012,
    ),
)
CHAINS: Final[tuple[Chain, ...]] = (
    *_LEFT_CHAINS,
    *(chain.mirrored() for chain in _LEFT_CHAINS),
    Chain(
        "topLock",
        "head",
        ((0.004, 1.396, 0.022), (0.002, 1.440, 0.010), (0.034, 1.468, 0.016), (0.072, 1.456, 0.034)),
        1.5,
        0.45,
        0.0,
        0.0,
    ),
)


@dataclass(frozen=True)
class Collider:
    """Sphere collider on a bone, which hair does not enter."""

    bone: str
    centre: Place
    radius: float


COLLIDERS: Final = (
    Collider("head", (0.0, 1.255, -0.006), 0.110),
    Collider("upperChest", (0.0, 0.985, -0.005), 0.095),
    Collider("leftShoulder", (0.085, 1.020, -0.005), 0.055),
    Collider("rightShoulder", (-0.085, 1.020, -0.005), 0.055),
)


def joints() -> Iterator[tuple[str, str | None, Points]]:
    """Joints: name, parent and (3,) position of each, parents first."""
    for name, parent, place in _TRUNK:
        yield name, parent, np.array(place)
    fingers = [
        (bone, ("leftHand", *finger.bones)[number], finger.joints[number])
        for finger in FINGERS
        for number, bone in enumerate(finger.bones)
    ]
    for name, above, place in (*_LEFT, *fingers):
        position = enlarged(place) if above == "head" else np.array(place)
        yield name, above, position
        yield other_side(name), other_side(above), position * (-1, 1, 1)
    for chain in CHAINS:
        above = chain.parent
        for name, place in zip(chain.joints, chain.places, strict=True):
            yield name, above, enlarged(place)
            above = name

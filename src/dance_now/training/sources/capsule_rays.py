"""Rays from capsules around a skeleton's bones: sample directions for the visual hull of a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.bone_rule import BONE_INDEX, basis
from dance_now.pose.model.keypoints import FINGERS, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.skeleton import Skeleton

Array = npt.NDArray[np.float64]

_BLEND: Final = 0.25  # of a limb's length, over which its skin is blended with the parent bone's


@dataclass(frozen=True)
class Capsule:
    """Capsule around a bone, from which rays are cast.

    Attributes:
        bone: bone of the skin weights; ``before``: blended in near the start.
        start, end: ends of the axis at rest, metres.
        reach: largest radius, metres.
        density: point density, relative to a limb.
    """

    bone: str
    before: str
    start: Array
    end: Array
    reach: float
    density: float = 1.0


@dataclass(frozen=True, eq=False)
class Rays:
    """Rays from capsule axes at rest, with the skin weights of points on them."""

    origin: Array  # (n, 3)
    direction: Array  # (n, 3) unit vectors
    reach: Array  # (n,) largest distances, metres
    bones: npt.NDArray[np.int64]  # (n, 2)
    weights: Array  # (n, 2)
    density: Array  # (n,)


def skeleton_capsules(skeleton: Skeleton) -> list[Capsule]:
    rest = skeleton.rest.astype(np.float64)
    ears = rest[[17, 18]].mean(axis=0)
    across = float(np.linalg.norm(rest[17] - rest[18]))
    shoulders = float(np.linalg.norm(rest[2] - rest[5]))
    trunk = rest[1] - rest[8]
    middle = ears + np.array([0, 0.25, 0.1]) * across
    third, two_thirds = rest[8] + trunk / 3, rest[8] + 2 * trunk / 3
    parts = [
        Capsule("head", "neck", middle, middle + np.array([0, 0.01, 0]) * across, 1.6 * across, 2.0),
        Capsule("hips", "hips", rest[8] - 0.1 * trunk, third, 0.9 * shoulders),
        Capsule("spine", "hips", third, two_thirds, 0.9 * shoulders),
        Capsule("chest", "spine", two_thirds, rest[1], 0.9 * shoulders),
        Capsule("neck", "chest", rest[1], (rest[1] + ears) / 2, 0.5 * across),
    ]
    for side, arm, leg, toes, hand in (
        ("left", (5, 6, 7), (12, 13, 14), (19, 21), LEFT_HAND),
        ("right", (2, 3, 4), (9, 10, 11), (22, 24), RIGHT_HAND),
    ):
        upper, lower = f"{side}UpperArm", f"{side}LowerArm"
        parts += [
            Capsule(upper, "chest", rest[arm[0]], rest[arm[1]], 0.5 * shoulders),
            Capsule(lower, upper, rest[arm[1]], rest[arm[2]], 0.4 * shoulders),
            Capsule(f"{side}UpperLeg", "hips", rest[leg[0]], rest[leg[1]], 0.6 * shoulders),
            Capsule(f"{side}LowerLeg", f"{side}UpperLeg", rest[leg[1]], rest[leg[2]], 0.5 * shoulders),
            Capsule(f"{side}Foot", f"{side}Foot", rest[toes[1]], rest[toes[0]], 0.4 * shoulders, 1.3),
            *_hand_capsules(rest[hand], side),
        ]
    return parts


def _hand_capsules(hand: Array, side: str) -> list[Capsule]:
    size = float(np.linalg.norm(hand[9] - hand[0]))
    palm = f"{side}Hand"
    parts = [Capsule(palm, f"{side}LowerArm", hand[0], hand[[5, 9, 13]].mean(axis=0), 0.7 * size, 1.5)]
    for finger, name in enumerate(FINGERS):
        first, before = 4 * finger + 1, palm
        for joint, phalanx in enumerate(("Proximal", "Intermediate", "Distal")):
            bone = f"{side}{name}{phalanx}"
            parts.append(
                Capsule(bone, before, hand[first + joint], hand[first + joint + 1], 0.16 * size, 2.0)
            )
            before = bone
    return parts


def capsule_rays(parts: list[Capsule], count: int, rng: np.random.Generator) -> Rays:
    """Casts about ``count`` rays, distributed by the area of capsules of a third of their reach."""
    lengths = np.array([float(np.linalg.norm(part.end - part.start)) for part in parts])
    radii = np.array([part.reach / 3 for part in parts])
    density = np.array([part.density for part in parts])
    area = 2 * np.pi * radii * (lengths + 2 * radii) * density
    counts = np.maximum(8, np.round(count * area / area.sum())).astype(int)
    found = [_sample_rays(*each, rng) for each in zip(parts, counts.tolist(), radii.tolist(), strict=True)]
    return Rays(
        *(np.concatenate([getattr(rays, name) for rays in found]) for name in Rays.__dataclass_fields__)
    )


def _sample_rays(part: Capsule, count: int, radius: float, rng: np.random.Generator) -> Rays:
    axis = part.end - part.start
    length = float(np.linalg.norm(axis))
    along = rng.uniform(-radius, length + radius, count)
    cap = np.clip(along, 0, length) - along  # the caps are half spheres
    angle = rng.uniform(0, 2 * np.pi, count)
    towards_y = np.array([0.0, 0.0, 1.0]) if abs(axis[1]) > 0.5 * length else np.array([0.0, 1.0, 0.0])
    frame = basis(axis[None], towards_y[None])[0]  # type: ignore[arg-type]
    lean = -cap / radius
    flat = np.sqrt(np.clip(1 - lean**2, 0, 1))
    local = np.stack([lean, flat * np.cos(angle), flat * np.sin(angle)], axis=1)
    place = np.clip(along, 0, length) / max(length, 1e-9)
    follow = np.clip(0.5 * (1 - place / _BLEND), 0, 0.5) if part.before != part.bone else np.zeros(count)
    bones = np.tile(np.array([BONE_INDEX[part.bone], BONE_INDEX[part.before]]), (count, 1))
    return Rays(
        part.start + place[:, None] * axis,
        local @ frame.T,
        np.full(count, part.reach),
        bones,
        np.stack([1 - follow, follow], axis=1),
        np.full(count, part.density),
    )

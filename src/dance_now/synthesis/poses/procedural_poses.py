"""Procedural poses within joint limits: coverage that a small collection of motions lacks.

Arms anywhere (overhead, behind the back, crossed) and between gestures, independent, mirrored or parallel as
in a dance; kicks, legs lifted aside and back, crouches, leans, independent head rotation, and finger shapes.
The camera rotates the whole body. Joint limits are those of a healthy adult, roughly after Kapandji, "The
Physiology of the Joints"; poses in which forearms penetrate the body are rejected.

Local directions below are (outward, up, front): seen from the chest for arms, from the pelvis for legs, with
"outward" to the limb's own side.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, FloatArray
from dance_now.formats3d.motion.bvh_reader import axis_rotations
from dance_now.pose.model.bone_rule import BONE_INDEX, BONE_NAMES, BoneRig, basis, unit
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.synthesis.poses.avatar_poser import PoseTarget, SolvedPoses, solve_poses
from dance_now.synthesis.poses.hand_shapes import finger_directions, random_fingers

# Upper arm and forearm directions of gestures that random directions rarely hit.
_ARM_GESTURES: Final = np.array(
    [
        ((0.35, -0.90, 0.15), (0.10, -0.95, 0.25)),  # hanging
        ((0.45, -0.80, -0.25), (-0.75, -0.45, 0.45)),  # hand on the hip
        ((0.35, -0.80, -0.45), (-0.80, -0.20, -0.55)),  # behind the back
        ((0.30, -0.70, 0.60), (-0.95, 0.15, 0.25)),  # crossed before the chest
        ((0.10, -0.55, 0.80), (-0.90, 0.30, 0.30)),  # crossed high
        ((0.30, 0.93, 0.10), (-0.15, 0.98, 0.05)),  # straight up
        ((0.75, 0.62, 0.05), (-0.60, 0.80, 0.10)),  # hands together overhead
        ((0.80, 0.55, -0.15), (-0.75, 0.15, -0.60)),  # behind the head
        ((0.55, -0.25, 0.75), (-0.35, 0.85, 0.35)),  # hand by the face
        ((0.10, -0.10, 0.99), (0.00, 0.05, 0.99)),  # straight forward
        ((0.98, 0.05, 0.05), (0.99, 0.05, 0.05)),  # straight out
        ((0.95, 0.00, 0.10), (0.15, 0.98, 0.15)),  # flexing
        ((0.75, -0.55, 0.25), (0.45, 0.85, 0.30)),  # waving
        ((0.45, -0.50, -0.70), (0.35, -0.45, -0.80)),  # stretched back
        ((0.40, -0.75, 0.45), (-0.05, 0.15, 0.98)),  # elbows at the side, hands forward
    ],
    np.float32,
)
_ELBOW_LIMIT: Final = 142  # degrees
_OVERSAMPLING: Final = 4


def random_poses(rig: BoneRig, generator: np.random.Generator, count: int) -> SolvedPoses:
    """Samples poses of one body within its joint limits.

    Args:
        rig: of the body.
        generator: random generator; the same state gives the same poses.
        count: how many.
    """
    solved = solve_poses(rig, random_target(rig, generator, count * _OVERSAMPLING))
    depth = penetration(rig, solved.points).reshape(_OVERSAMPLING, count)
    chosen = np.where(depth <= 0, 0, depth).argmin(axis=0) * count + np.arange(count)
    return SolvedPoses(solved.points[chosen], solved.rotations[chosen])


def random_target(rig: BoneRig, generator: np.random.Generator, count: int) -> PoseTarget:
    """Samples target poses, some of which may penetrate the body."""
    hips = random_turns(generator, count, yaw=0, pitch=9, roll=7)
    leaning = generator.random(count) < 0.12
    hips[leaning] = hips[leaning] @ random_turns(generator, int(leaning.sum()), yaw=0, pitch=32, roll=20)
    chest = hips @ random_turns(generator, count, yaw=22, pitch=0, roll=12)
    head = chest @ random_turns(generator, count, yaw=32, pitch=16, roll=10)
    directions = np.zeros((count, len(BONE_NAMES), 3), np.float32)
    crouch = np.where(generator.random(count) < 0.3, generator.uniform(15, 95, count), 0.0).astype(np.float32)
    coupling = generator.choice(3, count, p=[0.6, 0.25, 0.15])  # arms independent, mirrored, parallel
    hands: list[FloatArray] = []
    arms: dict[str, tuple[FloatArray, FloatArray]] = {}
    fingers = random_fingers(generator, count)
    for index, side in enumerate(("left", "right")):
        arms[side] = _arm(generator, count)
        if side == "right":
            arms["right"] = _couple_arms(arms["left"], arms["right"], coupling)
        upper, fore = (_to_world(chest, _mirrored(direction, side)) for direction in arms[side])
        thigh, shank, foot = _leg(rig, generator, side, crouch)
        for bone, direction in (("UpperArm", upper), ("LowerArm", fore)):
            directions[:, BONE_INDEX[side + bone]] = direction
        for bone, direction in (("UpperLeg", thigh), ("LowerLeg", shank), ("Foot", foot)):
            directions[:, BONE_INDEX[side + bone]] = _to_world(hips, direction)
        hand = _hand(rig, generator, side, chest, upper, fore)
        hands.append(hand)
        directions += finger_directions(rig, side, hand, fingers[:, index])
    return PoseTarget(
        trunk=(hips[..., 1] + chest[..., 1]).astype(np.float32),
        hips=hips[..., 0].astype(np.float32),
        shoulders=chest[..., 0].astype(np.float32),
        head=head.astype(np.float32),
        hands=np.stack(hands, axis=1).astype(np.float32),
        directions=directions,
    )


def penetration(rig: BoneRig, points: FloatArray) -> FloatArray:
    """Penetration depth (n,), metres, of forearms and hands (n, 137, 3) into trunk, head or the other arm."""
    rest = rig.skeleton.rest
    neck, hips = points[:, 1], points[:, 8]
    trunk_radius = 0.62 * float(np.linalg.norm(rest[2] - rest[5])) / 2
    ears = (points[:, 17] + points[:, 18]) / 2
    head_radius = 0.9 * float(np.linalg.norm(rest[17] - rest[18])) / 2
    worst: FloatArray = np.zeros(len(points), np.float32)
    for side in ("left", "right"):
        elbow, wrist = (points[:, BODY_INDEX[f"{side}_{joint}"]] for joint in ("elbow", "wrist"))
        for share in (0.0, 0.35, 0.7, 1.0, 1.3):
            point = elbow + share * (wrist - elbow)
            worst = np.maximum(worst, trunk_radius - _segment_distance(point, hips, neck))
            worst = np.maximum(worst, head_radius - np.linalg.norm(point - ears, axis=1))
    for share in (0.5, 1.0):
        left, right = (
            points[:, elbow] + share * (points[:, wrist] - points[:, elbow])
            for elbow, wrist in ((6, 7), (3, 4))
        )
        worst = np.maximum(worst, 0.25 * trunk_radius - np.linalg.norm(left - right, axis=1))
    return worst


def _segment_distance(points: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    along = end - start
    share = ((points - start) * along).sum(axis=1) / np.maximum((along * along).sum(axis=1), 1e-9)
    nearest = start + np.clip(share, 0, 1)[:, None] * along
    distance: FloatArray = np.linalg.norm(points - nearest, axis=1).astype(np.float32)
    return distance


def random_turns(
    generator: np.random.Generator, count: int, *, yaw: float, pitch: float, roll: float
) -> FloatArray:
    """Samples rotations (count, 3, 3); standard deviations in degrees, truncated at 2.2 of them."""
    angles = np.clip(generator.normal(0, 1, (3, count)), -2.2, 2.2) * [[yaw], [pitch], [roll]]
    turn = _about(1, angles[0]) @ _about(0, angles[1]) @ _about(2, angles[2])
    return turn.astype(np.float32)


def _to_world(frame: FloatArray, local: FloatArray) -> FloatArray:
    world: FloatArray = np.einsum("nij,nj->ni", frame, local)
    return world


def _mirrored(direction: FloatArray, side: str) -> FloatArray:
    mirrored: FloatArray = direction * np.asarray((1 if side == "left" else -1, 1, 1), np.float32)
    return mirrored


def _couple_arms(
    left: tuple[FloatArray, FloatArray],
    right: tuple[FloatArray, FloatArray],
    coupling: npt.NDArray[np.int64],
) -> tuple[FloatArray, FloatArray]:
    """Couples the right arm to the left: independent (0), mirrored (1), or parallel (2) if in reach."""
    across = _mirrored(left[0], "right"), _mirrored(left[1], "right")
    mirrored, beside = coupling == 1, (coupling == 2) & _shoulder_reach(across[0])
    upper, fore = (
        np.where(mirrored[:, None], left[part], np.where(beside[:, None], across[part], right[part]))
        for part in (0, 1)
    )
    return upper, fore


def _arm(generator: np.random.Generator, count: int) -> tuple[FloatArray, FloatArray]:
    """Samples upper arm and forearm (count, 3), outward-up-front.

    Two in five are anywhere in reach, the others at a gesture or, a quarter, between two gestures.
    """
    gesture = _gesture(generator, count)
    sweep = _sweep(generator, gesture, _gesture(generator, count))
    gesture = np.where((generator.random(count) < 0.4)[:, None, None], sweep, gesture)
    upper = np.zeros((count, 3), np.float32)
    missing = np.ones(count, np.bool_)
    while missing.any():
        upper[missing] = unit(generator.normal(size=(int(missing.sum()), 3)).astype(np.float32))
        missing &= ~_shoulder_reach(upper)
    fore = _forearm(generator, upper)
    random = generator.random(count)[:, None] < 0.4
    return np.where(random, upper, gesture[:, 0]), np.where(random, fore, gesture[:, 1])


def _gesture(generator: np.random.Generator, count: int) -> FloatArray:
    """Samples gestures (count, 2, 3), upper arms and forearms, with jitter."""
    gesture = _ARM_GESTURES[generator.integers(len(_ARM_GESTURES), size=count)]
    return unit((gesture + generator.normal(0, 0.16, gesture.shape)).astype(np.float32))


def _sweep(generator: np.random.Generator, start: FloatArray, end: FloatArray) -> FloatArray:
    """Interpolates gestures (n, 2, 3); stays at the first where the result is out of reach."""
    share = generator.uniform(0.1, 0.9, (len(start), 1, 1)).astype(np.float32)
    way = unit(start + share * (end - start))
    bend = (way[:, 0] * way[:, 1]).sum(axis=1)
    possible = _shoulder_reach(way[:, 0]) & (bend > np.cos(np.radians(_ELBOW_LIMIT)))
    sweep: FloatArray = np.where(possible[:, None, None], way, start)
    return sweep


def _shoulder_reach(upper: FloatArray) -> BoolArray:
    outward, up, front = upper.T
    across = outward > np.where(front > 0.5, -0.55, -0.2)
    back = front > np.where(up > 0.3, -0.35, -0.75)
    reach: BoolArray = across & back & ~((front < -0.3) & (outward < 0.1))
    return reach


def _forearm(generator: np.random.Generator, upper: FloatArray) -> FloatArray:
    """Samples forearms (n, 3): elbows bend to the front and inwards, with a raised arm also to the back."""
    count = len(upper)
    neutral = np.broadcast_to(np.asarray((-0.6, 0.3, 1.0), np.float32), upper.shape)
    neutral = unit(neutral - upper * (neutral * upper).sum(axis=1, keepdims=True))
    limit = np.where(upper[:, 1] > 0.6, 150.0, 100.0)
    swivel = np.radians(generator.uniform(-1, 1, count) * limit)[:, None]
    aside = np.cross(upper, neutral)
    towards = np.cos(swivel) * neutral + np.sin(swivel) * aside
    bend = np.radians(
        generator.choice([0.0, 1.0], count, p=[0.2, 0.8]) * generator.uniform(5, _ELBOW_LIMIT, count)
    )
    fore = np.cos(bend)[:, None] * upper + np.sin(bend)[:, None] * towards
    return fore.astype(np.float32)


def _hand(
    rig: BoneRig,
    generator: np.random.Generator,
    side: str,
    chest: FloatArray,
    upper: FloatArray,
    fore: FloatArray,
) -> FloatArray:
    """Samples hand rotations (n, 3, 3): the forearm's, with twist, deviation and bend at the wrist."""
    carried = rig.swing(f"{side}LowerArm", rig.swing(f"{side}UpperArm", chest, upper), fore)
    along = rig.rest_directions[BONE_INDEX[f"{side}LowerArm"]]
    frame = basis(along, np.cross((0, 1, 0), along).astype(np.float32))
    twist, aside, bend = np.clip(generator.normal(0, 1, (3, len(fore))), -2, 2) * [[42], [13], [26]]
    hand = carried @ (frame @ _about(0, twist) @ _about(1, bend) @ _about(2, aside) @ frame.T)
    return hand.astype(np.float32)


def _leg(
    rig: BoneRig, generator: np.random.Generator, side: str, crouch: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Samples thigh, shank and foot (n, 3), left-up-front of the pelvis.

    Args:
        rig: of the body.
        generator: random generator.
        side: ``"left"`` or ``"right"``.
        crouch: (n,) degrees of hip flexion of a crouch, 0 for none.
    """
    count = len(crouch)
    # standing, stepping, kicking, anywhere, lifted
    kind = generator.choice(5, count, p=[0.45, 0.22, 0.14, 0.09, 0.1])
    flexion, knee = _leg_bends(generator, kind)
    crouching = (crouch > 0) & (generator.random(count) < 0.9)
    flexion = np.where(crouching, crouch + generator.normal(0, 8, count), flexion)
    knee = np.clip(np.where(crouching, crouch * generator.uniform(1.3, 1.8, count), knee), 0, 140)
    aside = (kind == 3) * generator.uniform(0, 50, count) + (kind == 4) * generator.uniform(5, 80, count)
    spread = np.clip(generator.normal(7, 7, count) + aside, -8, 80)
    turnout = np.clip(generator.normal(10, 12, count) + 0.3 * np.maximum(spread, 0), -25, 55)
    sign = 1 if side == "left" else -1
    outward = _about(2, sign * spread) @ _about(1, sign * turnout)
    thigh = outward @ _about(0, -flexion)
    shank = thigh @ _about(0, knee)
    down = np.asarray((0, -1, 0), np.float32)
    rest = rig.rest_directions[BONE_INDEX[f"{side}Foot"]]
    free = shank @ _about(0, np.clip(generator.normal(6, 16, count), -22, 45)) @ rest
    level = _about(1, sign * turnout) @ rest
    planted = ((kind == 0) | crouching) & (generator.random(count) < 0.75)
    foot: FloatArray = np.where(planted[:, None], level, free).astype(np.float32)
    return (thigh @ down).astype(np.float32), (shank @ down).astype(np.float32), foot


def _leg_bends(generator: np.random.Generator, kind: npt.NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Flexion (n,) of hips and knees, degrees, for each kind of ``_leg``."""
    count = len(kind)
    hips = (
        generator.normal(2, 7, count),
        generator.uniform(-25, 60, count),
        generator.uniform(30, 105, count),
        generator.uniform(-35, 95, count),
        generator.uniform(-45, 15, count),
    )
    knees = (
        np.abs(generator.normal(4, 6, count)),
        generator.uniform(0, 90, count),
        generator.uniform(0, 60, count) * (generator.random(count) < 0.6),
        generator.uniform(0, 130, count),
        generator.uniform(0, 90, count) * (generator.random(count) < 0.5),
    )
    return np.choose(kind, hips).astype(np.float32), np.choose(kind, knees).astype(np.float32)


def _about(axis: int, degrees: npt.ArrayLike) -> FloatArray:
    """Rotation matrices (n, 3, 3) about a coordinate axis."""
    return axis_rotations(axis, np.radians(np.asarray(degrees, np.float32)))

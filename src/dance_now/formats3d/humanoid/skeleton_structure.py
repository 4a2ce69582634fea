"""Skeleton recognition by structure: limbs, trunk and head found in a tree of joints, whatever their names.

A humanoid's joints have two pairs of branches that are mirror images in one plane: the legs, and the arms,
which hang on the trunk that grows from between the legs in this plane. Of all such pairs (hair, skirts and
tails come in pairs as well), legs reach farthest down and arms farthest to the sides. The head is what
carries most vertices above the arms, and the front is where the feet point.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dance_now.formats3d.humanoid.joint_tree import JointTree, LimbPair, Places

_ARM = 0.3, 2.5  # shortest and longest arm, in lengths of a leg
_OFF_PLANE = 0.12  # lengths of a leg by which what belongs to the middle may be beside it
_DOWN = 0.7  # of its length that a leg goes down at rest
_BEND = 40.0  # degrees from shin to foot
_COLLAR = 0.5  # of the next joint's distance from the middle, within which a collar begins
_BALANCED = 0.5  # least ratio of upper arm and forearm
_FINGERS = 3
_MAXIMUM_JOINTS = 2000  # comparing branches takes the square of their number
_CARRIED = 0.1  # lengths of a leg that all vertices count for: of twins, the limb with more is the right one
_NECK = 4  # joints at most from the trunk to the head


@dataclass(frozen=True)
class StructureReading:
    """Bones found by structure.

    Attributes:
        bones: bone -> node.
        knows_front: whether feet told the front; else it is taken to be +z.
    """

    bones: dict[str, int]
    knows_front: bool


@dataclass(frozen=True, eq=False)
class _Body:
    """Candidate for a body: its limbs, the joints from hips to head, and its axes.

    Attributes:
        trunk: joints from the hips to the head.
        chest: index in ``trunk`` of the joint with the arms.
        middle: (3,) point in the plane of symmetry.
        aside: (3,) its unit normal.
        up: (3,) unit.
        score: how far legs reach down and arms to the sides.
    """

    legs: LimbPair
    arms: LimbPair
    trunk: list[int]
    chest: int
    middle: Places
    aside: Places
    up: Places
    score: float


def read_structure(
    parents: Sequence[int], places: Places, masses: Mapping[int, float]
) -> StructureReading | None:
    """Finds a humanoid's bones in a tree of joints; None where it has no arms, legs and head.

    Args:
        parents: N parents, -1 for roots.
        places: (N, 3) rest positions, any axes and unit.
        masses: weight of the vertices on each joint; those with none (ends of bones, controls) are left out.
    """
    joints = _with_forks(parents, masses)
    if len(joints) > _MAXIMUM_JOINTS:
        return None
    tree = JointTree(parents, places, joints)
    pairs = tree.pairs()
    bodies = [_body(tree, legs, arms) for legs, arms in itertools.permutations(pairs, 2)]
    found = [body for body in bodies if body is not None]
    return _assign(tree, max(found, key=lambda body: body.score)) if found else None


def _with_forks(parents: Sequence[int], masses: Mapping[int, float]) -> dict[int, float]:
    """Joints with vertices, and what at least two of their branches hang on, which may have none."""
    found = {joint: mass for joint, mass in masses.items() if mass > 0}
    branches: dict[int, set[int]] = {}
    for joint in found:
        node = joint
        while parents[node] >= 0 and node not in branches.get(parents[node], ()):
            branches.setdefault(parents[node], set()).add(node)
            node = parents[node]
    return found | {node: found.get(node, 0.0) for node, below in branches.items() if len(below) > 1}


def _body(tree: JointTree, legs: LimbPair, arms: LimbPair) -> _Body | None:
    """The body with these limbs, or None where they cannot be those of one."""
    from_legs, from_arms = tree.ancestors(legs.joint), tree.ancestors(arms.joint)
    if arms.joint in from_legs or not _ARM[0] < arms.length / legs.length < _ARM[1]:
        return None
    if {legs.first[0], legs.second[0]} & set(from_arms):
        return None
    hips = next((joint for joint in from_arms if joint in from_legs), None)
    if hips is None:
        return None
    places = tree.places
    roots = places[[legs.first[0], legs.second[0]]]
    middle = roots.mean(axis=0)
    up = places[arms.joint] - middle
    across = roots[0] - roots[1]
    if min(np.linalg.norm(up), np.linalg.norm(across)) < 1e-6 * legs.length:
        return None
    up = up / np.linalg.norm(up)
    across = across - up * (across @ up)
    aside = across / max(float(np.linalg.norm(across)), 1e-12)
    slack = _OFF_PLANE * legs.length
    central = [hips, *from_arms[: from_arms.index(hips)]]
    ends = [places[[pair.first[k], pair.second[k]]].mean(axis=0) for pair in (legs, arms) for k in (0, -1)]
    if np.abs((np.stack([*places[central], *ends]) - middle) @ aside).max() > slack:
        return None
    drop = float((roots - places[[legs.first[-1], legs.second[-1]]]).mean(axis=0) @ up)
    if drop < _DOWN * (legs.length - float(np.linalg.norm(roots - places[legs.joint], axis=1).mean())):
        return None
    head = _head(tree, arms, middle, aside, up, slack)
    if head is None:
        return None
    spread = abs(float((places[arms.first[-1]] - places[arms.second[-1]]) @ aside))
    spine = list(reversed(from_arms[: from_arms.index(hips) + 1]))
    carried = sum(tree.masses[joint] for joint in (*legs.first, *legs.second, *arms.first, *arms.second))
    score = drop + spread / 2 + arms.length / 2 + _CARRIED * legs.length * carried / tree.mass
    return _Body(legs, arms, [*spine, *head], len(spine) - 1, middle, aside, up, score)


def _head(
    tree: JointTree, arms: LimbPair, middle: Places, aside: Places, up: Places, slack: float
) -> list[int] | None:
    """Joints from above the arms to the head: of the branches in the middle, that with most vertices."""
    chest = float(tree.places[arms.joint] @ up)
    central = [
        child
        for child in tree.below[arms.joint]
        if child not in (arms.first[0], arms.second[0])
        and abs(float((tree.places[child] - middle) @ aside)) < slack
        and float(tree.places[child] @ up) > chest
    ]
    if not central:
        return None
    branches = {child: _middle_branch(tree, child, middle, aside, up, slack) for child in central}
    chain = max(branches.values(), key=lambda chain: max(tree.masses[joint] for joint in chain))
    heaviest = max(range(len(chain)), key=lambda index: tree.masses[chain[index]])
    return chain[: heaviest + 1]


def _middle_branch(
    tree: JointTree, joint: int, middle: Places, aside: Places, up: Places, slack: float
) -> list[int]:
    """Joints upward from one, always in the middle, to what goes highest."""
    chain = [joint]
    while len(chain) < _NECK:
        height = float(tree.places[chain[-1]] @ up)
        following = [
            child
            for child in tree.below[chain[-1]]
            if abs(float((tree.places[child] - middle) @ aside)) < slack
            and float(tree.places[child] @ up) > height
        ]
        if not following:
            break
        chain.append(max(following, key=lambda child: tree.masses[child]))
    return chain


def _assign(tree: JointTree, body: _Body) -> StructureReading:
    """Names the joints of a body."""
    trunk, chest = body.trunk, body.chest
    bones = {"hips": trunk[0], "spine": trunk[min(1, chest)], "head": trunk[-1]}
    if chest > 1:
        bones["chest"] = trunk[2]
    if chest > 2:
        bones["upperChest"] = trunk[chest]
    if len(trunk) - chest > 2:
        bones["neck"] = trunk[chest + 1]
    legs = [_leg(tree, path) for path in (body.legs.first, body.legs.second)]
    feet = [tree.places[toes] - tree.places[foot] for _, _, foot, toes in legs if toes is not None]
    front = np.sum(feet, axis=0) if feet else np.array([0.0, 0.0, 1.0])
    left = np.cross(body.up, front)
    arms = _arms(tree, body)
    for parts, limbs in (
        (("UpperLeg", "LowerLeg", "Foot", "Toes"), legs),
        (("UpperArm", "LowerArm", "Hand", "Shoulder"), arms),
    ):
        for limb in limbs:
            side = "left" if (tree.places[limb[2]] - body.middle) @ left > 0 else "right"
            bones |= {
                side + part: joint for part, joint in zip(parts, limb, strict=True) if joint is not None
            }
    return StructureReading(bones, bool(feet))


def _leg(tree: JointTree, path: tuple[int, ...]) -> tuple[int, int, int, int | None]:
    """Thigh, shin, foot and toes of a leg's joints."""
    first = int(
        len(path) > 3
        and tree.length(*path[:2]) < 0.5 * max(tree.length(a, b) for a, b in itertools.pairwise(path[1:]))
        and tree.length(path[0], path[1]) < 0.5 * tree.length(path[1], path[2])
    )
    start, foot = tree.places[path[first]], len(path) - 1
    for index in range(first + 2, len(path) - 1):
        along = tree.places[path[index]] - start
        ahead = tree.places[path[index + 1]] - tree.places[path[index]]
        size = max(float(np.linalg.norm(along) * np.linalg.norm(ahead)), 1e-12)
        if along @ ahead < np.cos(np.radians(_BEND)) * size:
            foot = index
            break
    toes = path[foot + 1] if foot + 1 < len(path) else None
    return path[first], path[_halfway(tree, path, first, foot)], path[foot], toes


def _arms(tree: JointTree, body: _Body) -> list[tuple[int, int, int, int | None]]:
    """Upper arm, forearm, hand and collar of both arms."""
    paths = body.arms.first, body.arms.second
    fingers = [
        index for path in paths for index in range(2, len(path)) if len(tree.below[path[index]]) >= _FINGERS
    ]
    found = []
    for path in paths:
        last = min(min(fingers), len(path) - 1) if fingers else len(path) - 1
        beside = [abs(float((tree.places[joint] - body.middle) @ body.aside)) for joint in path]
        first = int(last > 2 and beside[0] < _COLLAR * beside[1] and _is_arm(tree, path, 1, last))
        if not fingers and last - first > 2:  # without fingers, a fourth joint is the end of the hand
            last = first + 2
        elbow = _halfway(tree, path, first, last)
        found.append((path[first], path[elbow], path[last], path[0] if first else None))
    return found


def _is_arm(tree: JointTree, path: tuple[int, ...], first: int, last: int) -> bool:
    """Whether upper arm and forearm are about as long as each other."""
    elbow = path[_halfway(tree, path, first, last)]
    upper, lower = tree.length(path[first], elbow), tree.length(elbow, path[last])
    return min(upper, lower) > _BALANCED * max(upper, lower)


def _halfway(tree: JointTree, path: tuple[int, ...], first: int, last: int) -> int:
    """Index of the joint nearest to halfway between two: elbow or knee, among twist bones."""
    steps = [tree.length(start, end) for start, end in itertools.pairwise(path[first : last + 1])]
    along = np.cumsum(steps)[:-1]
    return first + 1 + int(np.abs(along - sum(steps) / 2).argmin())

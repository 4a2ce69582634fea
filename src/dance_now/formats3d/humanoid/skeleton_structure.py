"""Skeleton recognition by structure: limbs, trunk and head found in a tree of joints, whatever their names.

A humanoid's joints have two pairs of mirror-symmetric branches: the legs, and the arms, which hang on the
trunk that grows from between the legs. The front is where the feet point.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.float64]

_LEAST_JOINTS = 3  # of an arm or a leg
_SAME = 0.12  # of the length by which two branches of a pair may differ
_ARM = 0.4  # least length of an arm, in lengths of a leg
_BEND = 40.0  # degrees from shin to foot
_SHORT = 0.5  # of the next bone: what a collar or hip bone is shorter than
_FINGERS = 3
_MAXIMUM_PAIRS = 200


@dataclass(frozen=True)
class StructureReading:
    """Bones found by structure.

    Attributes:
        bones: bone -> node.
        knows_front: whether feet told the front; else it is taken to be +z.
    """

    bones: dict[str, int]
    knows_front: bool


@dataclass(frozen=True)
class _Pair:
    """Two symmetric branches of a joint: their paths to the farthest joint, and their mean length."""

    joint: int
    first: tuple[int, ...]
    second: tuple[int, ...]
    length: float


class _JointTree:
    """Tree of the joints alone; what lies between two of them is skipped."""

    def __init__(self, parents: Sequence[int], places: Places, joints: Iterable[int]) -> None:
        """Positions (N, 3) and parents of N nodes, and which of them are joints."""
        chosen = set(joints)
        self.places = places
        self.above: dict[int, int] = {}
        self.below: dict[int, list[int]] = {joint: [] for joint in chosen}
        for joint in sorted(chosen):
            node = parents[joint]
            while node >= 0 and node not in chosen:
                node = parents[node]
            self.above[joint] = node
            if node >= 0:
                self.below[node].append(joint)
        self.order = [joint for joint, node in self.above.items() if node < 0]
        for joint in self.order:  # grows: parents first
            self.order.extend(self.below[joint])
        self.reach = dict.fromkeys(self.order, 0.0)
        for joint in reversed(self.order):
            for child in self.below[joint]:
                self.reach[joint] = max(self.reach[joint], self.length(joint, child) + self.reach[child])

    def length(self, start: int, end: int) -> float:
        """Distance of two joints."""
        return float(np.linalg.norm(self.places[end] - self.places[start]))

    def path(self, joint: int) -> tuple[int, ...]:
        """Joints from one to the farthest below it."""
        found = [joint]
        while self.below[found[-1]]:
            last = found[-1]
            found.append(
                max(self.below[last], key=lambda child: self.length(last, child) + self.reach[child])
            )
        return tuple(found)

    def ancestors(self, joint: int) -> list[int]:
        """A joint and all above it."""
        found = [joint]
        while self.above[found[-1]] >= 0:
            found.append(self.above[found[-1]])
        return found

    def pairs(self) -> list[_Pair]:
        """Pairs of branches that could be arms or legs, the longest first."""
        found = []
        for joint in self.order:
            branches = sorted(self.below[joint], key=lambda child: -self.reach[child])[:6]
            for one, other in itertools.combinations(branches, 2):
                paths = self.path(one), self.path(other)
                lengths = [self.length(joint, path[0]) + self.reach[path[0]] for path in paths]
                longest, apart = max(lengths), self.length(paths[0][-1], paths[1][-1])
                alike = longest > 0 and longest - min(lengths) < _SAME * longest
                if alike and min(map(len, paths)) >= _LEAST_JOINTS and apart > 0.1 * longest:
                    found.append(_Pair(joint, *paths, longest))
        return sorted(found, key=lambda pair: -pair.length)[:_MAXIMUM_PAIRS]


def read_structure(
    parents: Sequence[int], places: Places, joints: Iterable[int], named_tips: Iterable[int] = ()
) -> StructureReading | None:
    """Finds a humanoid's bones in a tree of joints; None where it has no arms, legs and head.

    Args:
        parents: N parents, -1 for roots.
        places: (N, 3) rest positions, any axes and unit.
        joints: nodes that skins use.
        named_tips: joints that are the ends of bones only, by their names; they are left out.
    """
    tree = _JointTree(parents, places, set(joints) - set(named_tips))
    for legs, arms in _limb_pairs(tree):
        trunk = _trunk(tree, legs, arms)
        if trunk is not None:
            return _assign(tree, legs, arms, trunk)
    return None


def _limb_pairs(tree: _JointTree) -> Iterable[tuple[_Pair, _Pair]]:
    """Pairs that may be legs and arms: arms on the trunk nearest to the legs, long legs first."""
    pairs = tree.pairs()
    for legs in pairs:
        above = tree.ancestors(legs.joint)
        inside = set(legs.first) | set(legs.second)
        candidates = [
            arms
            for arms in pairs
            if arms.length > _ARM * legs.length and arms.joint not in above and arms.joint not in inside
        ]
        for arms in sorted(candidates, key=lambda pair: len(tree.ancestors(pair.joint))):
            yield legs, arms


def _trunk(tree: _JointTree, legs: _Pair, arms: _Pair) -> list[int] | None:
    """Joints from the hips to the head; None where arms hang on no trunk that ends in a head."""
    from_legs = tree.ancestors(legs.joint)
    spine: list[int] = []
    for joint in tree.ancestors(arms.joint):
        spine.append(joint)
        if joint in from_legs:
            break
    else:
        return None
    up = tree.places[arms.joint] - tree.places[spine[-1]]
    rest = [child for child in tree.below[arms.joint] if child not in (arms.first[0], arms.second[0])]
    if not rest or not np.linalg.norm(up) > 0:
        return None
    neck = max(rest, key=lambda child: float((tree.places[child] - tree.places[arms.joint]) @ up))
    if (tree.places[neck] - tree.places[arms.joint]) @ up <= 0:
        return None
    head = [neck]
    while len(tree.below[head[-1]]) == 1:
        head.append(tree.below[head[-1]][0])
    return [*reversed(spine), *head]


def _assign(tree: _JointTree, legs: _Pair, arms: _Pair, trunk: list[int]) -> StructureReading:
    chest = trunk.index(arms.joint)
    bones = {"hips": trunk[0], "spine": trunk[min(1, chest)], "head": trunk[-1]}
    if chest > 1:
        bones["chest"] = trunk[min(2, chest)]
    if chest > 2:
        bones["upperChest"] = trunk[chest]
    if len(trunk) - chest > 2:
        bones["neck"] = trunk[chest + 1]
    up = tree.places[arms.joint] - tree.places[trunk[0]]
    limbs = {pair: [_leg(tree, path) for path in (pair.first, pair.second)] for pair in (legs,)}
    feet = [tree.places[leg[3]] - tree.places[leg[2]] for leg in limbs[legs] if leg[3] is not None]
    front = np.sum(feet, axis=0) if feet else np.array([0.0, 0.0, 1.0])
    left = np.cross(up, front)
    for pair, parts, read in (
        (legs, ("UpperLeg", "LowerLeg", "Foot", "Toes"), _leg),
        (arms, ("UpperArm", "LowerArm", "Hand", "Shoulder"), _arm),
    ):
        for path, other in ((pair.first, pair.second), (pair.second, pair.first)):
            aside = (tree.places[path[-1]] - tree.places[other[-1]]) @ left
            side = "left" if aside > 0 else "right"
            for part, joint in zip(parts, read(tree, path), strict=True):
                if joint is not None:
                    bones[side + part] = joint
    return StructureReading(bones, bool(feet))


def _leg(tree: _JointTree, path: tuple[int, ...]) -> tuple[int, int, int, int | None]:
    """Thigh, shin, foot and toes of a leg's joints."""
    first = _past_short(tree, path)
    start = tree.places[path[first]]
    foot = len(path) - 1
    for index in range(first + 2, len(path) - 1):
        along, ahead = (
            tree.places[path[index]] - start,
            tree.places[path[index + 1]] - tree.places[path[index]],
        )
        cosine = along @ ahead / max(float(np.linalg.norm(along) * np.linalg.norm(ahead)), 1e-12)
        if cosine < np.cos(np.radians(_BEND)):
            foot = index
            break
    toes = path[foot + 1] if foot + 1 < len(path) else None
    return path[first], path[_middle(tree, path, first, foot)], path[foot], toes


def _arm(tree: _JointTree, path: tuple[int, ...]) -> tuple[int, int, int, int | None]:
    """Upper arm, forearm, hand and collar of an arm's joints."""
    hands = [index for index, joint in enumerate(path) if len(tree.below[joint]) >= _FINGERS]
    last = hands[0] if hands and hands[0] >= 2 else len(path) - 1
    first = _past_short(tree, path[: last + 1])
    if not hands and last - first > 2:  # without fingers, a fourth joint is the end of the hand
        last = first + 2
    return path[first], path[_middle(tree, path, first, last)], path[last], path[0] if first else None


def _past_short(tree: _JointTree, path: tuple[int, ...]) -> int:
    """1 where a limb begins with a short bone (a collar) and has three joints without it, else 0."""
    short = len(path) > _LEAST_JOINTS and tree.length(*path[:2]) < _SHORT * max(
        tree.length(start, end) for start, end in itertools.pairwise(path[1:])
    )
    return int(short)


def _middle(tree: _JointTree, path: tuple[int, ...], first: int, last: int) -> int:
    """Index of the joint nearest to halfway between two: elbow or knee, among twist bones."""
    steps = [tree.length(start, end) for start, end in itertools.pairwise(path[first : last + 1])]
    along = np.cumsum(steps)[:-1]
    return first + 1 + int(np.abs(along - sum(steps) / 2).argmin())

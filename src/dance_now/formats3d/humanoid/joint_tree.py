"""Tree of a skin's joints: branches, their reach, and pairs of symmetric branches that may be limbs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.float64]

_LEAST_JOINTS = 3  # of an arm or a leg
_SAME = 0.12  # of the length by which two branches of a pair may differ
_BRANCHES = 10  # of a joint, the longest, that are compared
_MAXIMUM_PAIRS = 60


@dataclass(frozen=True)
class LimbPair:
    """Two symmetric branches of a joint.

    Attributes:
        joint: that they hang on.
        first: joints from the first branch's root to its farthest end.
        second: likewise.
        length: mean length, from ``joint`` to the ends.
    """

    joint: int
    first: tuple[int, ...]
    second: tuple[int, ...]
    length: float


class JointTree:
    """Tree of the joints alone; what lies between two of them is skipped.

    Attributes:
        places: (N, 3) rest positions.
        below: joint -> joints that hang on it.
        order: all joints, parents first.
        masses: joint -> weight of the vertices on it.
        mass: their sum.
    """

    def __init__(self, parents: Sequence[int], places: Places, masses: Mapping[int, float]) -> None:
        """Parents and positions of N nodes; ``masses``: of the nodes that are joints."""
        self.places = places
        self.masses = masses
        self.mass = max(sum(masses.values()), 1e-12)
        self._above: dict[int, int] = {}
        self.below: dict[int, list[int]] = {joint: [] for joint in masses}
        nearest: dict[int, int] = {-1: -1}
        for joint in sorted(masses):
            passed = []
            node = parents[joint]
            while node not in nearest and node not in masses:
                passed.append(node)
                node = parents[node]
            node = nearest.get(node, node)
            nearest.update(dict.fromkeys(passed, node))
            self._above[joint] = node
            if node >= 0:
                self.below[node].append(joint)
        self.order = [joint for joint, node in self._above.items() if node < 0]
        for joint in self.order:  # grows: parents first
            self.order.extend(self.below[joint])
        self._reach = dict.fromkeys(self.order, 0.0)
        for joint in reversed(self.order):
            for child in self.below[joint]:
                self._reach[joint] = max(self._reach[joint], self.length(joint, child) + self._reach[child])

    def length(self, start: int, end: int) -> float:
        """Distance of two joints."""
        return float(np.linalg.norm(self.places[end] - self.places[start]))

    def path(self, joint: int) -> tuple[int, ...]:
        """Joints from one to the farthest below it."""
        found = [joint]
        while self.below[found[-1]]:
            last = found[-1]
            found.append(
                max(self.below[last], key=lambda child: self.length(last, child) + self._reach[child])
            )
        return tuple(found)

    def ancestors(self, joint: int) -> list[int]:
        """A joint and all above it."""
        found = [joint]
        while self._above[found[-1]] >= 0:
            found.append(self._above[found[-1]])
        return found

    def pairs(self) -> list[LimbPair]:
        """Pairs of branches that could be arms or legs, the longest first."""
        found = []
        for joint in self.order:
            branches = sorted(
                self.below[joint], key=lambda child: -self._reach[child] - self.length(joint, child)
            )
            for one, other in itertools.combinations(branches[:_BRANCHES], 2):
                paths = self.path(one), self.path(other)
                lengths = [self.length(joint, path[0]) + self._reach[path[0]] for path in paths]
                longest, apart = max(lengths), self.length(paths[0][-1], paths[1][-1])
                alike = longest > 0 and longest - min(lengths) < _SAME * longest
                if alike and min(map(len, paths)) >= _LEAST_JOINTS and apart > 0.1 * longest:
                    found.append(LimbPair(joint, *paths, longest))
        return sorted(found, key=lambda pair: -pair.length)[:_MAXIMUM_PAIRS]

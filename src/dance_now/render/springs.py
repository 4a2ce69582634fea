"""Spring bone simulation: hair, skirts and ribbons that follow the body.

Verlet integration as in VRMC_springBone-1.0 ("the recommended algorithm"), vectorised over all bones of one
depth in the hierarchy. VRM 0's springs differ in their file format only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dance_now.formats3d.spring_rig import Collider
from dance_now.render.avatar.avatar import Avatar

Matrices = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float64]

STEP_SECONDS = 1 / 60
STILL_STEPS = 30
"""Steps in a still pose after which hair and skirts have settled."""


@dataclass(frozen=True, eq=False)
class _Level:
    """Nodes at one depth below the spring roots: spring bones, and other nodes that follow rigidly."""

    carried: npt.NDArray[np.int64]  # nodes
    swinging: npt.NDArray[np.int64]  # nodes
    joints: npt.NDArray[np.int64]  # the same as joint numbers


class Springs:
    """Simulation state of an avatar's spring bones. An avatar without any is left unchanged.

    Args:
        avatar: with or without a spring rig.

    Attributes:
        joint_count: number of spring bones.

    Example:
        >>> springs = Springs(avatar)  # doctest: +SKIP
        >>> world = springs.settle(avatar.pose(rotations))  # doctest: +SKIP
    """

    def __init__(self, avatar: Avatar) -> None:
        rig = avatar.spring_rig
        joints = rig.joints if rig else ()
        self.joint_count = len(joints)
        self._parents = avatar.parents
        self._colliders: tuple[Collider, ...] = rig.colliders if rig else ()
        self._levels = _levels(avatar.parents, [joint.node for joint in joints])
        rest = avatar.rest_world
        above = np.where(avatar.parents < 0, 0, avatar.parents)
        self._local = np.where((avatar.parents < 0)[:, None, None], rest, _inverses(rest[above]) @ rest)
        self._tails = np.array([joint.tail for joint in joints]).reshape(-1, 3)
        self._stiffness = np.array([joint.stiffness for joint in joints])
        self._drag = np.clip([joint.drag for joint in joints], 0.0, 1.0)
        self._gravity = np.array([joint.gravity for joint in joints]).reshape(-1, 3)
        self._radius = np.array([joint.radius for joint in joints])
        self._collides = np.zeros((len(self._colliders), len(joints)), np.bool_)
        for number, joint in enumerate(joints):
            self._collides[list(joint.colliders), number] = True
        self._current = self._previous = np.zeros((0, 3))
        self._started = False

    def reset(self, world: Matrices) -> None:
        """Resets every bone to the pose, without velocity. ``world``: (N, 4, 4)."""
        nodes = np.array([node for level in self._levels for node in level.swinging], np.int64)
        order = np.array([joint for level in self._levels for joint in level.joints], np.int64)
        tails = np.zeros((self.joint_count, 3))
        tails[order] = _transform_points(world[nodes], self._tails[order])
        self._current, self._previous = tails, tails.copy()
        self._started = True

    def settle(self, world: Matrices, steps: int = 20) -> Matrices:
        """Settles in a still pose: world transforms (N, 4, 4) after ``steps`` of 1/60 s from rest."""
        self.reset(world)
        settled = world
        for _ in range(steps):
            settled = self.step(world)
        return settled

    def step(self, world: Matrices, seconds: float = STEP_SECONDS) -> Matrices:
        """Advances the simulation.

        Args:
            world: (N, 4, 4) of the pose at the end of the step, as ``Avatar.pose`` gives it.
            seconds: length of the step; the format's forces are tuned for 1/60.

        Returns:
            (N, 4, 4) with the spring bones moved; ``world`` is unchanged.
        """
        if not self.joint_count:
            return world
        if not self._started:
            self.reset(world)
        posed = world.copy()
        tails = np.empty_like(self._current)
        for level in self._levels:
            for nodes in (level.carried, level.swinging):
                posed[nodes] = posed[self._parents[nodes]] @ self._local[nodes]
            if len(level.joints):
                tails[level.joints] = self._swing(level, posed, world, seconds)
        self._previous, self._current = self._current, tails
        return posed

    def _swing(self, level: _Level, posed: Matrices, world: Matrices, seconds: float) -> Vectors:
        """Integrates a level's bones, rotating them in ``posed``; returns their (J, 3) tails."""
        joints, bones = level.joints, posed[level.swinging]
        heads = bones[:, :3, 3]
        rest = _transform_points(bones, self._tails[joints]) - heads
        length = np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-9)
        inertia = (self._current[joints] - self._previous[joints]) * (1 - self._drag[joints])[:, None]
        pull = rest / length * self._stiffness[joints][:, None] + self._gravity[joints]
        tails = _with_length(self._current[joints] + inertia + pull * seconds, heads, length, rest)
        for number, collider in enumerate(self._colliders):
            tails = self._resolve_collision(tails, joints, collider, number, world[collider.node])
            tails = _with_length(tails, heads, length, rest)
        turns = rotations_between(rest / length, (tails - heads) / length)
        posed[level.swinging, :3, :3] = turns @ bones[:, :3, :3]
        return tails

    def _resolve_collision(
        self, tails: Vectors, joints: npt.NDArray[np.int64], collider: Collider, number: int, node: Matrices
    ) -> Vectors:
        """Resolves collisions: pushes tails out of a collider that their bones collide with."""
        nearest = np.broadcast_to(node[:3, :3] @ collider.offset + node[:3, 3], tails.shape)
        if collider.tail is not None:
            along = node[:3, :3] @ (collider.tail - collider.offset)
            share = (tails - nearest) @ along / max(float(along @ along), 1e-12)
            nearest = nearest + np.clip(share, 0, 1)[:, None] * along
        away = tails - nearest
        distance = np.linalg.norm(away, axis=1)
        depth = collider.radius + self._radius[joints] - distance
        hit = self._collides[number, joints] & (depth > 0) & (distance > 1e-9)
        push = np.where(hit, depth / np.maximum(distance, 1e-9), 0)
        moved: Vectors = tails + away * push[:, None]
        return moved


def _inverses(transforms: Matrices) -> Matrices:
    """Inverses (n, 4, 4); pseudo-inverses where a node is scaled to nothing, as files do to hide parts."""
    try:
        return np.asarray(np.linalg.inv(transforms), np.float64)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(transforms), np.float64)


def _transform_points(transforms: Matrices, points: Vectors) -> Vectors:
    """Transforms (n, 3) points, each by its own (4, 4) matrix."""
    moved: Vectors = np.einsum("nij,nj->ni", transforms[:, :3, :3], points) + transforms[:, :3, 3]
    return moved


def _with_length(tails: Vectors, heads: Vectors, length: Vectors, fallback: Vectors) -> Vectors:
    """Constrains tails to their bones' length from the heads."""
    offset = tails - heads
    reach = np.linalg.norm(offset, axis=1, keepdims=True)
    moved: Vectors = heads + np.where(reach > 1e-9, offset * (length / np.maximum(reach, 1e-9)), fallback)
    return moved


def rotations_between(start: Vectors, end: Vectors) -> Matrices:
    """Smallest rotations (n, 3, 3) that take unit vectors ``start`` (n, 3) to ``end`` (n, 3).

    Opposite vectors get a half turn about some perpendicular axis.
    """
    cross = np.cross(start, end)
    cosine = np.einsum("ni,ni->n", start, end)
    skew = np.zeros((len(start), 3, 3))
    skew[:, 0, 1], skew[:, 0, 2], skew[:, 1, 2] = -cross[:, 2], cross[:, 1], -cross[:, 0]
    skew -= skew.transpose(0, 2, 1)
    opposite = cosine < -1 + 1e-9
    scale = 1 / np.where(opposite, 1.0, 1 + cosine)
    turns = np.eye(3) + skew + skew @ skew * scale[:, None, None]
    if opposite.any():
        helper = np.eye(3)[np.abs(start[opposite]).argmin(axis=1)]
        axis = np.cross(start[opposite], helper)
        axis /= np.linalg.norm(axis, axis=1, keepdims=True)
        turns[opposite] = 2 * axis[:, :, None] * axis[:, None, :] - np.eye(3)
    return turns


def _levels(parents: npt.NDArray[np.int64], nodes: list[int]) -> list[_Level]:
    """Spring nodes and their descendants, grouped by depth."""
    joint_of = {node: number for number, node in enumerate(nodes)}
    children: dict[int, list[int]] = {}
    for node, parent in enumerate(parents):
        children.setdefault(int(parent), []).append(node)
    depth: dict[int, int] = {}
    waiting = list(nodes)
    for node in waiting:  # breadth first: the list grows during the iteration
        above = int(parents[node])
        level = depth[above] + 1 if above in depth else 0
        if depth.get(node, -1) < level:
            depth[node] = level
            waiting.extend(children.get(node, ()))
    levels = []
    for number in range(max(depth.values(), default=-1) + 1):
        here = sorted(node for node, level in depth.items() if level == number)
        swinging = [node for node in here if node in joint_of]
        carried = [node for node in here if node not in joint_of]
        levels.append(
            _Level(
                np.array(carried, np.int64),
                np.array(swinging, np.int64),
                np.array([joint_of[node] for node in swinging], np.int64),
            )
        )
    return levels

"""What carries an avatar's surface: the bones of the rule, and spring joints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.formats3d.spring_rig import Collider, SpringJoint
from dance_now.pose.model.bone_rule import BONE_INDEX, BONE_NAMES
from dance_now.render.avatar.avatar import Avatar
from dance_now.synthesis.poses.avatar_poser import avatar_bones

FIRST_JOINT: Final = len(BONE_NAMES)
"""Number of spring joint 0 among all that carries: bones come before it."""

_Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SurfaceRig:
    """Bones of BONE_NAMES, then J spring joints, and C colliders that joints mind.

    Attributes:
        carriers: (N,) for each node of the avatar the bone, or FIRST_JOINT + the joint, that it is fixed to.
        parents: (J,) the same for the node above each joint.
        points: (J, 2, 3) head and tail at rest, character frame, metres.
        forces: (J, 6) stiffness, drag, radius in metres, gravity along the character frame's axes.
        collider_bones: (C,) rows of BONE_NAMES.
        collider_points: (C, 2, 3) the ends of a capsule at rest, equal for a sphere, metres.
        collider_radii: (C,) metres.
        minded: (J, C) whether a joint minds a collider.
    """

    carriers: npt.NDArray[np.int64]
    parents: npt.NDArray[np.int64]
    points: FloatArray
    forces: FloatArray
    collider_bones: npt.NDArray[np.int64]
    collider_points: FloatArray
    collider_radii: FloatArray
    minded: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, avatar: Avatar) -> SurfaceRig:
        """The rig of an avatar. What hangs on no humanoid bone is taken to hang on the hips."""
        joints = avatar.spring_rig.joints if avatar.spring_rig else ()
        used = sorted({number for joint in joints for number in joint.colliders})
        colliders = [avatar.spring_rig.colliders[number] for number in used] if avatar.spring_rig else []
        bones = _bones(avatar)
        carriers = _carriers(avatar, joints, bones)
        above = avatar.parents[[joint.node for joint in joints]] if joints else np.zeros(0, np.int64)
        return cls(
            carriers=carriers,
            parents=np.where(above < 0, BONE_INDEX["hips"], carriers[above]),
            points=_stacked([_ends(avatar, joint.node, np.zeros(3), joint.tail) for joint in joints], (2, 3)),
            forces=_stacked([_forces(joint) for joint in joints], (6,)),
            # A collider stays with the posed body, even below a joint: see ``Springs``.
            collider_bones=bones[np.array([each.node for each in colliders], np.int64)],
            collider_points=_stacked([_capsule(avatar, each) for each in colliders], (2, 3)),
            collider_radii=_stacked([np.array(each.radius) for each in colliders], ()),
            minded=np.array([[number in joint.colliders for number in used] for joint in joints]).reshape(
                len(joints), len(used)
            ),
        )


def _bones(avatar: Avatar) -> npt.NDArray[np.int64]:
    """(N,) the bone of BONE_NAMES that turns each node as long as no spring does."""
    rule = avatar_bones(avatar.bones)
    owners = (avatar.humanoid_owner(node) for node in range(len(avatar.parents)))
    return np.array([BONE_INDEX["hips" if owner is None else rule[owner]] for owner in owners], np.int64)


def _carriers(
    avatar: Avatar, joints: tuple[SpringJoint, ...], bones: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """``SurfaceRig.carriers``: the nearest joint at or above a node, else its bone."""
    joint_of = {joint.node: FIRST_JOINT + number for number, joint in enumerate(joints)}
    carriers = bones.copy()
    for node in range(len(carriers)):
        above = node
        while above >= 0 and above not in joint_of:
            above = int(avatar.parents[above])
        if above >= 0:
            carriers[node] = joint_of[above]
    return carriers


def _forces(joint: SpringJoint) -> _Vector:
    return np.array([joint.stiffness, min(max(joint.drag, 0.0), 1.0), joint.radius, *joint.gravity])


def _capsule(avatar: Avatar, collider: Collider) -> _Vector:
    end = collider.offset if collider.tail is None else collider.tail
    return _ends(avatar, collider.node, collider.offset, end)


def _ends(avatar: Avatar, node: int, start: _Vector, end: _Vector) -> _Vector:
    """(2, 3) two points of a node's own space, in the character frame at rest."""
    rest = avatar.rest_world[node]
    placed: _Vector = np.stack([start, end]) @ rest[:3, :3].T + rest[:3, 3]
    return placed


def _stacked(rows: list[_Vector], shape: tuple[int, ...]) -> FloatArray:
    return np.array(rows, np.float32).reshape(len(rows), *shape)

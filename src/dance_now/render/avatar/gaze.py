"""Gaze as four expressions (lookLeft, lookRight, lookUp, lookDown), also for avatars with eye bones.

Rotations of eye bones are converted to morph targets: they are so small that the chord approximates the arc
(at 10 degrees they are 0.4 % of the radius apart). Keypoints and surface points then follow the gaze like any
other expression.
Source: VRMC_vrm-1.0, lookAt; VRM 0.0, firstPerson.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.formats3d.humanoid.morph_expressions import Expression, MorphBind
from dance_now.formats3d.meshes import MorphTarget, Primitive
from dance_now.formats3d.node_tree import Matrices

GAZES: Final = ("lookLeft", "lookRight", "lookUp", "lookDown")
_FARTHEST: Final = 30.0  # degrees
_RANGES: Final = ("HorizontalInner", "HorizontalOuter", "VerticalUp", "VerticalDown")
# Default shift of the iris in its own widths and heights, so that it stays between the lids.
_DEFAULT_SLIDE: Final = (0.27, 0.2)


@dataclass(frozen=True)
class EyeRange:
    """Rotation range of the eyes, degrees: towards the nose, away from it, up, and down."""

    inner: float
    outer: float
    up: float
    down: float

    def turn(self, gaze: str, side: int) -> npt.NDArray[np.float64]:
        """Rotation (3, 3) of the left eye (``side`` 1) or right (-1) for one of GAZES, character frame."""
        if gaze in ("lookUp", "lookDown"):
            angle = np.radians(self.down if gaze == "lookDown" else -self.up)
            cosine, sine = np.cos(angle), np.sin(angle)
            return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
        way = 1 if gaze == "lookLeft" else -1
        angle = way * np.radians(self.outer if way == side else self.inner)
        cosine, sine = np.cos(angle), np.sin(angle)
        return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])


@dataclass(frozen=True, eq=False)
class EyeBone:
    """Eye bone.

    Attributes:
        side: 1 for the left one, -1 for the right.
        pivot: (3,) rest position of the bone, character frame.
        nodes: the bone and its descendants.
    """

    side: int
    pivot: npt.NDArray[np.float64]
    nodes: Sequence[int]


def eye_bones(bones: Mapping[str, int], owners: Sequence[str | None], world: Matrices) -> list[EyeBone]:
    """Eye bones of an avatar.

    Args:
        bones: humanoid bone -> node.
        owners: humanoid bone that each of N nodes is or descends from.
        world: (N, 4, 4) rest transforms, character frame.
    """
    return [
        EyeBone(side, world[bones[bone], :3, 3], [node for node, owner in enumerate(owners) if owner == bone])
        for bone, side in (("leftEye", 1), ("rightEye", -1))
        if bone in bones
    ]


def with_gaze_expressions(
    extensions: Mapping[str, Any], primitives: Sequence[Primitive], eyes: Sequence[EyeBone], palette: Matrices
) -> tuple[Sequence[Primitive], dict[str, Expression]]:
    """Converts gaze by eye bones to gaze expressions.

    Args:
        extensions: of the file's document.
        primitives: of the avatar.
        eyes: its eye bones.
        palette: (K, 4, 4) skinning matrices at rest.

    Returns:
        The primitives, those of the eyes with additional morph targets, and the expressions of GAZES; no
        expressions where gaze does not use bones, or no vertex is skinned to them.
    """
    if not uses_bone_gaze(extensions):
        return primitives, {}
    reach = read_eye_range(extensions) or estimate_eye_range(primitives, eyes, palette)
    return _turn_by_expressions(primitives, eyes, palette, reach)


def uses_bone_gaze(extensions: Mapping[str, Any]) -> bool:
    """Whether a file (its document's extensions) drives gaze by eye bones (the default)."""
    if "VRMC_vrm" in extensions:
        kind = (extensions["VRMC_vrm"].get("lookAt") or {}).get("type", "bone")
    else:
        kind = ((extensions.get("VRM") or {}).get("firstPerson") or {}).get("lookAtTypeName", "Bone")
    return str(kind).lower() == "bone"


def read_eye_range(extensions: Mapping[str, Any]) -> EyeRange | None:
    """Reads the eyes' rotation range from the document's extensions; None where it is missing."""
    if "VRMC_vrm" in extensions:
        maps, prefix, key = extensions["VRMC_vrm"].get("lookAt") or {}, "rangeMap", "outputScale"
    else:
        maps, prefix, key = (extensions.get("VRM") or {}).get("firstPerson") or {}, "lookAt", "yRange"
    if not all(prefix + name in maps for name in _RANGES):
        return None
    degrees = np.nan_to_num([float(maps[prefix + name][key]) for name in _RANGES])
    return EyeRange(*np.clip(degrees, 0.0, _FARTHEST).tolist())


def estimate_eye_range(
    primitives: Sequence[Primitive], eyes: Sequence[EyeBone], palette: Matrices
) -> EyeRange:
    """Estimates the eyes' rotation range from the visible part's size, so that it stays between the lids.

    Args:
        primitives: of the avatar.
        eyes: the eye bones.
        palette: (K, 4, 4) skinning matrices at rest.
    """
    reach = np.full(2, _FARTHEST)
    for eye in eyes:
        front = -np.inf
        for primitive in primitives:
            hangs = np.isin(primitive.joints, eye.nodes) & (primitive.weights > 0.5)
            rows = np.flatnonzero(hangs.any(axis=1))
            if primitive.material.invisible or len(rows) < 3:
                continue
            slots = primitive.slots[hangs]
            places = np.einsum("nij,nj->ni", palette[slots, :3, :3], primitive.positions[rows])
            places += palette[slots, :3, 3] - eye.pivot
            if places[:, 2].max() > max(front, 1e-6):  # spare eyes lie behind the visible one
                front = float(places[:, 2].max())
                slide = np.ptp(places[:, :2], axis=0) * _DEFAULT_SLIDE / front
                own = np.degrees(np.arcsin(np.clip(slide, 0, np.sin(np.radians(_FARTHEST)))))
        reach = reach if np.isinf(front) else np.minimum(reach, own)
    aside, up_and_down = reach.tolist()
    return EyeRange(aside, aside, up_and_down, up_and_down)


def _turn_by_expressions(
    primitives: Sequence[Primitive], eyes: Sequence[EyeBone], palette: Matrices, reach: EyeRange
) -> tuple[list[Primitive], dict[str, Expression]]:
    moves = [
        [_moved(primitive, eyes, palette, reach, gaze) for gaze in GAZES]
        if np.isin(primitive.joints, [node for eye in eyes for node in eye.nodes]).any()
        else None
        for primitive in primitives
    ]
    meshes = {item.mesh for item, own in zip(primitives, moves, strict=True) if own is not None}
    first = max((len(item.targets) for item in primitives if item.mesh in meshes), default=0)
    result = [
        item
        if own is None
        else replace(item, targets=(*item.targets, *[None] * (first - len(item.targets)), *own))
        for item, own in zip(primitives, moves, strict=True)
    ]
    expressions = {
        gaze: tuple(MorphBind(mesh, first + number, 1.0) for mesh in sorted(meshes))
        for number, gaze in enumerate(GAZES)
    }
    return result, expressions if meshes else {}


def _moved(
    primitive: Primitive, eyes: Sequence[EyeBone], palette: Matrices, reach: EyeRange, gaze: str
) -> MorphTarget | None:
    """Morph target of a gaze in the bind pose, for the vertices skinned to the eyes."""
    offsets, normal_offsets = np.zeros_like(primitive.positions), np.zeros_like(primitive.normals)
    for eye in eyes:
        turn = np.eye(4)
        turn[:3, :3] = reach.turn(gaze, eye.side)
        turn[:3, 3] = eye.pivot - turn[:3, :3] @ eye.pivot
        hangs = np.isin(primitive.joints, eye.nodes) & (primitive.weights > 0)
        for slot in np.unique(primitive.slots[hangs]):
            share = (primitive.weights * (hangs & (primitive.slots == slot))).sum(axis=1)[:, None]
            to_rest = palette[slot]
            change = np.linalg.inv(to_rest) @ turn @ to_rest - np.eye(4)
            offsets += share * (primitive.positions @ change[:3, :3].T + change[:3, 3])
            normal_offsets += share * (primitive.normals @ change[:3, :3].T)
    rows = np.flatnonzero(np.abs(offsets).max(axis=1, initial=0) > 1e-7)
    return MorphTarget(rows.astype(np.int32), offsets[rows], normal_offsets[rows]) if len(rows) else None

"""Face mesh of an avatar: its facial primitives merged into one mesh at rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dance_now.formats3d.meshes import Primitive
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_expressions import expression_names
from dance_now.render.face.face_regions import Anchor, FrontView, Indices, Points


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """Merged mesh at rest of the eyeballs and of the primitives that expressions move.

    Attributes:
        points: (V, 3) character frame, metres.
        triangles: (T, 3) rows of ``points``.
        parts: (V,) index of the avatar's primitive.
        vertices: (V,) vertex of that primitive.
        eyeballs: (V,) -1 on the right eye's bone, +1 on the left eye's, 0 elsewhere.
        displacements: for each expression (V, 3) displacement at weight 1.
    """

    points: Points
    triangles: Indices
    parts: Indices
    vertices: Indices
    eyeballs: Indices
    displacements: dict[str, Points]

    def displacement(self, *names: str) -> Points:
        """Sum of the displacements (V, 3) of those expressions that exist."""
        total = np.zeros_like(self.points)
        for name in names:
            total += self.displacements.get(name, 0.0)
        return total

    def part_triangles(self, part: int) -> Indices:
        """Triangles (T, 3) of one part."""
        return self.triangles[self.parts[self.triangles[:, 0]] == part]


@dataclass(frozen=True, eq=False)
class Eye:
    """Contour of one eye.

    Attributes:
        ring: six anchors from the smallest x over the upper lid to the largest, back over the lower lid.
        centre: (3,) their mean at rest.
        box: lowest and highest x, lowest and highest y of the opening.
    """

    ring: list[Anchor]
    centre: Points
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Face:
    """Face with located eyes, the frame of all further detection.

    Attributes:
        mesh: the face.
        loops: boundary loops (rows of the mesh in order).
        right: the character's right eye.
        left: the character's left eye.
        middle: (3,) point between the eyes.
        scale: interocular distance, metres; all other lengths are fractions of it.
        view: front view of the skin at rest.
        skin: (T, 3) triangles of the part with the skin; cavities and what lies on the skin are among them.
    """

    mesh: FaceMesh
    loops: list[Indices]
    right: Eye
    left: Eye
    middle: Points
    scale: float
    view: FrontView
    skin: Indices

    def snap(self, x: float, y: float) -> Anchor:
        """Anchor on the skin at x, y."""
        return self.view.nearest_anchor(x, y)


def face_mesh(avatar: Avatar) -> FaceMesh | None:
    """Builds the face mesh of an avatar; None where no expression moves its geometry."""
    names = expression_names(avatar)
    moving = [_moved_vertices(avatar, index, names) for index in range(len(avatar.primitives))]
    if not any(moving):
        return None
    eyes = [_eyeball_side(avatar, primitive) for primitive in avatar.primitives]
    parts = [index for index, count in enumerate(moving) if count > 0 or eyes[index].any()]
    starts = np.cumsum([0] + [len(avatar.primitives[part].positions) for part in parts])
    rest = _stacked(avatar, parts, {})
    return FaceMesh(
        points=rest,
        triangles=np.concatenate(
            [avatar.primitives[part].triangles + start for part, start in zip(parts, starts, strict=False)]
        ).astype(np.int64),
        parts=np.repeat(parts, np.diff(starts)).astype(np.int64),
        vertices=np.concatenate([np.arange(count) for count in np.diff(starts)]).astype(np.int64),
        eyeballs=np.concatenate([eyes[part] for part in parts]),
        displacements={name: _stacked(avatar, parts, {name: 1.0}) - rest for name in names},
    )


def _stacked(avatar: Avatar, parts: list[int], expressions: dict[str, float]) -> Points:
    shapes = avatar.mesh_points(avatar.rest_world, expressions)
    return np.concatenate([shapes[part][0] for part in parts]).astype(np.float64)


def _moved_vertices(avatar: Avatar, index: int, names: tuple[str, ...]) -> int:
    """Number of vertices of a primitive that the expressions move."""
    primitive = avatar.primitives[index]
    if primitive.material.invisible:
        return 0
    moved = np.zeros(len(primitive.positions), bool)
    for name in names:
        for bind in avatar.expressions[name]:
            target = primitive.targets[bind.target] if bind.target < len(primitive.targets) else None
            if bind.mesh == primitive.mesh and target is not None:
                moved[target.vertices] = True
    return int(moved.sum())


def _eyeball_side(avatar: Avatar, primitive: Primitive) -> Indices:
    """Eye side (V,): -1 or +1 for vertices skinned mostly to the right or left eye's bone, else 0."""
    side = np.zeros(len(primitive.positions), np.int64)
    if primitive.material.invisible:
        return side
    for bone, sign in (("rightEye", -1), ("leftEye", 1)):
        if bone in avatar.bones:
            hangs = (primitive.weights * (primitive.joints == avatar.bones[bone])).sum(axis=1)
            side[hangs > 0.5] = sign
    return side

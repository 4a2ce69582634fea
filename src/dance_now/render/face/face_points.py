"""Skinned face landmarks: OpenPose's 70 points on an avatar's face, following skeleton and expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_expressions import MOODS, expression_names, sample_expression
from dance_now.render.face.face_landmarks import locate_landmarks
from dance_now.render.face.face_mesh import FaceMesh, face_mesh
from dance_now.render.face.face_plausibility import Plausibility, Trust, check_landmarks
from dance_now.render.face.face_regions import Anchor, Indices, Points, anchor_position, mean_anchor

__all__ = [
    "FaceLandmarks",
    "expression_basis",
    "expression_names",
    "face_landmarks",
    "sample_expression",
    "with_observable_expressions",
]

FACE_POINT_COUNT = 70
_LEAST_MOVE = 0.02  # of all face points together, in interocular distances
_LEAST_DIFFERENCE = 0.1  # least residual of a mood against mixtures of other expressions, of its own norm


@dataclass(frozen=True, eq=False)
class FaceLandmarks:
    """Face landmarks bound to an avatar's mesh; only the vertices in use are kept.

    Attributes:
        parts: (N,) index of the avatar's primitive of each vertex in use.
        vertices: (N,) its vertex in that primitive.
        mixing: (70, N) weights of the vertices in each point, rows sum to 1.
        bind: (N, 3) positions in the bind pose, metres.
        slots: (N, 4) rows of ``palette_rows`` that move each vertex.
        weights: (N, 4) skin weights.
        palette_rows: (K,) rows of the avatar's skinning palette.
        morphs: expression -> (N, 3) displacement at weight 1 in the bind pose.
        head_offsets: (5, 3) nose, right eye, left eye, right ear and left ear (BODY_25 0, 15 to 18) from
            the head bone at rest, character frame, metres.
        trusted: (70,) whether each point can be where it was found, see ``check_landmarks``.
        doubts: what is implausible, a line for each part of the face.
    """

    parts: Indices
    vertices: Indices
    mixing: Points
    bind: Points
    slots: Indices
    weights: Points
    palette_rows: Indices
    morphs: dict[str, Points]
    head_offsets: Points
    trusted: Trust
    doubts: tuple[str, ...]

    def positions(
        self, avatar: Avatar, world: Points, expressions: Mapping[str, float] | None = None
    ) -> Points:
        """Landmark positions (70, 3) in the character frame, metres.

        Args:
            avatar: the one these landmarks are for.
            world: (N, 4, 4) node transforms, from ``Avatar.pose``.
            expressions: expression -> weight in [0, 1]; those the face lacks are ignored.
        """
        shape = self.bind
        for name, weight in (expressions or {}).items():
            if name in self.morphs:
                shape = shape + min(max(float(weight), 0.0), 1.0) * self.morphs[name]
        rows = self.palette_rows
        palette = (world[avatar.palette_nodes[rows]] @ avatar.palette_inverse_bind[rows])[:, :3]
        matrices = np.einsum("nk,nkij->nij", self.weights, palette[self.slots])
        skinned = np.einsum("nij,nj->ni", matrices[:, :, :3], shape) + matrices[:, :, 3]
        return np.asarray(self.mixing @ skinned, np.float64)

    def body_points(self, avatar: Avatar, world: Points) -> Points:
        """Head keypoints (5, 3): nose, right eye, left eye, right ear, left ear (BODY_25 0, 15 to 18).

        In the character frame; they are rigid with the skull, and no expression moves them.
        """
        head = avatar.bones["head"]
        move = world[head] @ np.linalg.inv(avatar.rest_world[head])
        rest = avatar.rest_position("head") + self.head_offsets
        return np.asarray(rest @ move[:3, :3].T + move[:3, 3], np.float64)


def face_landmarks(avatar: Avatar) -> FaceLandmarks | None:
    """Detects the face landmarks of an avatar; None where its face does not blink.

    The order is OpenPose's: jaw from the right ear to the left, right brow, left brow, nose, right eye, left
    eye, mouth, pupils (see ``dance_now.pose.model.keypoints``).
    """
    mesh = face_mesh(avatar)
    anchors = None if mesh is None else locate_landmarks(mesh)
    if mesh is None or anchors is None:
        return None
    used = np.array(sorted({vertex for anchor in anchors for vertex in anchor}))
    mixing = np.zeros((FACE_POINT_COUNT, len(used)))
    for point, anchor in enumerate(anchors):
        mixing[point, np.searchsorted(used, list(anchor))] = list(anchor.values())
    checked = check_landmarks(mixing @ mesh.points[used])
    head = _head_offsets(avatar, mesh, anchors)
    return _collect(avatar, mesh.parts[used], mesh.vertices[used], mixing, head, checked)


def _collect(
    avatar: Avatar, parts: Indices, vertices: Indices, mixing: Points, head: Points, checked: Plausibility
) -> FaceLandmarks:
    rows = list(zip(parts.tolist(), vertices.tolist(), strict=True))
    slots = np.stack([avatar.primitives[part].slots[vertex] for part, vertex in rows])
    palette_rows, compact = np.unique(slots, return_inverse=True)
    return FaceLandmarks(
        parts=parts,
        vertices=vertices,
        mixing=mixing,
        bind=np.stack([avatar.primitives[part].positions[vertex] for part, vertex in rows]).astype(
            np.float64
        ),
        slots=compact.reshape(slots.shape),
        weights=np.stack([avatar.primitives[part].weights[vertex] for part, vertex in rows]).astype(
            np.float64
        ),
        palette_rows=palette_rows.astype(np.int64),
        morphs=_bind_morphs(avatar, parts, vertices),
        head_offsets=head,
        trusted=checked.trusted,
        doubts=checked.doubts,
    )


def _bind_morphs(avatar: Avatar, parts: Indices, vertices: Indices) -> dict[str, Points]:
    """Displacements of single vertices in the bind pose, for each expression that moves them."""
    morphs: dict[str, Points] = {}
    for name, binds in avatar.expressions.items():
        total = np.zeros((len(parts), 3))
        for bind in binds:
            for part in np.unique(parts):
                primitive = avatar.primitives[part]
                if primitive.mesh != bind.mesh or bind.target >= len(primitive.targets):
                    continue
                target = primitive.targets[bind.target]
                if target is not None:
                    dense = np.zeros_like(primitive.positions)
                    dense[target.vertices] = target.offsets
                    here = parts == part
                    total[here] += bind.weight * dense[vertices[here]]
        if np.abs(total).max(initial=0) > 0:
            morphs[name] = total
    return morphs


def _head_offsets(avatar: Avatar, mesh: FaceMesh, anchors: Sequence[Anchor]) -> Points:
    """Offsets of nose tip, eye centres and ears (a third of the eye distance behind the ends of the jaw)."""
    rest = mesh.points
    right_eye, left_eye = (
        anchor_position(mean_anchor(anchors[first : first + 6]), rest) for first in (36, 42)
    )
    scale = float(np.linalg.norm(left_eye - right_eye))
    ears = [
        anchor_position(anchors[point], rest) + scale * np.array([side * 0.02, 0.05, -0.35])
        for point, side in ((0, -1), (16, 1))
    ]
    return np.stack([anchor_position(anchors[30], rest), right_eye, left_eye, *ears]) - avatar.rest_position(
        "head"
    )


def expression_basis(avatar: Avatar, landmarks: FaceLandmarks, names: Sequence[str]) -> Points:
    """Blendshape basis: displacement of the landmarks by each expression, for least-squares fitting.

    Args:
        avatar: the one the landmarks are for.
        landmarks: from ``face_landmarks``.
        names: E expressions, as from ``expression_names``.

    Returns:
        (E, 70, 3) displacement at weight 1, metres, along the axes of the character frame with the head at
        rest. Displacements add up exactly, because morph targets and skinning are linear. They need not be
        independent (a mood is often a mixture of other shapes): regularise when solving for weights.
    """
    rest = landmarks.positions(avatar, avatar.rest_world)
    return np.stack([landmarks.positions(avatar, avatar.rest_world, {name: 1.0}) - rest for name in names])


def with_observable_expressions(avatar: Avatar, landmarks: FaceLandmarks | None) -> Avatar:
    """The avatar with only those expressions that are observable from its landmarks.

    A network that renders a face from its landmarks cannot tell tears or a blush that move none of them, nor
    a mood that moves them like other expressions do (eyes that look down, say): it would render the mean of
    both. An avatar without landmarks keeps no expressions.

    Args:
        avatar: as loaded.
        landmarks: its face landmarks.
    """
    if landmarks is None:
        return replace(avatar, expressions={})
    names = expression_names(avatar)
    moves = expression_basis(avatar, landmarks, names).reshape(len(names), -1) if names else np.zeros((0, 0))
    lengths = np.linalg.norm(moves, axis=1)
    least = _LEAST_MOVE * float(np.linalg.norm(landmarks.head_offsets[1] - landmarks.head_offsets[2]))
    seen = [row for row in range(len(names)) if lengths[row] > least]
    kept = [row for row in seen if names[row] not in MOODS]
    for row in (row for row in seen if names[row] in MOODS):
        rest = nnls(moves[kept].T, moves[row])[1] if kept else lengths[row]
        if rest > _LEAST_DIFFERENCE * lengths[row]:
            kept.append(row)
    dropped = {name for row, name in enumerate(names) if row not in kept}
    return replace(
        avatar, expressions={name: binds for name, binds in avatar.expressions.items() if name not in dropped}
    )

"""From an avatar to a character that is its mesh: nothing is learned, all comes straight from the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.character.templates.surface import SurfaceArrays
from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.skeleton import Skeleton
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.face.face_points import FaceLandmarks, with_observable_expressions
from dance_now.synthesis.framing import CAMERA_PITCHES
from dance_now.training.rigging import solve_expressions
from dance_now.training.surface.surface_mesh import Moves, SurfaceMesh
from dance_now.training.surface.surface_paint import Paint
from dance_now.training.surface.surface_rig import SurfaceRig

_FACE_POINTS: Final = FACE.stop - FACE.start
_MOST: Final = {
    "vertices": 250_000,
    "triangles": 500_000,
    "materials": 256,
    "textures": 64,
    "vertices moved by expressions": 2_000_000,
    "spring bones": 512,
    "colliders": 256,
}
_FARTHEST: Final = 100.0  # metres


def surface_arrays(
    avatar: Avatar, face: FaceLandmarks | None, hide: tuple[str, ...] = ()
) -> tuple[Skeleton, SurfaceArrays]:
    """A character's skeleton and all that its ``surface`` template draws.

    A picture of an avatar is a function of its keypoints: bones by the bone rule, spring joints settled in
    that pose, expressions read off the face points. So the character is the avatar itself.

    Args:
        avatar: as loaded.
        face: its face points, from ``face_landmarks``; without them its face does not move.
        hide: names of parts to leave out.

    Raises:
        DanceNowError: a name in ``hide`` that the avatar lacks, or more of something than a character may
            have.

    Example:
        >>> avatar = load_avatar(Path("godette.vrm"))  # doctest: +SKIP
        >>> skeleton, arrays = surface_arrays(avatar, face_landmarks(avatar))  # doctest: +SKIP
    """
    avatar = with_observable_expressions(avatar, face)
    skeleton = replace(avatar_skeleton(avatar, face, hide), pitches=CAMERA_PITCHES)
    rig = SurfaceRig.of(avatar)
    mesh = SurfaceMesh.of(avatar, rig.carriers, tuple(skeleton.expressions), hide)
    paint = Paint.of(mesh.materials)
    _check_counts(avatar.name, rig, mesh, paint)
    return skeleton, _arrays(skeleton, rig, mesh, paint)


def _check_counts(name: str, rig: SurfaceRig, mesh: SurfaceMesh, paint: Paint) -> None:
    counts = {
        "vertices": len(mesh.positions),
        "triangles": len(mesh.triangles),
        "materials": len(mesh.materials),
        "textures": len(paint.pictures),
        "vertices moved by expressions": sum(len(each.vertices) for each in mesh.moves),
        "spring bones": len(rig.parents),
        "colliders": len(rig.collider_bones),
    }
    for what, most in _MOST.items():
        if counts[what] > most:
            raise DanceNowError(f"{name} has {counts[what]} {what}; a character may have {most}.")
    if np.abs(mesh.positions).max() > _FARTHEST:
        raise DanceNowError(f"{name} reaches farther than {_FARTHEST:.0f} metres; scale it down.")


def _arrays(skeleton: Skeleton, rig: SurfaceRig, mesh: SurfaceMesh, paint: Paint) -> SurfaceArrays:
    vertices, offsets, normals = _joined_moves(mesh.moves)
    sizes = [picture.shape[1::-1] for picture in paint.pictures]
    texels = [np.zeros((0, 4), np.uint8), *(picture.reshape(-1, 4) for picture in paint.pictures)]
    return SurfaceArrays(
        positions=mesh.positions,
        normals=mesh.normals.astype(np.float16),
        outline_normals=mesh.outline_normals.astype(np.float16),
        uv=mesh.uv,
        joints=mesh.joints.astype(np.uint16),
        weights=mesh.weights.astype(np.float16),
        triangles=mesh.triangles.astype(np.uint32),
        surface_triangles=np.array(mesh.counts, np.uint32),
        surface_base=paint.base,
        surface_shade=paint.shade,
        surface_ramp=paint.ramp,
        surface_emission=paint.emission,
        surface_rim=paint.rim,
        surface_matcap=paint.matcap,
        surface_outline=paint.outline,
        surface_cutoff=paint.cutoff,
        surface_flags=paint.flags,
        surface_textures=paint.textures,
        texture_sizes=np.array(sizes, np.uint32).reshape(-1, 2),
        texels=np.concatenate(texels),
        face_solve=_face_solve(skeleton),
        expression_counts=np.array([len(each.vertices) for each in mesh.moves], np.uint32),
        expression_vertices=vertices.astype(np.uint32),
        expression_offsets=offsets.astype(np.float16),
        expression_normals=normals.astype(np.float16),
        spring_parents=rig.parents.astype(np.uint16),
        spring_points=rig.points,
        spring_forces=rig.forces,
        collider_bones=rig.collider_bones.astype(np.uint16),
        collider_points=rig.collider_points,
        collider_radii=rig.collider_radii,
        spring_colliders=rig.minded.astype(np.uint8),
    )


def _joined_moves(moves: Sequence[Moves]) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray]:
    """(K,) vertices, (K, 3) offsets and (K, 3) changes of normals of all expressions, in order."""
    if not moves:
        return np.zeros(0, np.int64), np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)
    return (
        np.concatenate([each.vertices for each in moves]),
        np.concatenate([each.offsets for each in moves]),
        np.concatenate([each.normals for each in moves]),
    )


def _face_solve(skeleton: Skeleton) -> FloatArray:
    """(E, 70, 3) what makes weights of expressions out of the face points' departure from rest in metres."""
    moves = list(skeleton.expressions.values())
    if not moves:
        return np.zeros((0, _FACE_POINTS, 3), np.float32)
    basis = np.stack(moves) * skeleton.known[FACE, None]
    return solve_expressions(basis.reshape(len(basis), -1)).reshape(basis.shape).astype(np.float32)

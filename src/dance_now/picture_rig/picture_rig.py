"""From a figure with joints to a rigged, textured body as VRM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.formats3d.vrm_writer import RigBone, RigMesh, ToonPaint, vrm_bytes
from dance_now.picture_rig.body_regions import BodyRegions
from dance_now.picture_rig.body_surface import BodySurface, body_surface
from dance_now.picture_rig.body_texture import BodyTexture, body_texture
from dance_now.picture_rig.figure_joints import SIDES, FigureJoints
from dance_now.picture_rig.figure_picture import FigurePicture
from dance_now.picture_rig.rig_bones import BodyFrame, FINGER_JOINTS, rig_bones, skin_weights

Points = npt.NDArray[np.float64]


def rig_figure(figure: FigurePicture, joints: FigureJoints, name: str, licence: str, credits: str) -> bytes:
    """VRM 1.0 file of a figure.

    Args:
        figure: the cut-out picture.
        joints: in its pixels.
        name: the character's.
        licence: of the picture, which becomes the avatar's.
        credits: who drew it.
    """
    mask = figure.mask
    regions = BodyRegions.of(mask, joints)
    surface = body_surface(mask, regions)
    texture = body_texture(figure.rgb, figure.alpha, mask, regions, joints["chin"])
    frame = BodyFrame.of(mask, joints)
    bones = rig_bones(joints, surface, frame)
    mesh = rig_mesh(surface, regions, texture, frame, bones, joints)
    return vrm_bytes(name, bones, mesh, toon_paint(texture, frame), licence, credits)


def rig_mesh(
    surface: BodySurface,
    regions: BodyRegions,
    texture: BodyTexture,
    frame: BodyFrame,
    bones: list[RigBone],
    joints: FigureJoints,
) -> RigMesh:
    """The body's mesh in metres, with skin weights."""
    positions = frame.positions(surface)
    numbers, weights = skin_weights(surface, regions, bones, joints)
    return RigMesh(
        positions,
        smooth_normals(positions, surface),
        _uv(surface, texture),
        surface.triangles,
        numbers,
        weights,
    )


def toon_paint(texture: BodyTexture, frame: BodyFrame) -> ToonPaint:
    """The body's material."""
    if texture.ink is None:
        return ToonPaint(texture.pixels)
    return ToonPaint(
        texture.pixels, outline_width=0.6 * texture.ink_width * frame.metres, outline_color=(texture.ink,) * 3
    )


def _uv(surface: BodySurface, texture: BodyTexture) -> Points:
    height, width = texture.pixels.shape[:2]
    x = surface.places[:, 0] + np.where(surface.behind, texture.half, 0)
    return np.stack([x / width, surface.places[:, 1] / height], axis=1)


def smooth_normals(positions: Points, surface: BodySurface) -> Points:
    """(V, 3) normals; twins on the outline share theirs, so that front and back meet without a crease."""
    corners = positions[surface.triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    group = np.arange(len(positions))
    half = len(positions) // 2
    twins = np.flatnonzero(surface.rim[half:])
    group[half + twins] = twins
    total = np.zeros_like(positions)
    for corner in range(3):
        np.add.at(total, group[surface.triangles[:, corner]], faces)
    normals = total[group]
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12))
